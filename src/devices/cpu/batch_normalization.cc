// SPDX-License-Identifier: MIT
// BatchNormalization of opset 14, as inference and as training.
#include <cmath>
#include <vector>

#include "devices/cpu/axis_loops.h"
#include "devices/cpu/channel_statistics.h"
#include "devices/cpu/kernels/elementwise/number_binary.h"
#include "devices/cpu/kernels/elementwise/scale_shift.h"
#include "devices/cpu/kernels/reduction/moments.h"
#include "devices/cpu/kernels/simd/for_elements.h"
#include "devices/cpu/registry.h"
#include "operators/channel_layout.h"
#include "operators/registry.h"

namespace mullion::cpu {

namespace {

// y = x * scale + shift for every channel, in either layout.
template <typename T>
void Apply(const T* x, T* y, size_t n, T scale, T shift) {
  if constexpr (std::is_same_v<T, float>) {
    ScaleShift(x, y, n, scale, shift);
  } else {
    ScaleShiftDoubles(x, y, n, scale, shift);
  }
}

template <typename T>
void ApplyColumns(const T* x, T* y, size_t rows, size_t n, const T* scale, const T* shift) {
  if constexpr (std::is_same_v<T, float>) {
    ScaleShiftColumns(x, y, rows, n, scale, shift);
  } else {
    for (size_t r = 0; r < rows; ++r, x += n, y += n) {
      ForElements(n, [=](size_t i) { y[i] = x[i] * scale[i] + shift[i]; });
    }
  }
}

struct Sizes {
  int64_t batch;
  int64_t channels;
  int64_t spatial;
  bool channels_last;
};

template <typename T>
class BatchNormalization final : public Executable {
 public:
  explicit BatchNormalization(const Node& node)
      : layout_(node),
        epsilon_(node.FloatAttribute("epsilon", 1e-5f)),
        momentum_(node.FloatAttribute("momentum", 0.9f)),
        training_(node.IntAttribute("training_mode", 0) != 0),
        per_activation_(node.domain() == operators::kInternalDomain) {
    bool constant = !training_;
    for (int i = 1; i < 5; ++i) constant = constant && node.input(i)->IsConstant();
    if (!constant) return;
    const auto channels = static_cast<size_t>(node.input(1)->constant.count());
    for (int i = 2; i < 5; ++i) {
      if (static_cast<size_t>(node.input(i)->constant.count()) != channels) return;
    }
    folded_.resize(2 * channels);
    const auto data = [&](int i) { return node.input(i)->constant.span<T>().data(); };
    Fold(data(1), data(2), data(3), data(4), channels, folded_.data());
  }

  Status Bind(BindContext& context) const override {
    const Sizes sizes = SizesOf(context.input(0)->shape);
    if (!training_) {
      context.AllowInPlace(0, 0);
      if (folded_.empty()) context.RequestScratch(FoldedBytes(sizes));
      return OkStatus();
    }
    const ChannelStatistics statistics(1, sizes.batch * sizes.spatial, sizes.channels);
    context.RequestScratch(2 * FoldedBytes(sizes) + statistics.ScratchBytes());
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const Sizes sizes = SizesOf(input.shape);
    for (int i = 1; i < 5; ++i) {
      if (context.Input(i).count() != sizes.channels) {
        return context.Error("inputs 1 to 4 must have one element for each channel of input 0");
      }
    }
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    if (!training_) MULLION_RETURN_IF_ERROR(PassStatistics(context));
    const T* factors = folded_.data();
    if (folded_.empty()) {
      T* const scratch = static_cast<T*>(context.scratch());
      MULLION_RETURN_IF_ERROR(training_ ? Train(context, sizes, scratch)
                                        : FoldInputs(context, sizes, scratch));
      factors = scratch;
    }
    Normalize(sizes, input.as<T>(), output.as<T>(), factors, context.parallel());
    return OkStatus();
  }

 private:
  Sizes SizesOf(const Shape& shape) const {
    if (!per_activation_) {
      const int64_t spatial = layout_.Spatial(shape);
      return {layout_.Batch(shape), layout_.Channels(shape), spatial, layout_.last || spatial == 1};
    }
    // Every element of an image is a channel of its own.
    return {layout_.Batch(shape), shape.rank() < 2 ? 1 : shape.Product(1, shape.rank()), 1, true};
  }
  static size_t FoldedBytes(const Sizes& sizes) {
    return static_cast<size_t>(2 * sizes.channels) * sizeof(T);
  }

  // (x - mean) / sqrt(variance + epsilon) * scale + bias as one scale and shift, in `out` and
  // out + channels.
  void Fold(const T* scale, const T* bias, const T* mean, const T* variance, size_t channels,
            T* out) const {
    for (size_t c = 0; c < channels; ++c) {
      const T factor = scale[c] / std::sqrt(variance[c] + static_cast<T>(epsilon_));
      out[c] = factor;
      out[channels + c] = bias[c] - mean[c] * factor;
    }
  }

  Status FoldInputs(RunContext& context, const Sizes& sizes, T* out) const {
    Fold(context.Input(1).as<T>(), context.Input(2).as<T>(), context.Input(3).as<T>(),
         context.Input(4).as<T>(), static_cast<size_t>(sizes.channels), out);
    return OkStatus();
  }

  // Without training the running statistics stay as they are.
  static Status PassStatistics(RunContext& context) {
    for (int i = 1; i < context.output_count(); ++i) {
      if (!context.WantsOutput(i)) continue;
      const TensorView& statistics = context.Input(3 + (i - 1) % 2);
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                               context.AllocateOutput(i, statistics.shape));
      CopyElements(statistics, output);
    }
    return OkStatus();
  }

  // Statistics of this batch; the running ones move towards them by 1 - momentum.
  Status Train(RunContext& context, const Sizes& sizes, T* scratch) const {
    const T* const x = context.Input(0).as<T>();
    const int64_t channels = sizes.channels;
    T* const mean = scratch + 2 * channels;
    T* const variance = mean + channels;
    if (sizes.batch * sizes.spatial == 0) {
      return context.Error("training needs at least one element for each channel");
    }
    Measure(sizes, x, mean, variance, variance + channels, context.parallel());
    for (int64_t c = 0; c < channels; ++c) {
      variance[c] /= static_cast<T>(sizes.batch * sizes.spatial);
    }
    const T keep = static_cast<T>(momentum_);
    const T* const batch_statistics[] = {mean, variance};
    for (int i = 1; i < 5; ++i) {
      if (!context.WantsOutput(i)) continue;
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                               context.AllocateOutput(i, context.Input(3).shape));
      const T* const now = batch_statistics[(i - 1) % 2];
      const T* const before = context.Input(3 + (i - 1) % 2).as<T>();
      for (int64_t c = 0; c < channels; ++c) {
        // Outputs 3 and 4 of the forms before opset 14 save the batch's own.
        output.as<T>()[c] = i < 3 ? before[c] * keep + now[c] * (T{1} - keep) : now[c];
      }
    }
    Fold(context.Input(1).as<T>(), context.Input(2).as<T>(), mean, variance,
         static_cast<size_t>(channels), scratch);
    return OkStatus();
  }

  static void Measure(const Sizes& sizes, const T* x, T* mean, T* deviation, void* scratch,
                      Parallel& parallel) {
    if constexpr (std::is_same_v<T, float>) {
      if (sizes.channels_last) {
        const ChannelStatistics statistics(1, sizes.batch * sizes.spatial, sizes.channels);
        statistics.Run(x, mean, deviation, scratch, parallel);
        return;
      }
      parallel.For(sizes.channels, 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t c = begin; c < end; ++c) {
          Moments moments;
          for (int64_t n = 0; n < sizes.batch; ++n) {
            moments.Merge(MomentsOf(x + (n * sizes.channels + c) * sizes.spatial,
                                    static_cast<size_t>(sizes.spatial)));
          }
          mean[c] = moments.mean;
          deviation[c] = moments.deviation;
        }
      });
    } else {
      MeasurePlain(sizes, x, mean, deviation);
    }
  }

  static void MeasurePlain(const Sizes& sizes, const T* x, T* mean, T* deviation) {
    const int64_t step = sizes.channels_last ? sizes.channels : 1;
    const int64_t channel_step = sizes.channels_last ? 1 : sizes.spatial;
    const T count = static_cast<T>(sizes.batch * sizes.spatial);
    for (int64_t c = 0; c < sizes.channels; ++c) {
      const auto sum_of = [&](auto function) {
        T sum = 0;
        for (int64_t n = 0; n < sizes.batch; ++n) {
          const T* const from = x + n * sizes.channels * sizes.spatial + c * channel_step;
          for (int64_t i = 0; i < sizes.spatial; ++i) sum += function(from[i * step]);
        }
        return sum;
      };
      const T m = sum_of([](T v) { return v; }) / count;
      mean[c] = m;
      deviation[c] = sum_of([m](T v) { return (v - m) * (v - m); });
    }
  }

  static void Normalize(const Sizes& sizes, const T* x, T* y, const T* factors,
                        Parallel& parallel) {
    const int64_t channels = sizes.channels;
    if (sizes.channels_last) {
      const int64_t chunk =
          std::max<int64_t>(kParallelElements / std::max<int64_t>(channels, 1), 1);
      parallel.For(sizes.batch * sizes.spatial, chunk, [&](int64_t begin, int64_t end, int) {
        ApplyColumns(x + begin * channels, y + begin * channels, static_cast<size_t>(end - begin),
                     static_cast<size_t>(channels), factors, factors + channels);
      });
      return;
    }
    const int64_t chunk =
        std::max<int64_t>(kParallelElements / std::max<int64_t>(sizes.spatial, 1), 1);
    parallel.For(sizes.batch * channels, chunk, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        Apply(x + i * sizes.spatial, y + i * sizes.spatial, static_cast<size_t>(sizes.spatial),
              factors[i % channels], factors[channels + i % channels]);
      }
    });
  }

  operators::ChannelLayout layout_;
  float epsilon_;
  float momentum_;
  bool training_;
  bool per_activation_;
  std::vector<T> folded_;  // scales, then shifts, when all parameters are constant
};

Status SupportsOneType(const Node& node) {
  for (int i = 1; i < 5; ++i) {
    if (node.input(i)->type.element_type != node.input(0)->type.element_type) {
      return node.Error(StatusCode::kUnsupported,
                        "the CPU device needs all inputs of the same element type; put a Cast "
                        "in between");
    }
  }
  return OkStatus();
}

}  // namespace

void RegisterBatchNormalization(KernelRegistry& registry) {
  const auto add = [&](std::string_view domain, std::string_view name) {
    registry.Add({.name = name,
                  .domain = domain,
                  .types = types::kFloat,
                  .make = MakeKernel<BatchNormalization<float>>,
                  .supports = SupportsOneType});
    registry.Add({.name = name,
                  .domain = domain,
                  .types = SetOf(ElementType::kDouble),
                  .make = MakeKernel<BatchNormalization<double>>,
                  .supports = SupportsOneType});
  };
  add("", "BatchNormalization");
  add(operators::kInternalDomain, "PerActivationBatchNormalization");
}

}  // namespace mullion::cpu
