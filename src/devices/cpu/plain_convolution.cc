// SPDX-License-Identifier: MIT
#include "devices/cpu/plain_convolution.h"

#include <optional>

namespace mullion::cpu {

namespace {

// Where the elements of an image are.
struct ImageStrides {
  ImageStrides(bool channels_last, int64_t channels, int64_t pixels)
      : batch(channels * pixels),
        channel(channels_last ? 1 : pixels),
        pixel(channels_last ? channels : 1) {}
  int64_t batch;
  int64_t channel;
  int64_t pixel;
};

struct PixelCounts {
  explicit PixelCounts(const ConvolutionShape& shape) {
    for (int i = 0; i < shape.spatial_rank; ++i) {
      input *= shape.axes[static_cast<size_t>(i)].input;
      output *= shape.axes[static_cast<size_t>(i)].output;
    }
  }
  int64_t input = 1;
  int64_t output = 1;
};

// The input pixel that output pixel `output` reads at kernel position `tap`, if there is one.
std::optional<int64_t> InputPixel(const ConvolutionShape& shape, int64_t output, int64_t tap) {
  int64_t pixel = 0;
  int64_t scale = 1;
  for (size_t i = static_cast<size_t>(shape.spatial_rank); i-- > 0;) {
    const ConvolutionShape::Axis& axis = shape.axes[i];
    const int64_t at =
        output % axis.output * axis.stride - axis.pad + tap % axis.kernel * axis.dilation;
    if (at < 0 || at >= axis.input) return std::nullopt;
    pixel += at * scale;
    scale *= axis.input;
    output /= axis.output;
    tap /= axis.kernel;
  }
  return pixel;
}

// The same for a transposed convolution.
std::optional<int64_t> TransposedInputPixel(const ConvolutionShape& shape, int64_t output,
                                            int64_t tap) {
  int64_t pixel = 0;
  int64_t scale = 1;
  for (size_t i = static_cast<size_t>(shape.spatial_rank); i-- > 0;) {
    const ConvolutionShape::Axis& axis = shape.axes[i];
    const int64_t at = output % axis.output + axis.pad - tap % axis.kernel * axis.dilation;
    if (at < 0 || at % axis.stride != 0 || at / axis.stride >= axis.input) return std::nullopt;
    pixel += at / axis.stride * scale;
    scale *= axis.input;
    output /= axis.output;
    tap /= axis.kernel;
  }
  return pixel;
}

// `pixel_of(pixel, tap)` finds input pixels, `weight_of(group, oc, ic)` the weights of a pair of
// channels of a group, one for each tap.
template <typename PixelOf, typename WeightOf>
void Convolve(const ConvolutionShape& shape, bool channels_last, const double* image,
              const double* bias, double* out, Parallel& parallel, PixelOf pixel_of,
              WeightOf weight_of) {
  const PixelCounts pixels(shape);
  const ImageStrides in(channels_last, shape.in_channels, pixels.input);
  const ImageStrides to(channels_last, shape.out_channels, pixels.output);
  const int64_t group_in = shape.in_channels / shape.groups;
  const int64_t group_out = shape.out_channels / shape.groups;
  const int64_t taps = shape.Taps();
  parallel.For(shape.batch * pixels.output, 64, [&](int64_t begin, int64_t end, int /*worker*/) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t pixel = row % pixels.output;
      const double* const x = image + row / pixels.output * in.batch;
      double* const y = out + row / pixels.output * to.batch + pixel * to.pixel;
      for (int64_t oc = 0; oc < shape.out_channels; ++oc) {
        y[oc * to.channel] = bias == nullptr ? 0.0 : bias[oc];
      }
      for (int64_t tap = 0; tap < taps; ++tap) {
        const std::optional<int64_t> at = pixel_of(pixel, tap);
        if (!at.has_value()) continue;
        for (int64_t oc = 0; oc < shape.out_channels; ++oc) {
          const int64_t group = oc / group_out;
          const double* const from = x + *at * in.pixel + group * group_in * in.channel;
          double sum = 0;
          for (int64_t ic = 0; ic < group_in; ++ic) {
            sum += from[ic * in.channel] * weight_of(group, oc % group_out, ic)[tap];
          }
          y[oc * to.channel] += sum;
        }
      }
    }
  });
}

}  // namespace

void PlainConvolve(const ConvolutionShape& shape, bool channels_last, const double* image,
                   const double* weights, const double* bias, double* out, Parallel& parallel) {
  const int64_t in = shape.in_channels / shape.groups;
  const int64_t out_channels = shape.out_channels / shape.groups;
  const int64_t taps = shape.Taps();
  Convolve(
      shape, channels_last, image, bias, out, parallel,
      [&](int64_t pixel, int64_t tap) { return InputPixel(shape, pixel, tap); },
      [=](int64_t group, int64_t oc, int64_t ic) {
        return weights + ((group * out_channels + oc) * in + ic) * taps;
      });
}

void PlainConvolveTransposed(const ConvolutionShape& shape, bool channels_last, const double* image,
                             const double* weights, const double* bias, double* out,
                             Parallel& parallel) {
  const int64_t in = shape.in_channels / shape.groups;
  const int64_t out_channels = shape.out_channels / shape.groups;
  const int64_t taps = shape.Taps();
  Convolve(
      shape, channels_last, image, bias, out, parallel,
      [&](int64_t pixel, int64_t tap) { return TransposedInputPixel(shape, pixel, tap); },
      [=](int64_t group, int64_t oc, int64_t ic) {
        return weights + ((group * in + ic) * out_channels + oc) * taps;
      });
}

}  // namespace mullion::cpu
