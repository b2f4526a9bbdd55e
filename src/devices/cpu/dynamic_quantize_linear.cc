// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "devices/cpu/kernels/quantize.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

constexpr int64_t kChunk = 32 * 1024;

class DynamicQuantizeLinear final : public Executable {
 public:
  explicit DynamicQuantizeLinear(const Node& /*node*/) {}

  Status Bind(BindContext& context) const override {
    const int64_t chunks = (context.input(0)->shape.ElementCount() + kChunk - 1) / kChunk;
    context.RequestScratch(static_cast<size_t>(chunks) * sizeof(Range));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& x = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView y, context.AllocateOutput(0, x.shape));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView scale, context.AllocateOutput(1, Shape{}));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView zero, context.AllocateOutput(2, Shape{}));
    const Range range = RangeOf(context, x);
    // The range holds zero, which is then exact. One value only: any scale would do.
    const float width = range.high - range.low;
    const float step = width == 0 ? 1.0f : width / 255.0f;
    const float zero_point = std::nearbyint(std::clamp(-range.low / step, 0.0f, 255.0f));
    *scale.as<float>() = step;
    *zero.as<uint8_t>() = static_cast<uint8_t>(zero_point);
    context.parallel().For(x.count(), kChunk, [&](int64_t begin, int64_t end, int) {
      QuantizeToBytes(x.as<float>() + begin, false, y.as<uint8_t>() + begin, end - begin,
                      {&step, &zero_point, false});
    });
    return OkStatus();
  }

 private:
  struct Range {
    float low = 0;
    float high = 0;
  };

  static Range RangeOf(const RunContext& context, const TensorView& x) {
    auto* const ranges = static_cast<Range*>(context.scratch());
    const int64_t chunks = (x.count() + kChunk - 1) / kChunk;
    std::fill_n(ranges, chunks, Range());
    context.parallel().For(x.count(), kChunk, [&](int64_t begin, int64_t end, int) {
      Range& range = ranges[begin / kChunk];
      WidenRange(x.as<float>() + begin, end - begin, &range.low, &range.high);
    });
    Range all;
    for (int64_t i = 0; i < chunks; ++i) {
      all.low = std::min(all.low, ranges[i].low);
      all.high = std::max(all.high, ranges[i].high);
    }
    return all;
  }
};

}  // namespace

void RegisterDynamicQuantizeLinear(KernelRegistry& registry) {
  registry.Add({.name = "DynamicQuantizeLinear",
                .since = 11,
                .types = types::kFloat,
                .make = MakeKernel<DynamicQuantizeLinear>});
}

}  // namespace mullion::cpu
