// SPDX-License-Identifier: MIT
// LRN: x / (bias + alpha / size * sum of squares of neighbouring channels)^beta.
#include "devices/cpu/kernels/reduction/lrn.h"

#include <algorithm>
#include <cstdlib>

#include "devices/cpu/axis_loops.h"
#include "devices/cpu/kernels/elementwise/number_binary.h"
#include "devices/cpu/registry.h"
#include "operators/channel_layout.h"

namespace mullion::cpu {

namespace {

// Pixels of one channel that are worked on together, channels first.
constexpr int64_t kTile = 1024;

class Lrn final : public Executable {
 public:
  explicit Lrn(const Node& node)
      : layout_(node),
        size_(node.IntAttribute("size", 1)),
        alpha_(node.FloatAttribute("alpha", 1e-4f) / static_cast<float>(size_)),
        beta_(node.FloatAttribute("beta", 0.75f)),
        bias_(node.FloatAttribute("bias", 1.0f)) {}

  Status Bind(BindContext& context) const override {
    // Channels last, the sums of one pixel for each thread.
    if (layout_.last) {
      const int64_t channels = layout_.Channels(context.input(0)->shape);
      context.RequestScratch(static_cast<size_t>(channels * context.threads()) * sizeof(float));
    }
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    if (output.count() == 0) return OkStatus();
    if (input.type == ElementType::kDouble) {
      Plain(input.shape, input.as<double>(), output.as<double>());
    } else if (layout_.last) {
      ChannelsLast(context, input.as<float>(), output.as<float>());
    } else {
      ChannelsFirst(context, input.as<float>(), output.as<float>());
    }
    return OkStatus();
  }

 private:
  // The channels that count for channel c: [c - floor((size - 1) / 2), c + ceil((size - 1) / 2)].
  int64_t First(int64_t c) const { return std::max<int64_t>(c - (size_ - 1) / 2, 0); }
  int64_t Last(int64_t c, int64_t channels) const {
    return size_ / 2 < channels - c ? c + size_ / 2 + 1 : channels;
  }

  void ChannelsFirst(RunContext& context, const float* x, float* y) const {
    const Shape& shape = context.Input(0).shape;
    const int64_t channels = layout_.Channels(shape);
    const int64_t pixels = layout_.Spatial(shape);
    const int64_t tiles = (pixels + kTile - 1) / kTile;
    context.parallel().For(layout_.Batch(shape) * tiles, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t first = i % tiles * kTile;
        const int64_t offset = i / tiles * channels * pixels + first;
        ColumnTile(channels, pixels, std::min(kTile, pixels - first), x + offset, y + offset);
      }
    });
  }

  // Each channel's sums anew, as running sums would lose what cancels.
  void ColumnTile(int64_t channels, int64_t stride, int64_t count, const float* x, float* y) const {
    float sums[kTile];
    const auto n = static_cast<size_t>(count);
    for (int64_t c = 0; c < channels; ++c) {
      std::fill_n(sums, n, 0.0f);
      for (int64_t k = First(c); k < Last(c, channels); ++k) {
        AddSquares(x + k * stride, n, sums);
      }
      DivideByPower(x + c * stride, sums, n, bias_, alpha_, beta_, y + c * stride);
    }
  }

  void ChannelsLast(RunContext& context, const float* x, float* y) const {
    const Shape& shape = context.Input(0).shape;
    const int64_t channels = layout_.Channels(shape);
    const int64_t chunk = std::max<int64_t>(kParallelElements / channels, 1);
    context.parallel().For(
        layout_.Batch(shape) * layout_.Spatial(shape), chunk,
        [&](int64_t begin, int64_t end, int worker) {
          float* const sums = static_cast<float*>(context.scratch()) + worker * channels;
          for (int64_t pixel = begin; pixel < end; ++pixel) {
            PixelSums(channels, x + pixel * channels, sums);
            DivideByPower(x + pixel * channels, sums, static_cast<size_t>(channels), bias_, alpha_,
                          beta_, y + pixel * channels);
          }
        });
  }

  // sums[c] over the window of c: one shifted addition of all squares for each offset in it.
  void PixelSums(int64_t channels, const float* x, float* sums) const {
    std::fill_n(sums, channels, 0.0f);
    const int64_t before = std::min((size_ - 1) / 2, channels - 1);
    const int64_t after = std::min(size_ / 2, channels - 1);
    for (int64_t shift = -before; shift <= after; ++shift) {
      const int64_t first = std::max<int64_t>(-shift, 0);
      const int64_t count = channels - std::abs(shift);
      AddSquares(x + first + shift, static_cast<size_t>(count), sums + first);
    }
  }

  // As PixelSums, of planes or pixels: channels that lie side by side are one run.
  void Plain(const Shape& shape, const double* x, double* y) const {
    const int64_t channels = layout_.Channels(shape);
    const int64_t pixels = layout_.Spatial(shape);
    const int64_t step = layout_.last ? 1 : pixels;  // from one channel to the next
    const int64_t block = channels * step;
    const int64_t before = std::min((size_ - 1) / 2, channels - 1);
    const int64_t after = std::min(size_ / 2, channels - 1);
    std::fill_n(y, shape.ElementCount(), 0.0);
    for (int64_t at = 0; at < shape.ElementCount(); at += block) {
      for (int64_t shift = -before; shift <= after; ++shift) {
        const double* const from = x + at + std::max<int64_t>(shift, 0) * step;
        double* const sums = y + at + std::max<int64_t>(-shift, 0) * step;
        const int64_t count = (channels - std::abs(shift)) * step;
        for (int64_t i = 0; i < count; ++i) sums[i] += from[i] * from[i];
      }
    }
    for (int64_t i = 0; i < shape.ElementCount(); ++i) {
      y[i] = static_cast<double>(bias_) + static_cast<double>(alpha_) * y[i];
    }
    const double exponent = -static_cast<double>(beta_);
    const auto count = static_cast<size_t>(shape.ElementCount());
    NumberBinary({operators::ElementwiseOp::kPow}, ElementType::kDouble, {y, 1}, {&exponent, 0}, y,
                 count);
    NumberBinary({operators::ElementwiseOp::kMul}, ElementType::kDouble, {x, 1}, {y, 1}, y, count);
  }

  operators::ChannelLayout layout_;
  int64_t size_;
  float alpha_;  // divided by `size`
  float beta_;
  float bias_;
};

}  // namespace

void RegisterLrn(KernelRegistry& registry) {
  registry.Add({.name = "LRN", .types = types::kFloatDouble, .make = MakeKernel<Lrn>});
}

}  // namespace mullion::cpu
