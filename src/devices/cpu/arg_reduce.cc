// SPDX-License-Identifier: MIT
// ArgMax and ArgMin.
#include <limits>

#include "devices/cpu/axis_loops.h"
#include "devices/cpu/kernels/arg_max.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using ArgTypes = NumericTypes;

// Columns of any type, and of any length for float too.
template <typename T>
void PlainColumns(const ArgMaxOptions& options, const T* x, int64_t n, int64_t stride,
                  int64_t columns, int64_t* indices) {
  using Number = ComputeType<T>;
  for (int64_t j = 0; j < columns; ++j) {
    Number best = static_cast<Number>(x[j]);
    int64_t index = 0;
    for (int64_t k = 1; k < n; ++k) {
      const Number v = static_cast<Number>(x[j + k * stride]);
      const bool better = options.minimum ? v < best : v > best;
      if (better || (options.last && v == best)) {
        best = v;
        index = k;
      }
    }
    indices[j] = index;
  }
}

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
    DispatchType(ArgTypes{}, input.type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      Compute<T>(view, input.as<T>(), output.as<int64_t>(), context.parallel());
    });
    return OkStatus();
  }

 private:
  template <typename T>
  void Compute(const AxisView& view, const T* x, int64_t* y, Parallel& parallel) const {
    if constexpr (std::is_same_v<T, float>) {
      if (view.inner == 1) {
        ForRows(view, parallel, [&](int64_t first, int64_t count) {
          for (int64_t row = first; row < first + count; ++row) {
            y[row] = ArgMaxRow(options_, x + row * view.n, static_cast<size_t>(view.n));
          }
        });
        return;
      }
    }
    ForColumns(view, parallel, [&](int64_t offset, int64_t count) {
      int64_t* const to = y + offset / (view.n * view.inner) * view.inner + offset % view.inner;
      if constexpr (std::is_same_v<T, float>) {
        // The vector kernel counts in 32 bits.
        if (view.n < std::numeric_limits<int32_t>::max()) {
          ArgMaxColumns(options_, x + offset, static_cast<size_t>(view.n),
                        static_cast<size_t>(view.inner), static_cast<size_t>(count), to);
          return;
        }
      }
      PlainColumns(options_, x + offset, view.n, view.inner, count, to);
    });
  }

  int64_t axis_;
  bool keep_dims_;
  ArgMaxOptions options_;
};

}  // namespace

void RegisterArgReduce(KernelRegistry& registry) {
  registry.Add({.name = "ArgMax", .types = ArgTypes::kSet, .make = MakeKernel<ArgReduce>});
  registry.Add({.name = "ArgMin", .types = ArgTypes::kSet, .make = MakeKernel<ArgReduce>});
}

}  // namespace mullion::cpu
