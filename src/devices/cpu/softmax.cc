// SPDX-License-Identifier: MIT
// Softmax, LogSoftmax and Hardmax of opset 13, and the older ones that flatten their input.
#include "devices/cpu/softmax.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "base/element_traits.h"
#include "devices/cpu/kernels/elementwise/number_unary.h"
#include "devices/cpu/kernels/reduction/arg_max.h"
#include "devices/cpu/kernels/reduction/reduce.h"
#include "devices/cpu/kernels/reduction/softmax.h"
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
void SoftmaxAlong(const AxisView& view, const float* x, float* y, Parallel& parallel) {
  const auto n = static_cast<size_t>(view.n);
  if (view.inner == 1) {
    return ForRows(view, parallel, [&](int64_t first, int64_t count) {
      SoftmaxRows(kLog, x + first * view.n, y + first * view.n, static_cast<size_t>(count), n);
    });
  }
  ForColumns(view, parallel, [&](int64_t offset, int64_t count) {
    SoftmaxColumns(kLog, x + offset, y + offset, n, static_cast<size_t>(view.inner),
                   static_cast<size_t>(count));
  });
}

template <bool kLog>
class DoubleSoftmax {
 public:
  void Run(const AxisView& view, const double* x, double* y, Parallel& parallel) const {
    ForColumns(view, parallel, [&](int64_t offset, int64_t count) {
      if (view.inner == 1) {
        Row(x + offset, y + offset, view.n);
      } else {
        Columns(x + offset, y + offset, view.n, view.inner, count);
      }
    });
  }

 private:
  static constexpr int64_t kColumns = 64;  // the most of ForColumns
  static constexpr int64_t kPart = 256;    // exponentials that are made at once

  // y = e^(x - maxima), of neighbours; maxima are as many, or one (`step` 0).
  static void Exponentials(const double* x, const double* maxima, int64_t step, int64_t count,
                           double* y) {
    if (step == 0) {
      const double maximum = *maxima;
      for (int64_t k = 0; k < count; ++k) y[k] = x[k] - maximum;
    } else {
      for (int64_t k = 0; k < count; ++k) y[k] = x[k] - maxima[k];
    }
    DoubleUnary({operators::ElementwiseOp::kExp}, y, y, static_cast<size_t>(count));
  }

  // Of an accumulator that is one double.
  static void TakeIn(const ReduceFunctions& reduction, const double* x, int64_t count, double& a) {
    reduction.run(x, static_cast<size_t>(count), &a);
  }

  void Row(const double* x, double* y, int64_t n) const {
    double maximum = 0, sum = 0;
    max_.init(&maximum, 1);
    TakeIn(max_, x, n, maximum);
    sum_.init(&sum, 1);
    double part[kPart];
    for (int64_t first = 0; first < n; first += kPart) {
      const int64_t count = std::min(kPart, n - first);
      double* const to = kLog ? part : y + first;
      Exponentials(x + first, &maximum, 0, count, to);
      TakeIn(sum_, to, count, sum);
    }
    if (kLog) {
      const double log = std::log(sum);
      for (int64_t k = 0; k < n; ++k) y[k] = x[k] - maximum - log;
    } else {
      for (int64_t k = 0; k < n; ++k) y[k] /= sum;
    }
  }

  // Neighbours side by side, their elements `stride` apart.
  void Columns(const double* x, double* y, int64_t n, int64_t stride, int64_t count) const {
    double maxima[kColumns], sums[kColumns], part[kColumns];
    const auto columns = static_cast<size_t>(count);
    max_.init(maxima, columns);
    max_.rows(x, static_cast<size_t>(n), static_cast<size_t>(stride), columns, maxima);
    sum_.init(sums, columns);
    for (int64_t k = 0; k < n; ++k) {
      double* const to = kLog ? part : y + k * stride;
      Exponentials(x + k * stride, maxima, 1, count, to);
      sum_.rows(to, 1, 0, columns, sums);
    }
    if (kLog) {
      DoubleUnary({operators::ElementwiseOp::kLog}, sums, sums, columns);
    }
    for (int64_t k = 0; k < n; ++k, x += stride, y += stride) {
      if (kLog) {
        for (int64_t j = 0; j < count; ++j) y[j] = x[j] - maxima[j] - sums[j];
      } else {
        for (int64_t j = 0; j < count; ++j) y[j] /= sums[j];
      }
    }
  }

  // Their accumulators are doubles.
  const ReduceFunctions max_ = NumberReduceFunctions(ReduceKind::kMax, ElementType::kDouble);
  const ReduceFunctions sum_ = NumberReduceFunctions(ReduceKind::kSum, ElementType::kDouble);
};

template <bool kLog>
void SoftmaxAlong(const AxisView& view, const double* x, double* y, Parallel& parallel) {
  DoubleSoftmax<kLog>().Run(view, x, y, parallel);
}

template <typename T, bool kLog>
class Softmax final : public AlongAxis {
 public:
  using AlongAxis::AlongAxis;

 private:
  void Compute(const AxisView& view, const TensorView& input, const MutableTensorView& output,
               Parallel& parallel) const override {
    SoftmaxAlong<kLog>(view, input.as<T>(), output.as<T>(), parallel);
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

void LogSoftmax(const AxisView& view, const float* x, float* y, Parallel& parallel) {
  SoftmaxAlong<true>(view, x, y, parallel);
}

void LogSoftmax(const AxisView& view, const double* x, double* y, Parallel& parallel) {
  SoftmaxAlong<true>(view, x, y, parallel);
}

void RegisterSoftmax(KernelRegistry& registry) {
  Register<Softmax<float, false>, Softmax<double, false>>(registry, "Softmax", "FlatSoftmax");
  Register<Softmax<float, true>, Softmax<double, true>>(registry, "LogSoftmax", "FlatLogSoftmax");
  Register<Hardmax<float>, Hardmax<double>>(registry, "Hardmax", "FlatHardmax");
}

}  // namespace mullion::cpu
