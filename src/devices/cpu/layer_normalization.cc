// SPDX-License-Identifier: MIT
// LayerNormalization, RMSNormalization and SimplifiedLayerNormalization.
#include <cmath>

#include "devices/cpu/axis_loops.h"
#include "devices/cpu/kernels/reduction/moments.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/row_parameter.h"

namespace mullion::cpu {

namespace {

enum class Method {
  kMeanAndDeviation,
  kRootMeanSquare,  // the mean is taken to be zero
};

struct Statistics {
  double mean = 0;
  double inverse = 0;  // 1 / sqrt(variance + epsilon)
};

template <Method kMethod>
Statistics Measure(const double* x, int64_t n, float epsilon) {
  Statistics statistics;
  if (kMethod == Method::kMeanAndDeviation) {
    for (int64_t i = 0; i < n; ++i) statistics.mean += x[i];
    statistics.mean /= static_cast<double>(n);
  }
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += (x[i] - statistics.mean) * (x[i] - statistics.mean);
  statistics.inverse = 1 / std::sqrt(sum / static_cast<double>(n) + static_cast<double>(epsilon));
  return statistics;
}

void Scale(const double* x, double* y, int64_t n, const Statistics& statistics, const double* scale,
           const double* shift) {
  for (int64_t i = 0; i < n; ++i) {
    y[i] = (x[i] - statistics.mean) * statistics.inverse * scale[i];
    if (shift != nullptr) y[i] += shift[i];
  }
}

// Rows that share scales and shifts. `means` and `inverses` may be null.
template <Method kMethod>
void NormalizeTogether(const float* x, float* y, int64_t rows, int64_t n, float epsilon,
                       const float* scale, const float* shift, float* means, float* inverses) {
  RowNormalization all;
  all.x = x;
  all.y = y;
  all.rows = rows;
  all.n = static_cast<size_t>(n);
  all.epsilon = epsilon;
  all.centered = kMethod == Method::kMeanAndDeviation;
  all.scale = scale;
  all.shift = shift;
  all.means = means;
  all.inverses = inverses;
  NormalizeRows(all);
}

template <Method kMethod>
void NormalizeTogether(const double* x, double* y, int64_t rows, int64_t n, float epsilon,
                       const double* scale, const double* shift, float* means, float* inverses) {
  for (int64_t row = 0; row < rows; ++row, x += n, y += n) {
    const Statistics statistics = Measure<kMethod>(x, n, epsilon);
    Scale(x, y, n, statistics, scale, shift);
    if (means != nullptr) means[row] = static_cast<float>(statistics.mean);
    if (inverses != nullptr) inverses[row] = static_cast<float>(statistics.inverse);
  }
}

template <typename T, Method kMethod>
class LayerNormalization final : public Executable {
 public:
  explicit LayerNormalization(const Node& node)
      : axis_(node.IntAttribute("axis", -1)), epsilon_(node.FloatAttribute("epsilon", 1e-5f)) {}

  Status Bind(BindContext& context) const override {
    const Shape& shape = context.input(0)->shape;
    const int axis = NormalizeAxis(axis_, shape.rank()).value_or(0);
    bool dense = true;
    for (int i = 1; i < context.input_count(); ++i) {
      if (context.input(i) == nullptr) continue;
      dense = dense && RowParameter(shape, axis, context.input(i)->shape).dense();
    }
    // A row of scales and one of shifts for each thread.
    const int64_t n = shape.Product(axis, shape.rank());
    if (!dense) context.RequestScratch(static_cast<size_t>(2 * n * context.threads()) * sizeof(T));
    context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const Shape& shape = input.shape;
    const std::optional<int> axis = NormalizeAxis(axis_, shape.rank());
    if (!axis.has_value()) return context.Error("attribute 'axis' is outside the input's rank");
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    Shape reduced = shape;
    for (int i = *axis; i < reduced.rank(); ++i) reduced[i] = 1;
    // LayerNormalization gives the mean and the inverse, the others only the inverse.
    float* means = nullptr;
    float* inverses = nullptr;
    for (int i = 1; i < context.output_count(); ++i) {
      if (!context.WantsOutput(i)) continue;
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView statistic,
                               context.AllocateOutput(i, reduced));
      const bool is_mean = i == 1 && kMethod == Method::kMeanAndDeviation;
      (is_mean ? means : inverses) = statistic.as<float>();
    }
    const AxisView view(shape, *axis, shape.rank());
    const RowParameter scale(shape, *axis, context.Input(1).shape);
    const bool has_shift = context.HasInput(2);
    const RowParameter shift(shape, *axis, has_shift ? context.Input(2).shape : Shape{});
    const T* const shifts = has_shift ? context.Input(2).as<T>() : nullptr;
    const T* const scales = context.Input(1).as<T>();
    const T* const x = input.as<T>();
    T* const y = output.as<T>();
    const int64_t chunk = std::max<int64_t>(kParallelElements / std::max<int64_t>(view.n, 1), 1);
    context.parallel().For(view.outer, chunk, [&](int64_t begin, int64_t end, int worker) {
      T* const buffer = static_cast<T*>(context.scratch()) + 2 * worker * view.n;
      const bool together = scale.same_for_all_rows() && shift.same_for_all_rows();
      const int64_t step = together ? end - begin : 1;
      for (int64_t row = begin; row < end; row += step) {
        const int64_t first = row * view.n;
        NormalizeTogether<kMethod>(x + first, y + first, step, view.n, epsilon_,
                                   scale.Row(scales, row, buffer),
                                   has_shift ? shift.Row(shifts, row, buffer + view.n) : nullptr,
                                   means == nullptr ? nullptr : means + row,
                                   inverses == nullptr ? nullptr : inverses + row);
      }
    });
    return OkStatus();
  }

 private:
  int64_t axis_;
  float epsilon_;
};

// The statistics are floats, whatever the others are.
template <typename T>
Status SupportsTypes(const Node& node) {
  const auto is = [](const Value* value, ElementType type) {
    return value == nullptr || value->type.element_type == type;
  };
  bool fits = is(node.output(0), kElementTypeOf<T>);
  for (const Value* const input : node.inputs()) fits = fits && is(input, kElementTypeOf<T>);
  for (int i = 1; i < node.output_count(); ++i) {
    fits = fits && is(node.output(i), ElementType::kFloat);
  }
  if (fits) return OkStatus();
  return node.Error(StatusCode::kUnsupported,
                    "the CPU device needs all inputs and output 0 of the same element type and "
                    "statistics of float; put a Cast in between");
}

template <Method kMethod>
void Register(KernelRegistry& registry, std::string_view name) {
  registry.Add({.name = name,
                .types = types::kFloat,
                .make = MakeKernel<LayerNormalization<float, kMethod>>,
                .supports = SupportsTypes<float>});
  registry.Add({.name = name,
                .types = SetOf(ElementType::kDouble),
                .make = MakeKernel<LayerNormalization<double, kMethod>>,
                .supports = SupportsTypes<double>});
}

}  // namespace

void RegisterLayerNormalization(KernelRegistry& registry) {
  Register<Method::kMeanAndDeviation>(registry, "LayerNormalization");
  Register<Method::kRootMeanSquare>(registry, "RMSNormalization");
  Register<Method::kRootMeanSquare>(registry, "SimplifiedLayerNormalization");
}

}  // namespace mullion::cpu
