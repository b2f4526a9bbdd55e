// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>

#include "devices/cpu/byte_function.h"
#include "devices/cpu/byte_scale.h"
#include "devices/cpu/joined_inputs.h"
#include "devices/cpu/kernels/elementwise/byte_table.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

// Bytes that one thread takes at once.
constexpr int64_t kChunk = 64 * 1024;

class QlinearConcat final : public Executable {
 public:
  explicit QlinearConcat(const Node& node) : axis_(node.IntAttribute("axis", 0)) {}

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const JoinedInputs joined, JoinInputs(context, axis_, 2, 3));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, joined.shape));
    const int64_t row = joined.row();
    int64_t offset = 0;
    for (int i = 2; i < context.input_count(); i += 3) {
      const int64_t part = context.Input(i).shape.Product(joined.axis, joined.shape.rank());
      if (part > 0) Place(context, i, part, output.as<uint8_t>() + offset, row);
      offset += part;
    }
    return OkStatus();
  }

 private:
  // Puts the `part` bytes that tensor `i` has of every row at `to`; rows are `row` bytes apart.
  static void Place(const RunContext& context, int i, int64_t part, uint8_t* to, int64_t row) {
    const TensorView& x = context.Input(i);
    const ByteScale from_scale = ByteScaleAt(context, i + 1);
    const ByteScale to_scale = ByteScaleAt(context, 0);
    const bool same =
        from_scale.scale == to_scale.scale && from_scale.zero_point == to_scale.zero_point;
    ByteFunction table;
    if (!same) table = MakeRequantization(from_scale, to_scale, x.type == ElementType::kInt8);
    context.parallel().For(x.count(), kChunk, [&](int64_t begin, int64_t end, int) {
      for (int64_t at = begin; at < end;) {
        const int64_t count = std::min(part - at % part, end - at);
        uint8_t* const y = to + at / part * row + at % part;
        if (same) {
          std::memcpy(y, x.as<uint8_t>() + at, static_cast<size_t>(count));
        } else {
          LookUpBytes(table.data(), x.as<uint8_t>() + at, y, count);
        }
        at += count;
      }
    });
  }

  int64_t axis_;
};

}  // namespace

void RegisterQlinearConcat(KernelRegistry& registry) {
  registry.Add(
      {.name = "QLinearConcat", .domain = "com.microsoft", .make = MakeKernel<QlinearConcat>});
}

}  // namespace mullion::cpu
