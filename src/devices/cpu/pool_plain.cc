// SPDX-License-Identifier: MIT
#include "devices/cpu/pool_plain.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/element_traits.h"
#include "devices/cpu/axis_loops.h"

namespace mullion::cpu {

namespace {

using operators::PoolAxis;
using operators::PoolParameters;

// The elements of one channel of one image that a window covers.
class Window {
 public:
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

  // Moves to output `index`, row-major over the spatial axes.
  void MoveTo(int64_t index, bool count_include_pad) {
    counted_ = 1;
    empty_ = false;
    for (int i = rank_ - 1; i >= 0; --i) {
      const auto a = static_cast<size_t>(i);
      const PoolAxis& axis = axes_[a];
      starts_[a] = axis.Start(index % axis.output);
      index /= axis.output;
      first_[a] = axis.FirstTap(starts_[a]);
      last_[a] = axis.LastTap(starts_[a]);
      empty_ = empty_ || first_[a] >= last_[a];
      counted_ *= count_include_pad ? axis.PaddedTaps(starts_[a])
                                    : std::max<int64_t>(last_[a] - first_[a], 0);
    }
  }

  // How many elements count in an average.
  int64_t counted() const { return counted_; }

  // Calls visit(offset, index): where the element is from the channel's first one, and its number.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    if (empty_) return;
    std::array<int64_t, kMaxRank> tap = first_;
    while (true) {
      int64_t offset = 0;
      int64_t index = 0;
      for (int i = 0; i < rank_; ++i) {
        const auto a = static_cast<size_t>(i);
        const int64_t position = starts_[a] + tap[a] * axes_[a].dilation;
        offset += position * strides_[a];
        index += position * index_strides_[a];
      }
      visit(offset, index);
      int i = rank_ - 1;
      for (; i >= 0; --i) {
        const auto a = static_cast<size_t>(i);
        if (++tap[a] < last_[a]) break;
        tap[a] = first_[a];
      }
      if (i < 0) return;
    }
  }

 private:
  int rank_;
  std::array<PoolAxis, kMaxRank> axes_;
  std::array<int64_t, kMaxRank> strides_{};
  std::array<int64_t, kMaxRank> index_strides_{};
  int64_t input_elements_ = 1;
  std::array<int64_t, kMaxRank> starts_, first_, last_;
  int64_t counted_ = 0;
  bool empty_ = false;
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
    context.parallel().For(images, 1, [&](int64_t begin, int64_t end, int) {
      Window window = prototype;
      for (int64_t image = begin; image < end; ++image) {
        // The first element and the distance between neighbours, of this channel of this image.
        const int64_t first = layout.last ? image / channels * channels : image;
        const int64_t channel = layout.last ? image % channels : 0;
        const int64_t step = layout.last ? channels : 1;
        const T* const x = input.as<T>() + first * inputs + channel;
        T* const y = output.as<T>() + first * outputs + channel;
        for (int64_t o = 0; o < outputs; ++o) {
          window.MoveTo(o, parameters_.count_include_pad);
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
  T Sum(const Window& window, const T* x) const {
    double sum = 0;
    if (method_ == Method::kAverage) {
      window.ForEach([&](int64_t at, int64_t) { sum += static_cast<double>(x[at]); });
      const int64_t counted = window.counted();
      return counted > 0 ? static_cast<T>(sum / static_cast<double>(counted)) : T{0};
    }
    const double p = static_cast<double>(parameters_.p);
    window.ForEach(
        [&](int64_t at, int64_t) { sum += std::pow(std::abs(static_cast<double>(x[at])), p); });
    return static_cast<T>(std::pow(sum, 1 / p));
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
