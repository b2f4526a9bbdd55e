// SPDX-License-Identifier: MIT
#include "devices/cpu/resize_linear.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "devices/cpu/axis_loops.h"
#include "devices/cpu/kernels/signal/resample.h"
#include "devices/cpu/kernels/simd/for_elements.h"

namespace mullion::cpu {

namespace {

using Step = ResizePlan::Step;

// The kernels for float, and the same for double.
using ::mullion::cpu::ResampleLine;
using ::mullion::cpu::ResampleRows;

// Tap by tap, so that the loops have many elements side by side.
void ResampleRows(const double* x, const int32_t* index, const float* weight, size_t step,
                  size_t taps, size_t n, double* y) {
  std::fill_n(y, n, 0.0);
  for (size_t k = 0; k < taps; ++k) {
    const double factor = static_cast<double>(weight[k * step]);
    const double* const row = x + static_cast<size_t>(index[k * step]) * n;
    ForElements(n, [=](size_t i) { y[i] += factor * row[i]; });
  }
}

void ResampleLine(const double* x, const int32_t* index, const float* weight, size_t taps,
                  size_t outputs, size_t inner, double* y) {
  if (inner > 1) {
    for (size_t j = 0; j < outputs; ++j) {
      ResampleRows(x, index + j, weight + j, outputs, taps, inner, y + j * inner);
    }
    return;
  }
  std::fill_n(y, outputs, 0.0);
  for (size_t k = 0; k < taps; ++k, index += outputs, weight += outputs) {
    for (size_t j = 0; j < outputs; ++j) y[j] += static_cast<double>(weight[j]) * x[index[j]];
  }
}

// Output j of the outer axis of a row-wise step, for rows of n numbers.
template <typename Number>
void CombineRows(const ResizeTable& table, int64_t j, const Number* x, int64_t n, float fill,
                 Number* y) {
  const auto at = static_cast<size_t>(j);
  if (!table.outside.empty() && table.outside[at] != 0) {
    std::fill_n(y, n, static_cast<Number>(fill));
    return;
  }
  ResampleRows(x, table.index.data() + at, table.weight.data() + at,
               static_cast<size_t>(table.output), static_cast<size_t>(table.taps),
               static_cast<size_t>(n), y);
}

template <typename Number>
void CombineLine(const ResizeTable& table, const Number* x, int64_t inner, float fill, Number* y) {
  ResampleLine(x, table.index.data(), table.weight.data(), static_cast<size_t>(table.taps),
               static_cast<size_t>(table.output), static_cast<size_t>(inner), y);
  for (size_t j = 0; j < table.outside.size(); ++j) {
    if (table.outside[j] == 0) continue;
    std::fill_n(y + static_cast<int64_t>(j) * inner, inner, static_cast<Number>(fill));
  }
}

// Rows at least this long are combined as rows rather than position by position.
constexpr int64_t kLongRow = 32;

// Along one axis of a [outer, axis, inner] view.
template <typename Number>
void ResizeAlong(const ResizeTable& table, int64_t outer, int64_t inner, float fill,
                 const Number* x, Number* y, Parallel& parallel) {
  const int64_t from = table.input * inner;
  const int64_t to = table.output * inner;
  if (inner < kLongRow) {
    const int64_t chunk = std::max<int64_t>(kParallelElements / std::max<int64_t>(to, 1), 1);
    parallel.For(outer, chunk, [&](int64_t begin, int64_t end, int) {
      for (int64_t o = begin; o < end; ++o) {
        CombineLine(table, x + o * from, inner, fill, y + o * to);
      }
    });
    return;
  }
  const int64_t chunk = std::max<int64_t>(kParallelElements / inner, 1);
  parallel.For(outer * table.output, chunk, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      CombineRows(table, i % table.output, x + i / table.output * from, inner, fill, y + i * inner);
    }
  });
}

// Along two neighbouring axes of a [outer, first, second, inner] view. A row that is combined along
// the first axis is used while it is in the cache; `scratch` holds one for each thread.
template <typename Number>
void ResizeAlongTwo(const ResizeTable& first, const ResizeTable& second, int64_t outer,
                    int64_t inner, float fill, const Number* x, Number* y, Number* scratch,
                    Parallel& parallel) {
  const int64_t row = second.input * inner;
  const int64_t output_row = second.output * inner;
  const int64_t work = std::max<int64_t>(row * first.taps + output_row * second.taps, 1);
  const int64_t chunk = std::max<int64_t>(2 * kParallelElements / work, 1);
  parallel.For(outer * first.output, chunk, [&](int64_t begin, int64_t end, int worker) {
    Number* const combined = scratch + worker * row;
    for (int64_t i = begin; i < end; ++i) {
      const Number* const image = x + i / first.output * first.input * row;
      Number* const to = y + i * output_row;
      const int64_t j = i % first.output;
      if (!first.outside.empty() && first.outside[static_cast<size_t>(j)] != 0) {
        std::fill_n(to, output_row, static_cast<Number>(fill));
        continue;
      }
      CombineRows(first, j, image, row, fill, combined);
      CombineLine(second, combined, inner, fill, to);
    }
  });
}

// The steps one after the other, each on what the one before left.
class Sequence {
 public:
  explicit Sequence(const ResizePlan& plan) : plan_(plan) {
    const size_t count = plan.steps.size();
    pair_ = count >= 2 && plan.steps[count - 2].axis + 1 == plan.steps[count - 1].axis;
  }

  // Elements of the largest result between two steps.
  int64_t IntermediateElements() const {
    Shape shape = plan_.input;
    int64_t largest = 0;
    for (size_t i = 0; i + 1 < Stages(); ++i) {
      shape[plan_.steps[i].axis] = plan_.steps[i].table.output;
      largest = std::max(largest, shape.ElementCount());
    }
    return largest;
  }
  int64_t RowElements() const {
    if (!pair_) return 0;
    const Step& last = plan_.steps.back();
    return last.table.input * plan_.output.Product(last.axis + 1, plan_.output.rank());
  }
  // Two intermediate results, and a row for each thread.
  int64_t ScratchElements(int threads) const {
    return 2 * IntermediateElements() + threads * RowElements();
  }

  template <typename Number>
  void Run(float fill, const Number* x, Number* y, Number* scratch, Parallel& parallel) const {
    Shape shape = plan_.input;
    const int64_t size = IntermediateElements();
    Number* const buffers[] = {scratch, scratch + size};
    const Number* from = x;
    for (size_t i = 0; i < Stages(); ++i) {
      const Step& step = plan_.steps[i];
      const bool is_last = i + 1 == Stages();
      Number* const to = is_last ? y : buffers[i % 2];
      const int64_t outer = shape.Product(0, step.axis);
      if (is_last && pair_) {
        const int64_t inner = shape.Product(step.axis + 2, shape.rank());
        ResizeAlongTwo(step.table, plan_.steps.back().table, outer, inner, fill, from, to,
                       scratch + 2 * size, parallel);
        return;
      }
      ResizeAlong(step.table, outer, shape.Product(step.axis + 1, shape.rank()), fill, from, to,
                  parallel);
      shape[step.axis] = step.table.output;
      from = to;
    }
  }

 private:
  size_t Stages() const { return plan_.steps.size() - (pair_ ? 1 : 0); }

  const ResizePlan& plan_;
  bool pair_;  // the last two steps are taken together
};

template <typename T>
using NumberFor =
    std::conditional_t<std::is_same_v<T, double> || (std::is_integral_v<T> && sizeof(T) >= 4),
                       double, float>;

using Types = TypeList<float, double, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t,
                       uint32_t, uint64_t>;

template <typename T, typename Number>
T RoundTo(Number value) {
  constexpr Number kLow = static_cast<Number>(std::numeric_limits<T>::min());
  constexpr Number kHigh = static_cast<Number>(std::numeric_limits<T>::max());
  if (!(value > kLow)) return std::numeric_limits<T>::min();
  if (value >= kHigh) return std::numeric_limits<T>::max();
  return static_cast<T>(std::nearbyint(value));
}

}  // namespace

ElementTypeSet InterpolationTypes() { return Types::kSet; }

size_t InterpolationScratch(const ResizePlan& plan, ElementType type, int threads) {
  if (plan.steps.empty() || plan.output.ElementCount() == 0) return 0;
  size_t bytes = 0;
  DispatchType(Types{}, type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Number = NumberFor<T>;
    int64_t elements = Sequence(plan).ScratchElements(threads);
    if constexpr (!std::is_same_v<T, Number>) {
      elements += plan.input.ElementCount() + plan.output.ElementCount();
    }
    bytes = static_cast<size_t>(elements) * sizeof(Number);
  });
  return bytes;
}

void Interpolate(const ResizePlan& plan, float extrapolation, const TensorView& input,
                 const MutableTensorView& output, void* scratch, Parallel& parallel) {
  if (plan.steps.empty()) {
    CopyElements(input, output);
    return;
  }
  DispatchType(Types{}, input.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Number = NumberFor<T>;
    const Sequence sequence(plan);
    Number* numbers = static_cast<Number*>(scratch);
    if constexpr (std::is_same_v<T, Number>) {
      sequence.Run(extrapolation, input.as<T>(), output.as<T>(), numbers, parallel);
    } else {
      Number* const x = numbers;
      Number* const y = x + input.count();
      std::copy_n(input.as<T>(), input.count(), x);
      sequence.Run(extrapolation, x, y, y + output.count(), parallel);
      std::transform(y, y + output.count(), output.as<T>(), RoundTo<T, Number>);
    }
  });
}

}  // namespace mullion::cpu
