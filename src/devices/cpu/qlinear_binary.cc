// SPDX-License-Identifier: MIT
#include "devices/cpu/broadcast_runs.h"
#include "devices/cpu/byte_scale.h"
#include "devices/cpu/kernels/elementwise/quantized_binary.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

enum Input { kA, kAScale, kAZero, kB, kBScale, kBZero, kCScale, kCZero };

class QlinearBinary : public Executable {
 public:
  Status Bind(BindContext& context) const final { return runs_.Bind(context); }

 protected:
  QlinearBinary() : runs_({{kA, 1}, {kB, 1}}, 1, kChunk, 2) {}

  BroadcastRuns runs_;

 private:
  static constexpr int64_t kChunk = 64 * 1024;
};

class QlinearAdd final : public QlinearBinary {
 public:
  explicit QlinearAdd(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    const bool is_signed = context.Input(kA).type == ElementType::kInt8;
    QuantizedSum sum =
        MakeQuantizedSum(ByteScaleAt(context, kAScale), ByteScaleAt(context, kBScale),
                         ByteScaleAt(context, kCScale));
    // What repeats along the innermost axis is added first: as ONNX Runtime does it, and so the
    // result is the same whether such an operand is spread out or not.
    const bool a_first = BroadcastRuns::PlanOf(context).operands[0].step == 0;
    if (a_first) std::swap(sum.a_ratio, sum.b_ratio);
    const auto compute = [&](std::span<const AnyOperand> operands, void* y, size_t count) {
      AddBytes(sum, is_signed, operands[a_first ? 1 : 0], operands[a_first ? 0 : 1], y,
               static_cast<int64_t>(count));
    };
    return runs_.Run(context, compute);
  }
};

class QlinearMul final : public QlinearBinary {
 public:
  explicit QlinearMul(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    const bool is_signed = context.Input(kA).type == ElementType::kInt8;
    const QuantizedProduct product =
        MakeQuantizedProduct(ByteScaleAt(context, kAScale), ByteScaleAt(context, kBScale),
                             ByteScaleAt(context, kCScale));
    const auto compute = [&](std::span<const AnyOperand> operands, void* y, size_t count) {
      MultiplyBytes(product, is_signed, operands[0], operands[1], y, static_cast<int64_t>(count));
    };
    return runs_.Run(context, compute);
  }
};

}  // namespace

void RegisterQlinearBinary(KernelRegistry& registry) {
  registry.Add({.name = "QLinearAdd", .domain = "com.microsoft", .make = MakeKernel<QlinearAdd>});
  registry.Add({.name = "QLinearMul", .domain = "com.microsoft", .make = MakeKernel<QlinearMul>});
}

}  // namespace mullion::cpu
