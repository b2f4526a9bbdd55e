// SPDX-License-Identifier: MIT
// LpNormalization: x / norm along an axis; 0 where the norm is 0.
#include <cmath>

#include "devices/cpu/axis_loops.h"
#include "devices/cpu/kernels/elementwise/elements.h"
#include "devices/cpu/reduce_functions.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

template <typename T>
class LpNormalization final : public Executable {
 public:
  explicit LpNormalization(const Node& node)
      : axis_(node.IntAttribute("axis", -1)),
        norm_(
            FindReduceFunctions(node.IntAttribute("p", 2) == 1 ? ReduceKind::kL1 : ReduceKind::kL2,
                                kElementTypeOf<T>)) {}

  Status Bind(BindContext& context) const override {
    context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const std::optional<int> axis = NormalizeAxis(axis_, input.shape.rank());
    if (!axis.has_value()) return context.Error("attribute 'axis' is outside the input's rank");
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    const AxisView view(input.shape, *axis, *axis + 1);
    if (view.empty()) return OkStatus();
    const T* const x = input.as<T>();
    T* const y = output.as<T>();
    ForColumns(view, context.parallel(), [&](int64_t offset, int64_t count) {
      Columns(view, static_cast<size_t>(count), x + offset, y + offset);
    });
    return OkStatus();
  }

 private:
  // At most 64 columns, as ForColumns gives them.
  void Columns(const AxisView& view, size_t count, const T* x, T* y) const {
    T sums[64];
    T norms[64];
    norm_.init(sums, count);
    if (view.inner == 1) {
      norm_.run(x, static_cast<size_t>(view.n), sums);
    } else {
      norm_.rows(x, static_cast<size_t>(view.n), static_cast<size_t>(view.inner), count, sums);
    }
    norm_.finish(sums, count, view.n, norms);
    for (size_t j = 0; j < count; ++j) norms[j] = norms[j] == 0 ? T{1} : norms[j];
    if (view.inner == 1) return Divide(x, {norms, 0}, y, static_cast<size_t>(view.n));
    for (int64_t k = 0; k < view.n; ++k, x += view.inner, y += view.inner) {
      Divide(x, {norms, 1}, y, count);
    }
  }

  static void Divide(const T* x, AnyOperand norms, T* y, size_t count) {
    BinaryElements({operators::ElementwiseOp::kDiv}, kElementTypeOf<T>, {x, 1}, norms, y, count);
  }

  int64_t axis_;
  ReduceFunctions norm_;
};

}  // namespace

void RegisterLpNormalization(KernelRegistry& registry) {
  registry.Add({.name = "LpNormalization",
                .types = types::kFloat,
                .make = MakeKernel<LpNormalization<float>>});
  registry.Add({.name = "LpNormalization",
                .types = SetOf(ElementType::kDouble),
                .make = MakeKernel<LpNormalization<double>>});
}

}  // namespace mullion::cpu
