// SPDX-License-Identifier: MIT
#include <algorithm>

#include "devices/cpu/broadcast_runs.h"
#include "devices/cpu/byte_function.h"
#include "devices/cpu/byte_scale.h"
#include "devices/cpu/kernels/elementwise/byte_table.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

enum Input { kCondition, kX, kXScale, kXZero, kY, kYScale, kYZero, kZScale, kZZero };

// Bytes of both choices that are translated before they are chosen from.
constexpr size_t kPiece = 1024;

class QlinearWhere final : public Executable {
 public:
  explicit QlinearWhere(const Node& /*node*/)
      : runs_({{kCondition, 1}, {kX, 1}, {kY, 1}}, 1, 32768, 0) {}

  Status Bind(BindContext& context) const override { return runs_.Bind(context); }

  Status Run(RunContext& context) const override {
    const bool is_signed = context.Input(kX).type == ElementType::kInt8;
    const ByteScale z = ByteScaleAt(context, kZScale);
    const ByteFunction from_x = MakeRequantization(ByteScaleAt(context, kXScale), z, is_signed);
    const ByteFunction from_y = MakeRequantization(ByteScaleAt(context, kYScale), z, is_signed);
    const auto compute = [&](std::span<const AnyOperand> operands, void* out, size_t count) {
      const Operand<uint8_t> condition = operands[0].As<uint8_t>();
      for (size_t i = 0; i < count; i += kPiece) {
        const size_t n = std::min(kPiece, count - i);
        uint8_t x[kPiece];
        uint8_t y[kPiece];
        Translate(from_x, operands[1].As<uint8_t>(), i, n, x);
        Translate(from_y, operands[2].As<uint8_t>(), i, n, y);
        Choose(condition, i, n, x, y, static_cast<uint8_t*>(out) + i);
      }
    };
    return runs_.Run(context, compute);
  }

 private:
  static void Translate(const ByteFunction& table, Operand<uint8_t> from, size_t i, size_t n,
                        uint8_t* to) {
    if (from.step == 0) {
      std::fill_n(to, n, table[*from.data]);
    } else {
      LookUpBytes(table.data(), from.data + i, to, static_cast<int64_t>(n));
    }
  }

  static void Choose(Operand<uint8_t> condition, size_t i, size_t n, const uint8_t* x,
                     const uint8_t* y, uint8_t* out) {
    if (condition.step == 0) {
      std::copy_n(*condition.data != 0 ? x : y, n, out);
      return;
    }
    for (size_t k = 0; k < n; ++k) {
      const uint8_t from_x = x[k];
      const uint8_t from_y = y[k];
      out[k] = condition.data[i + k] != 0 ? from_x : from_y;
    }
  }

  BroadcastRuns runs_;
};

}  // namespace

void RegisterQlinearWhere(KernelRegistry& registry) {
  registry.Add(
      {.name = "QLinearWhere", .domain = "com.microsoft", .make = MakeKernel<QlinearWhere>});
}

}  // namespace mullion::cpu
