// SPDX-License-Identifier: MIT
#include <limits>

#include "base/element_traits.h"
#include "devices/cpu/kernels/elements.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

// min(max(x, low), high): the upper bound wins when they cross, and NaN stays NaN, as in numpy.
class Clip final : public Executable {
 public:
  explicit Clip(const Node& /*node*/) {}

  Status Bind(BindContext& context) const override {
    context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    for (const int bound : {1, 2}) {
      if (context.HasInput(bound) && context.Input(bound).count() != 1) {
        return context.Error("the bounds must have one element each; export the model again");
      }
    }
    const TensorView& x = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView y, context.AllocateOutput(0, x.shape));
    DispatchType(NumericTypes{}, x.type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      context.parallel().For(x.count(), 32768, [&](int64_t begin, int64_t end, int /*worker*/) {
        ClipRow(context, x.as<T>() + begin, y.as<T>() + begin, static_cast<size_t>(end - begin));
      });
    });
    return OkStatus();
  }

 private:
  // The bound as the type that the elements are compared in.
  template <typename T>
  static ComputeType<T> Bound(const RunContext& context, int input, ComputeType<T> fallback) {
    if (!context.HasInput(input)) return fallback;
    return static_cast<ComputeType<T>>(*context.Input(input).as<T>());
  }

  template <typename T>
  static void ClipRow(const RunContext& context, const T* x, T* y, size_t count) {
    using C = ComputeType<T>;
    using Limits = std::numeric_limits<C>;
    const C lowest = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    const C highest = Limits::has_infinity ? Limits::infinity() : Limits::max();
    const C low = Bound<T>(context, 1, lowest);
    const C high = Bound<T>(context, 2, highest);
    if constexpr (std::is_same_v<C, float>) {
      UnaryElements({operators::ElementwiseOp::kClip, low, high}, kElementTypeOf<T>, x, y, count);
    } else {
      for (size_t i = 0; i < count; ++i) {
        const T raised = x[i] < low ? low : x[i];
        y[i] = raised > high ? high : raised;
      }
    }
  }
};

}  // namespace

void RegisterClip(KernelRegistry& registry) {
  registry.Add({.name = "Clip", .types = types::kNumeric, .make = MakeKernel<Clip>});
}

}  // namespace mullion::cpu
