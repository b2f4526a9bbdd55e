// SPDX-License-Identifier: MIT
#include "devices/cpu/pool_plain.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/element_traits.h"
#include "devices/cpu/kernels/elementwise/number_binary.h"
#include "devices/cpu/kernels/elementwise/number_unary.h"

namespace mullion::cpu {

namespace {

using operators::PoolParameters;
using operators::WindowAxis;

// The pixels of an image that the windows of a row of outputs cover.
class Window {
 public:
  // Where a row of pixels under the windows begins, and the number of its first pixel.
  struct Row {
    int64_t offset;
    int64_t index;
  };

  Window(const PoolParameters& parameters, const Shape& input)
      : rank_(parameters.spatial_rank), axes_(parameters.Axes(input)) {
    int64_t step = 1;
    for (int i = rank_ - 1; i >= 0; --i) {
      strides_[static_cast<size_t>(i)] = step;
      step *= axes_[static_cast<size_t>(i)].input;
    }
    // Index outputs count in row-major or column-major order.
    index_strides_ = strides_;
    step = 1;
    for (int i = 0; i < rank_ && parameters.column_major_indices; ++i) {
      index_strides_[static_cast<size_t>(i)] = step;
      step *= axes_[static_cast<size_t>(i)].input;
    }
  }

  // Rows that a window covers at most; they are remembered in memory that the caller gives.
  int64_t most_rows() const {
    int64_t rows = 1;
    for (int i = 0; i + 1 < rank_; ++i) {
      const WindowAxis& axis = axes_[static_cast<size_t>(i)];
      rows *= std::min(axis.kernel, axis.input);
    }
    return rows;
  }
  void RememberIn(Row* rows) { rows_ = rows; }

  int64_t row_length() const { return row_axis().output; }
  // Pixels, and numbers, from one output's element to the next one's.
  int64_t step() const { return row_axis().stride; }
  int64_t index_step() const {
    return row_axis().stride * index_strides_[static_cast<size_t>(rank_ - 1)];
  }

  // Moves to row `index` of outputs, row-major over all spatial axes but the last, and remembers
  // where the rows of pixels under it begin.
  void MoveToRow(int64_t index, bool count_include_pad) {
    counted_in_row_ = 1;
    bool empty = false;
    std::array<int64_t, kMaxRank> starts{}, first{}, last{};
    for (int i = rank_ - 2; i >= 0; --i) {
      const auto a = static_cast<size_t>(i);
      starts[a] = axes_[a].Start(index % axes_[a].output);
      index /= axes_[a].output;
      counted_in_row_ *= SetTaps(axes_[a], starts[a], count_include_pad, first[a], last[a]);
      empty = empty || first[a] >= last[a];
    }
    row_count_ = 0;
    std::array<int64_t, kMaxRank> tap = first;
    for (bool more = !empty; more;) {
      Row row{0, 0};
      for (int i = 0; i + 1 < rank_; ++i) {
        const auto a = static_cast<size_t>(i);
        const int64_t position = starts[a] + tap[a] * axes_[a].dilation;
        row.offset += position * strides_[a];
        row.index += position * index_strides_[a];
      }
      rows_[row_count_++] = row;
      more = false;
      for (int i = rank_ - 2; i >= 0 && !more; --i) {
        const auto a = static_cast<size_t>(i);
        more = ++tap[a] < last[a];
        if (!more) tap[a] = first[a];
      }
    }
  }

  // How many elements count in the average of one output of the row.
  int64_t Counted(int64_t column, bool count_include_pad) const {
    int64_t first, last;
    return counted_in_row_ *
           SetTaps(row_axis(), row_axis().Start(column), count_include_pad, first, last);
  }

  // Calls visit(first, count, offset, index) for each position of the windows: the row's outputs
  // [first, first + count) have a pixel there, the first of them `offset` pixels from the image's
  // beginning, with the number `index`.
  template <typename Visit>
  void ForEachRun(Visit&& visit) const {
    const WindowAxis& axis = row_axis();
    const int64_t end = axis.LastTap(axis.Start(0));
    for (int64_t r = 0; r < row_count_; ++r) {
      for (int64_t tap = axis.FirstTap(axis.Start(axis.output - 1)); tap < end; ++tap) {
        const int64_t start = axis.Start(0) + tap * axis.dilation;
        const int64_t first = start >= 0 ? 0 : (axis.stride - 1 - start) / axis.stride;
        const bool whole = start + (axis.output - 1) * axis.stride < axis.input;
        const int64_t last =
            whole ? axis.output : (axis.input - start + axis.stride - 1) / axis.stride;
        if (first >= last) continue;
        const int64_t position = start + first * axis.stride;
        visit(first, last - first, rows_[r].offset + position,
              rows_[r].index + position * index_strides_[static_cast<size_t>(rank_ - 1)]);
      }
    }
  }

 private:
  const WindowAxis& row_axis() const { return axes_[static_cast<size_t>(rank_ - 1)]; }

  // How many positions of the window that begins at `start` count.
  static int64_t SetTaps(const WindowAxis& axis, int64_t start, bool count_include_pad,
                         int64_t& first, int64_t& last) {
    const int64_t extent = (axis.kernel - 1) * axis.dilation;
    if (start >= 0 && start + extent < axis.input) {  // the usual case needs no division
      first = 0;
      last = axis.kernel;
      return axis.kernel;
    }
    first = axis.FirstTap(start);
    last = axis.LastTap(start);
    return count_include_pad ? axis.PaddedTaps(start) : std::max<int64_t>(last - first, 0);
  }

  int rank_;
  AxisList<WindowAxis> axes_;
  std::array<int64_t, kMaxRank> strides_{};
  std::array<int64_t, kMaxRank> index_strides_{};
  Row* rows_ = nullptr;
  int64_t row_count_ = 0;
  int64_t counted_in_row_ = 0;
};

// y[i] += x[i * step] for `count` pixels of n neighbouring numbers.
void AddPixels(const double* x, int64_t step, int64_t count, int64_t n, double* y) {
  if (step == n) {
    n *= count;
    count = 1;
  }
  if (n == 1) {
    for (int64_t i = 0; i < count; ++i) y[i] += x[i * step];
    return;
  }
  for (int64_t i = 0; i < count; ++i, x += step, y += n) {
    for (int64_t j = 0; j < n; ++j) y[j] += x[j];
  }
}

// Takes numbers that are larger than what was taken, or the first, and `index` of their pixel:
// what has taken none yet has a negative one. They are doubles, too, so that vectors hold as many.
void TakeLarger(const double* x, int64_t step, int64_t count, int64_t n, double index,
                double index_step, double* y, double* indices) {
  const auto take = [](double value, double at, double& most, double& place) {
    const double old = most;
    const double old_place = place;
    const bool larger = (value > old) | (old_place < 0);
    most = larger ? value : old;
    place = larger ? at : old_place;
  };
  if (n == 1) {
    const auto end = static_cast<int32_t>(count);
    for (int32_t i = 0; i < end; ++i) {
      take(x[i * step], index + i * index_step, y[i], indices[i]);
    }
    return;
  }
  for (int64_t i = 0; i < count; ++i, x += step, y += n, indices += n, index += index_step) {
    for (int64_t j = 0; j < n; ++j) take(x[j], index, y[j], indices[j]);
  }
}

// Converts `pixels` of n neighbouring numbers, which lie `x_step` and `y_step` of them apart.
template <typename From, typename To>
void ConvertPoolPixels(const From* x, int64_t x_step, To* y, int64_t y_step, int64_t pixels,
                       int64_t n) {
  if (x_step == n && y_step == n) {
    n *= pixels;
    pixels = 1;
  }
  for (int64_t i = 0; i < pixels; ++i, x += x_step, y += y_step) {
    for (int64_t j = 0; j < n; ++j) y[j] = static_cast<To>(x[j]);
  }
}

using PoolTypes = TypeList<float, double, int8_t, uint8_t>;

enum class Method { kMax, kAverage, kLp };

// Works in doubles, which hold all that the types have; sums of powers that float has no room for
// have finite roots.
class PlainPool final : public Executable {
 public:
  PlainPool(const PoolParameters& parameters, Method method)
      : parameters_(parameters), method_(method) {}

  Status Bind(BindContext& context) const override {
    const Shape& shape = context.input(0)->shape;
    context.RequestScratch(static_cast<size_t>(context.threads()) *
                           WorkerBytes(shape, Window(parameters_, shape)));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const Shape shape = parameters_.OutputShape(input.shape);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    int64_t* indices = nullptr;
    if (context.WantsOutput(1)) {
      Shape index_shape = shape;
      if (parameters_.layout.last) {
        index_shape.Remove(shape.rank() - 1);
        index_shape.Insert(1, shape.Back(0));
      }
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView view,
                               context.AllocateOutput(1, index_shape));
      indices = view.as<int64_t>();
    }
    if (output.count() == 0) return OkStatus();
    const operators::ChannelLayout& layout = parameters_.layout;
    const int64_t channels = layout.Channels(shape);
    const int64_t together = Together(input.shape);
    const int64_t groups = (channels + together - 1) / together;
    const int64_t step = layout.last ? channels : 1;  // from one pixel to the next
    const int64_t inputs = layout.Spatial(input.shape);
    const int64_t outputs = layout.Spatial(shape);
    const Window prototype(parameters_, input.shape);
    const size_t worker_bytes = WorkerBytes(input.shape, prototype);
    context.parallel().For(
        layout.Batch(shape) * groups, 1, [&](int64_t begin, int64_t end, int worker) {
          Window window = prototype;
          auto* const x = reinterpret_cast<double*>(static_cast<char*>(context.scratch()) +
                                                    static_cast<size_t>(worker) * worker_bytes);
          double* const y = x + inputs * together;
          double* const places = y + outputs * together;
          window.RememberIn(reinterpret_cast<Window::Row*>(places + outputs * together));
          for (int64_t i = begin; i < end; ++i) {
            const int64_t channel = i % groups * together;
            const int64_t n = std::min(together, channels - channel);
            const int64_t plane = i / groups * channels + channel;
            const auto first = [&](int64_t pixels) {
              return layout.last ? i / groups * channels * pixels + channel : plane * pixels;
            };
            DispatchType(PoolTypes{}, input.type, [&](auto tag) {
              using T = typename decltype(tag)::type;
              ConvertPoolPixels(input.as<T>() + first(inputs), step, x, n, inputs, n);
            });
            Compute(window, input.type, x, inputs, y, outputs, places, n);
            DispatchType(PoolTypes{}, input.type, [&](auto tag) {
              using T = typename decltype(tag)::type;
              ConvertPoolPixels(y, n, output.as<T>() + first(outputs), step, outputs, n);
            });
            for (int64_t j = 0; indices != nullptr && j < n; ++j) {
              int64_t* const to = indices + (plane + j) * outputs;
              const int64_t base = (plane + j) * inputs;
              for (int64_t o = 0; o < outputs; ++o) {
                to[o] = base + static_cast<int64_t>(std::max(places[o * n + j], 0.0));
              }
            }
          }
        });
    return OkStatus();
  }

 private:
  // Neighbouring channels of the input that are worked on together where channels are last: a line
  // of the cache, but of large images only as many as take little memory.
  int64_t Together(const Shape& shape) const {
    const operators::ChannelLayout& layout = parameters_.layout;
    if (!layout.last) return 1;
    constexpr int64_t kMostPixels = int64_t{1} << 20;
    const int64_t most =
        std::clamp<int64_t>(kMostPixels / std::max<int64_t>(layout.Spatial(shape), 1), 1, 8);
    return std::clamp<int64_t>(layout.Channels(shape), 1, most);
  }

  // Elements, results, their places, and the rows of windows.
  size_t WorkerBytes(const Shape& shape, const Window& window) const {
    const operators::ChannelLayout& layout = parameters_.layout;
    const int64_t pixels =
        layout.Spatial(shape) + 2 * layout.Spatial(parameters_.OutputShape(shape));
    return static_cast<size_t>(pixels * Together(shape)) * sizeof(double) +
           static_cast<size_t>(window.most_rows()) * sizeof(Window::Row);
  }

  // The maximum of no elements.
  static double Least(ElementType type) {
    return type == ElementType::kInt8    ? -128
           : type == ElementType::kUint8 ? 0
                                         : -std::numeric_limits<double>::infinity();
  }

  // Of n planes whose pixels lie side by side; LpPool changes x.
  void Compute(Window& window, ElementType type, double* x, int64_t inputs, double* y,
               int64_t outputs, double* places, int64_t n) const {
    const bool max = method_ == Method::kMax;
    if (method_ == Method::kLp) RaiseSizes(parameters_.p, x, inputs * n);
    std::fill_n(y, outputs * n, max ? Least(type) : 0.0);
    if (max) std::fill_n(places, outputs * n, -1.0);
    const int64_t step = window.step() * n;
    const int64_t length = window.row_length();
    double* row = y;
    for (int64_t i = 0; i < outputs / length; ++i, row += length * n, places += length * n) {
      window.MoveToRow(i, parameters_.count_include_pad);
      window.ForEachRun([&](int64_t first, int64_t count, int64_t offset, int64_t index) {
        if (max) {
          TakeLarger(x + offset * n, step, count, n, static_cast<double>(index),
                     static_cast<double>(window.index_step()), row + first * n, places + first * n);
        } else {
          AddPixels(x + offset * n, step, count, n, row + first * n);
        }
      });
      for (int64_t o = 0; method_ == Method::kAverage && o < length; ++o) {
        const int64_t counted = window.Counted(o, parameters_.count_include_pad);
        for (int64_t j = o * n; j < (o + 1) * n; ++j) {
          row[j] = counted > 0 ? row[j] / static_cast<double>(counted) : 0;
        }
      }
    }
    if (method_ == Method::kLp) TakeRoots(parameters_.p, y, outputs * n);
  }

  PoolParameters parameters_;
  Method method_;
};

}  // namespace

void RaiseSizes(int64_t p, double* x, int64_t count) {
  constexpr int64_t kPart = 256;
  double squares[kPart];
  for (int64_t first = 0; first < count; first += kPart) {
    const int64_t n = std::min(kPart, count - first);
    double* const power = x + first;
    for (int64_t i = 0; i < n; ++i) {
      squares[i] = std::abs(power[i]);
      power[i] = 1;
    }
    for (int64_t rest = p;; rest /= 2) {
      if (rest % 2 == 1) {
        for (int64_t i = 0; i < n; ++i) power[i] *= squares[i];
      }
      if (rest == 1) break;
      for (int64_t i = 0; i < n; ++i) squares[i] *= squares[i];
    }
  }
}

void TakeRoots(int64_t p, double* x, int64_t count) {
  if (p == 1) return;
  const auto n = static_cast<size_t>(count);
  if (p == 2) return DoubleUnary({operators::ElementwiseOp::kSqrt}, x, x, n);
  const double reciprocal = 1 / static_cast<double>(p);
  NumberBinary({operators::ElementwiseOp::kPow}, ElementType::kDouble, {x, 1}, {&reciprocal, 0}, x,
               n);
}

Result<std::unique_ptr<Executable>> MakePlainPool(const Node& node,
                                                  const PoolParameters& parameters) {
  const Method method = node.operator_name() == "MaxPool"       ? Method::kMax
                        : node.operator_name() == "AveragePool" ? Method::kAverage
                                                                : Method::kLp;
  return std::unique_ptr<Executable>(std::make_unique<PlainPool>(parameters, method));
}

}  // namespace mullion::cpu
