// SPDX-License-Identifier: MIT
#include "devices/cpu/pool_plain.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/element_traits.h"
#include "devices/cpu/axis_loops.h"

namespace mullion::cpu {

namespace {

using operators::PoolParameters;
using operators::WindowAxis;

// The elements of one channel of one image that a window covers.
class Window {
 public:
  // Where a row of elements under the window begins, and the number of its first element.
  struct Row {
    int64_t offset;
    int64_t index;
  };

  Window(const PoolParameters& parameters, const Shape& input)
      : rank_(parameters.spatial_rank), axes_(parameters.Axes(input)) {
    const auto strides = RowMajorStrides(input);
    int64_t step = 1;
    for (int i = rank_ - 1; i >= 0; --i) {
      const auto a = static_cast<size_t>(i);
      strides_[a] = strides[static_cast<size_t>(parameters.layout.SpatialAxis(i))];
      // Index outputs count in a channels-first image, in row-major or column-major order.
      if (!parameters.column_major_indices) {
        index_strides_[a] = step;
        step *= axes_[a].input;
      }
    }
    for (int i = 0; i < rank_ && parameters.column_major_indices; ++i) {
      index_strides_[static_cast<size_t>(i)] = step;
      step *= axes_[static_cast<size_t>(i)].input;
    }
    input_elements_ = step;
  }

  int64_t input_elements() const { return input_elements_; }

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

  int64_t row_length() const { return axes_[static_cast<size_t>(rank_ - 1)].output; }

  // Moves to row `index` of outputs, row-major over all spatial axes but the last, and remembers
  // where the rows of elements under it begin.
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

  // Moves along the row.
  void MoveTo(int64_t column, bool count_include_pad) {
    const WindowAxis& axis = axes_[static_cast<size_t>(rank_ - 1)];
    start_ = axis.Start(column);
    counted_ = counted_in_row_ * SetTaps(axis, start_, count_include_pad, first_, last_);
  }

  // How many elements count in an average.
  int64_t counted() const { return counted_; }

  // Calls visit(offset, index): where the element is from the channel's first one, and its number.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    const auto a = static_cast<size_t>(rank_ - 1);
    const int64_t position = start_ + first_ * axes_[a].dilation;
    const int64_t step = axes_[a].dilation * strides_[a];
    const int64_t index_step = axes_[a].dilation * index_strides_[a];
    for (int64_t r = 0; r < row_count_; ++r) {
      const Row& row = rows_[r];
      int64_t offset = row.offset + position * strides_[a];
      int64_t index = row.index + position * index_strides_[a];
      for (int64_t tap = first_; tap < last_; ++tap) {
        visit(offset, index);
        offset += step;
        index += index_step;
      }
    }
  }

 private:
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
  int64_t input_elements_ = 1;
  Row* rows_ = nullptr;
  int64_t row_count_ = 0;
  int64_t counted_in_row_ = 0;
  int64_t start_ = 0, first_ = 0, last_ = 0;
  int64_t counted_ = 0;
};

template <typename T>
struct Maximum {
  T value = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                 : std::numeric_limits<T>::lowest();
  int64_t index = 0;
  bool found = false;
  void Take(T x, int64_t at) {
    if (found && !(x > value)) return;
    value = x;
    index = at;
    found = true;
  }
};

enum class Method { kMax, kAverage, kLp };

template <typename T>
class PlainPool final : public Executable {
 public:
  PlainPool(const PoolParameters& parameters, Method method)
      : parameters_(parameters), method_(method) {}

  Status Bind(BindContext& context) const override {
    const int64_t rows = Window(parameters_, context.input(0)->shape).most_rows();
    context.RequestScratch(static_cast<size_t>(context.threads() * rows) * sizeof(Window::Row));
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
    const int64_t images = layout.Batch(shape) * channels;
    const int64_t outputs = layout.Spatial(shape);
    const int64_t inputs = layout.Spatial(input.shape);
    const Window prototype(parameters_, input.shape);
    auto* const memory = static_cast<Window::Row*>(context.scratch());
    context.parallel().For(images, 1, [&](int64_t begin, int64_t end, int worker) {
      Window window = prototype;
      window.RememberIn(memory + worker * window.most_rows());
      for (int64_t image = begin; image < end; ++image) {
        // The first element and the distance between neighbours, of this channel of this image.
        const int64_t first = layout.last ? image / channels * channels : image;
        const int64_t channel = layout.last ? image % channels : 0;
        const int64_t step = layout.last ? channels : 1;
        const T* const x = input.as<T>() + first * inputs + channel;
        T* const y = output.as<T>() + first * outputs + channel;
        int64_t column = 0;
        for (int64_t o = 0; o < outputs; ++o, ++column) {
          if (column == window.row_length()) column = 0;
          if (column == 0) {
            window.MoveToRow(o / window.row_length(), parameters_.count_include_pad);
          }
          window.MoveTo(column, parameters_.count_include_pad);
          if (method_ == Method::kMax) {
            Maximum<T> maximum;
            window.ForEach([&](int64_t at, int64_t index) { maximum.Take(x[at], index); });
            y[o * step] = maximum.value;
            if (indices != nullptr) {
              indices[image * outputs + o] = image * inputs + maximum.index;
            }
          } else {
            y[o * step] = Sum(window, x);
          }
        }
      }
    });
    return OkStatus();
  }

 private:
  double Power(double x) const {
    double power = 1;
    for (int64_t p = parameters_.p; p > 0; p /= 2, x *= x) {
      if (p % 2 == 1) power *= x;
    }
    return power;
  }

  T Sum(const Window& window, const T* x) const {
    double sum = 0;
    if (method_ == Method::kAverage) {
      window.ForEach([&](int64_t at, int64_t) { sum += static_cast<double>(x[at]); });
      const int64_t counted = window.counted();
      return counted > 0 ? static_cast<T>(sum / static_cast<double>(counted)) : T{0};
    }
    window.ForEach(
        [&](int64_t at, int64_t) { sum += Power(std::abs(static_cast<double>(x[at]))); });
    if (parameters_.p == 3) return static_cast<T>(std::cbrt(sum));
    return static_cast<T>(std::pow(sum, 1 / static_cast<double>(parameters_.p)));
  }

  PoolParameters parameters_;
  Method method_;
};

}  // namespace

Result<std::unique_ptr<Executable>> MakePlainPool(const Node& node,
                                                  const PoolParameters& parameters) {
  const Method method = node.operator_name() == "MaxPool"       ? Method::kMax
                        : node.operator_name() == "AveragePool" ? Method::kAverage
                                                                : Method::kLp;
  std::unique_ptr<Executable> executable;
  DispatchType(TypeList<float, double, int8_t, uint8_t>{}, node.input(0)->type.element_type,
               [&](auto tag) {
                 using T = typename decltype(tag)::type;
                 executable = std::make_unique<PlainPool<T>>(parameters, method);
               });
  return executable;
}

}  // namespace mullion::cpu
