// SPDX-License-Identifier: MIT
#include "operators/quantized_concat.h"

#include <algorithm>

#include "devices/cpu/dynamic_scale.h"
#include "devices/cpu/joined_inputs.h"
#include "devices/cpu/registry.h"
#include "operators/registry.h"

namespace mullion::cpu {

namespace {

// Elements of a task.
constexpr int64_t kChunk = 32 * 1024;

// The floats are never joined: they are read for their range and read again to be quantized.
class QuantizedConcat final : public Executable {
 public:
  explicit QuantizedConcat(const Node& node) : axis_(node.IntAttribute("axis", 0)) {}

  Status Bind(BindContext& context) const override {
    context.RequestScratch(static_cast<size_t>(RangesBytes(context.threads())));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const JoinedInputs joined, JoinInputs(context, axis_));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView y, context.AllocateOutput(0, joined.shape));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView scale, context.AllocateOutput(1, Shape{}));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView zero, context.AllocateOutput(2, Shape{}));
    const ByteScale step = ScaleOfRange(RangeOf(context));
    const int64_t rows = joined.rows();
    const int64_t row = joined.row();
    int64_t offset = 0;
    for (int i = 0; i < context.input_count(); ++i) {
      const TensorView& input = context.Input(i);
      const int64_t part = input.shape.Product(joined.axis, joined.shape.rank());
      QuantizeRowsByScale({input.as<float>(), rows, part, y.as<uint8_t>() + offset, row}, step,
                          context.parallel());
      offset += part;
    }
    *scale.as<float>() = step.scale;
    *zero.as<uint8_t>() = static_cast<uint8_t>(step.zero_point);
    return OkStatus();
  }

 private:
  static FloatRange RangeOf(const RunContext& context) {
    auto* const ranges = static_cast<FloatRange*>(context.scratch());
    const int threads = context.parallel().threads();
    std::fill_n(ranges, threads, FloatRange());
    for (int i = 0; i < context.input_count(); ++i) {
      const TensorView& input = context.Input(i);
      context.parallel().For(input.count(), kChunk, [&](int64_t begin, int64_t end, int worker) {
        WidenRange(input.as<float>() + begin, end - begin, &ranges[worker]);
      });
    }
    FloatRange range;
    for (int i = 0; i < threads; ++i) range.Widen(ranges[i]);
    return range;
  }

  int64_t axis_;
};

}  // namespace

void RegisterQuantizedConcat(KernelRegistry& registry) {
  registry.Add({.name = operators::kQuantizedConcat,
                .domain = operators::kInternalDomain,
                .make = MakeKernel<QuantizedConcat>});
}

}  // namespace mullion::cpu
