// SPDX-License-Identifier: MIT
#include <limits>

#include "devices/cpu/kernels/elementwise/convert.h"
#include "devices/cpu/kernels/elementwise/double_function.h"
#include "devices/cpu/kernels/elementwise/elements.h"
#include "devices/cpu/kernels/elementwise/number_binary.h"
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
    context.parallel().For(x.count(), 32768, [&](int64_t begin, int64_t end, int /*worker*/) {
      const size_t offset = ByteSize(x.type, begin);
      ClipRow(context, x.type, static_cast<const std::byte*>(x.data) + offset,
              static_cast<std::byte*>(y.data) + offset, static_cast<size_t>(end - begin));
    });
    return OkStatus();
  }

 private:
  static void ClipRow(const RunContext& context, ElementType type, const std::byte* x, std::byte* y,
                      size_t count) {
    using Op = operators::ElementwiseOp;
    const void* const low = context.HasInput(1) ? context.Input(1).data : nullptr;
    const void* const high = context.HasInput(2) ? context.Input(2).data : nullptr;
    if (Contains(types::kHalfFloats | SetOf(ElementType::kFloat), type)) {
      operators::ElementwiseStep step{Op::kClip, -kInfinity, kInfinity};
      if (low != nullptr) ConvertElements(type, low, ElementType::kFloat, &step.alpha, 1);
      if (high != nullptr) ConvertElements(type, high, ElementType::kFloat, &step.beta, 1);
      return UnaryElements(step, type, x, y, count);
    }
    if (type == ElementType::kDouble) {
      return DoubleClip(reinterpret_cast<const double*>(x), reinterpret_cast<double*>(y), count,
                        low == nullptr ? -kInfinity : *static_cast<const double*>(low),
                        high == nullptr ? kInfinity : *static_cast<const double*>(high));
    }
    IntegerClip(type, x, y, count, low, high);
  }

  static constexpr float kInfinity = std::numeric_limits<float>::infinity();
};

}  // namespace

void RegisterClip(KernelRegistry& registry) {
  registry.Add({.name = "Clip", .types = types::kNumeric, .make = MakeKernel<Clip>});
}

}  // namespace mullion::cpu
