// SPDX-License-Identifier: MIT
// Softmax, LogSoftmax and Hardmax of opset 13, and the older ones that flatten their input.
#include "devices/cpu/kernels/reduction/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "base/element_traits.h"
#include "devices/cpu/axis_loops.h"
#include "devices/cpu/kernels/elementwise/number_unary.h"
#include "devices/cpu/kernels/reduction/arg_max.h"
#include "devices/cpu/registry.h"
#include "operators/registry.h"

namespace mullion::cpu {

namespace {

// What all three share: the axis, and working in place.
class AlongAxis : public Executable {
 public:
  explicit AlongAxis(const Node& node)
      : axis_(node.IntAttribute("axis", -1)), flatten_(node.operator_name().starts_with("Flat")) {}

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
    const AxisView view(input.shape, *axis, flatten_ ? input.shape.rank() : *axis + 1);
    if (!view.empty()) Compute(view, input, output, context.parallel());
    return OkStatus();
  }

 private:
  virtual void Compute(const AxisView& view, const TensorView& input,
                       const MutableTensorView& output, Parallel& parallel) const = 0;
  int64_t axis_;
  bool flatten_;
};

template <bool kLog>
class FloatSoftmax final : public AlongAxis {
 public:
  using AlongAxis::AlongAxis;

 private:
  void Compute(const AxisView& view, const TensorView& input, const MutableTensorView& output,
               Parallel& parallel) const override {
    const float* const x = input.as<float>();
    float* const y = output.as<float>();
    const auto n = static_cast<size_t>(view.n);
    if (view.inner == 1) {
      ForRows(view, parallel, [&](int64_t first, int64_t count) {
        SoftmaxRows(kLog, x + first * view.n, y + first * view.n, static_cast<size_t>(count), n);
      });
    } else {
      ForColumns(view, parallel, [&](int64_t offset, int64_t count) {
        SoftmaxColumns(kLog, x + offset, y + offset, n, static_cast<size_t>(view.inner),
                       static_cast<size_t>(count));
      });
    }
  }
};

template <bool kLog>
class DoubleSoftmax final : public AlongAxis {
 public:
  using AlongAxis::AlongAxis;

 private:
  // Exponentials that are made at once, in memory on the stack.
  static constexpr int64_t kPart = 256;

  static void Exponentials(const double* x, int64_t count, int64_t stride, double maximum,
                           double* part) {
    for (int64_t k = 0; k < count; ++k) part[k] = x[k * stride] - maximum;
    DoubleUnary({operators::ElementwiseOp::kExp}, part, part, static_cast<size_t>(count));
  }

  static void Column(const double* x, double* y, int64_t n, int64_t stride) {
    double maximum = -std::numeric_limits<double>::infinity();
    for (int64_t k = 0; k < n; ++k) maximum = std::max(maximum, x[k * stride]);
    double part[kPart];
    double sum = 0;
    for (int64_t first = 0; first < n; first += kPart) {
      const int64_t count = std::min(kPart, n - first);
      Exponentials(x + first * stride, count, stride, maximum, part);
      for (int64_t k = 0; k < count; ++k) sum += part[k];
    }
    if (kLog) {
      const double log = std::log(sum);
      for (int64_t k = 0; k < n; ++k) y[k * stride] = x[k * stride] - maximum - log;
      return;
    }
    for (int64_t first = 0; first < n; first += kPart) {
      const int64_t count = std::min(kPart, n - first);
      // Of a short column they are still there.
      if (n > kPart) Exponentials(x + first * stride, count, stride, maximum, part);
      for (int64_t k = 0; k < count; ++k) y[(first + k) * stride] = part[k] / sum;
    }
  }

  void Compute(const AxisView& view, const TensorView& input, const MutableTensorView& output,
               Parallel& parallel) const override {
    const double* const x = input.as<double>();
    double* const y = output.as<double>();
    ForColumns(view, parallel, [&](int64_t offset, int64_t count) {
      for (int64_t j = 0; j < count; ++j) {
        Column(x + offset + j, y + offset + j, view.n, view.inner);
      }
    });
  }
};

// 1 at the first of the largest elements, 0 elsewhere.
template <typename T>
class Hardmax final : public AlongAxis {
 public:
  using AlongAxis::AlongAxis;

 private:
  void Compute(const AxisView& view, const TensorView& input, const MutableTensorView& output,
               Parallel& parallel) const override {
    const auto n = static_cast<size_t>(view.n);
    ForColumns(view, parallel, [&](int64_t offset, int64_t count) {
      const T* const x = input.as<T>() + offset;
      T* const y = output.as<T>() + offset;
      int64_t best[kArgMaxColumns];
      if (view.inner == 1) {
        ArgMaxRows({}, kElementTypeOf<T>, x, n, 1, best);
      } else {
        ArgMaxColumns({}, kElementTypeOf<T>, x, n, static_cast<size_t>(view.inner),
                      static_cast<size_t>(count), best);
      }
      // A leading NaN is the largest: nothing is larger.
      for (int64_t j = 0; j < count; ++j) {
        if (x[j] != x[j]) best[j] = 0;
      }
      const int64_t rows = view.inner == 1 ? 1 : view.n;
      const int64_t row = view.inner == 1 ? view.n : count;
      for (int64_t k = 0; k < rows; ++k) std::fill_n(y + k * view.inner, row, T{0});
      for (int64_t j = 0; j < count; ++j) y[j + best[j] * view.inner] = 1;
    });
  }
};

template <typename ForFloat, typename ForDouble>
void Register(KernelRegistry& registry, std::string_view name, std::string_view flat_name) {
  constexpr ElementTypeSet kDouble = SetOf(ElementType::kDouble);
  const std::string_view internal = operators::kInternalDomain;
  registry.Add({.name = name, .types = types::kFloat, .make = MakeKernel<ForFloat>});
  registry.Add({.name = name, .types = kDouble, .make = MakeKernel<ForDouble>});
  registry.Add({.name = flat_name,
                .domain = internal,
                .types = types::kFloat,
                .make = MakeKernel<ForFloat>});
  registry.Add(
      {.name = flat_name, .domain = internal, .types = kDouble, .make = MakeKernel<ForDouble>});
}

}  // namespace

void RegisterSoftmax(KernelRegistry& registry) {
  Register<FloatSoftmax<false>, DoubleSoftmax<false>>(registry, "Softmax", "FlatSoftmax");
  Register<FloatSoftmax<true>, DoubleSoftmax<true>>(registry, "LogSoftmax", "FlatLogSoftmax");
  Register<Hardmax<float>, Hardmax<double>>(registry, "Hardmax", "FlatHardmax");
}

}  // namespace mullion::cpu
