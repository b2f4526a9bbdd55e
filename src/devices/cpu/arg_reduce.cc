// SPDX-License-Identifier: MIT
// ArgMax and ArgMin.
#include "devices/cpu/axis_loops.h"
#include "devices/cpu/kernels/reduction/arg_max.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

class ArgReduce final : public Executable {
 public:
  explicit ArgReduce(const Node& node)
      : axis_(node.IntAttribute("axis", 0)),
        keep_dims_(node.IntAttribute("keepdims", 1) != 0),
        options_{.minimum = node.operator_name() == "ArgMin",
                 .last = node.IntAttribute("select_last_index", 0) != 0} {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const std::optional<int> axis = NormalizeAxis(axis_, input.shape.rank());
    if (!axis.has_value()) return context.Error("attribute 'axis' is outside the input's rank");
    Shape shape = input.shape;
    if (keep_dims_) {
      shape[*axis] = 1;
    } else {
      shape.Remove(*axis);
    }
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    if (output.count() == 0) return OkStatus();
    const AxisView view(input.shape, *axis, *axis + 1);
    if (view.n == 0) return context.Error("input 0 has no elements along attribute 'axis'");
    Compute(view, input, output.as<int64_t>(), context.parallel());
    return OkStatus();
  }

 private:
  void Compute(const AxisView& view, const TensorView& input, int64_t* y,
               Parallel& parallel) const {
    const auto at = [&input](int64_t i) {
      return static_cast<const std::byte*>(input.data) + ByteSize(input.type, i);
    };
    const auto n = static_cast<size_t>(view.n);
    if (view.inner == 1) {
      ForRows(view, parallel, [&](int64_t first, int64_t count) {
        ArgMaxRows(options_, input.type, at(first * view.n), n, static_cast<size_t>(count),
                   y + first);
      });
      return;
    }
    ForColumns(view, parallel, [&](int64_t offset, int64_t count) {
      int64_t* const to = y + offset / (view.n * view.inner) * view.inner + offset % view.inner;
      ArgMaxColumns(options_, input.type, at(offset), n, static_cast<size_t>(view.inner),
                    static_cast<size_t>(count), to);
    });
  }

  int64_t axis_;
  bool keep_dims_;
  ArgMaxOptions options_;
};

}  // namespace

void RegisterArgReduce(KernelRegistry& registry) {
  registry.Add({.name = "ArgMax", .types = types::kNumeric, .make = MakeKernel<ArgReduce>});
  registry.Add({.name = "ArgMin", .types = types::kNumeric, .make = MakeKernel<ArgReduce>});
}

}  // namespace mullion::cpu
