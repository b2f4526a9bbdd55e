// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/plane_convolution.h"

#include <algorithm>
#include <cstring>

#include "base/rounding.h"
#include "devices/cpu/kernels/convolution/finish_pixels.h"
#include "devices/cpu/kernels/convolution/plane_tile.h"

namespace mullion::cpu {

namespace {

constexpr int64_t kMostPlanes = 4;
constexpr int64_t kMostPlaneStride = 2;
constexpr int64_t kFewestPlaneLanes = 8;
// Longer sums do as well with rows by address.
constexpr int64_t kMostPlaneTaps = 256;
// Lines of outputs at a time, or as many as a third of a level 1 cache has room for, and what their
// strip may take.
constexpr int64_t kBandLines = 8;
constexpr int64_t kSmallStripFloats = 4 * 1024;
constexpr int64_t kMostStripFloats = 64 * 1024;

}  // namespace

struct PlaneConvolution::Job {
  const float* input;
  const float* packed;
  float* out;
  int64_t out_stride;
  const Epilogue& epilogue;
};

namespace {

// What hangs on weights, stride and instruction set alone.
bool MayUsePlanes(const ConvolutionShape& shape) {
  if (shape.spatial_rank != 2 || shape.groups != 1 || shape.in_channels < 1 ||
      shape.in_channels > kMostPlanes || (!shape.planes && shape.in_channels > 1)) {
    return false;
  }
  // Wider products share each input among their vectors and gain nothing by planes.
  const int64_t lanes = ColumnBlocks::Of(1).lanes;
  if (lanes < kFewestPlaneLanes || shape.out_channels > lanes) return false;
  const ConvolutionShape::Axis& across = shape.axes[1];
  return across.dilation == 1 && across.stride <= kMostPlaneStride && shape.Taps() > 1 &&
         shape.Taps() * shape.in_channels <= kMostPlaneTaps;
}

bool HasPixelVectors(const ConvolutionShape& shape) {
  return ColumnBlocks::Of(1).lanes == 2 * kNarrowPlaneColumns &&
         shape.out_channels <= kNarrowPlaneColumns;
}

}  // namespace

bool AreNarrowPlanes(const ConvolutionShape& shape) {
  return MayUsePlanes(shape) && HasPixelVectors(shape) &&
         shape.out_channels > kNarrowPlaneColumns / 2;
}

bool UsesPlaneConvolution(const ConvolutionShape& shape) {
  if (!MayUsePlanes(shape) || shape.axes[0].input < 1 || shape.axes[1].input < 1) return false;
  return AreNarrowPlanes(shape) ||
         (shape.axes[1].output >= kPlaneTilePixels &&
          PlaneConvolution(shape).ScratchBytes(1) <= kMostStripFloats * sizeof(float));
}

PlaneConvolution::PlaneConvolution(const ConvolutionShape& shape) : shape_(shape) {
  const ConvolutionShape::Axis& down = shape.axes[0];
  const ConvolutionShape::Axis& across = shape.axes[1];
  const int64_t lanes = ColumnBlocks::Of(1).lanes;
  const int64_t stride = across.stride;
  const int64_t channels = shape.in_channels;
  const int64_t pixels =
      HasPixelVectors(shape) ? RoundUp(across.output, 2 * lanes) : across.output + kPlaneTilePixels;
  phase_floats_ = RoundUp(pixels + across.kernel, 16);
  line_floats_ = channels * stride * phase_floats_;
  const int64_t more = kSmallStripFloats / line_floats_ - StripLines(1);
  band_lines_ = std::max(kBandLines, more / down.stride + 1);
  bands_ = DivideUp(down.output, band_lines_);
  for (int64_t line = 0; line < down.kernel * channels; ++line) {
    const int64_t y = line / channels;
    const int64_t channel = line % channels;
    const auto weights = [&](int64_t x) {
      return ((y * across.kernel + x) * channels + channel) * lanes;
    };
    for (int64_t phase = 0; phase < stride; ++phase) {
      const int64_t from =
          y * down.dilation * line_floats_ + (channel * stride + phase) * phase_floats_;
      for (int64_t x = phase; x < across.kernel; x += 2 * stride) {
        const bool pair = x + stride < across.kernel;
        taps_.push_back({from + x / stride, weights(x), pair ? weights(x + stride) : -1});
      }
    }
  }
}

int64_t PlaneConvolution::StripLines(int64_t outputs) const {
  const ConvolutionShape::Axis& down = shape_.axes[0];
  return (outputs - 1) * down.stride + (down.kernel - 1) * down.dilation + 1;
}

size_t PlaneConvolution::ScratchBytes(int threads) const {
  const int64_t lines = StripLines(std::min(band_lines_, shape_.axes[0].output));
  return static_cast<size_t>(threads * lines * line_floats_) * sizeof(float);
}

// Line `y` of all planes, which may lie outside the image.
void PlaneConvolution::CopyLine(const float* image, int64_t y, float* to) const {
  const ConvolutionShape::Axis& across = shape_.axes[1];
  const int64_t plane = shape_.axes[0].input * across.input;
  if (y < 0 || y >= shape_.axes[0].input) {
    std::fill_n(to, line_floats_, 0.0f);
    return;
  }
  // What is cut off the begin of the image is not copied.
  const int64_t from = std::clamp<int64_t>(-across.pad, 0, across.input);
  const int64_t pad = std::max<int64_t>(across.pad, 0);
  for (int64_t channel = 0; channel < shape_.in_channels; ++channel) {
    const float* const line = image + channel * plane + y * across.input + from;
    PlaneLine copy{line, across.input - from, {}, {}};
    for (int64_t phase = 0; phase < across.stride; ++phase, to += phase_floats_) {
      // The first pixel of the phase that is there, and its place.
      const int64_t first = (phase - pad % across.stride + across.stride) % across.stride;
      const int64_t place = std::min((pad + first - phase) / across.stride, phase_floats_);
      const int64_t count = copy.count > first ? DivideUp(copy.count - first, across.stride) : 0;
      copy.to[first] = to + place;
      copy.counts[first] = std::min(count, phase_floats_ - place);
      std::fill_n(to, place, 0.0f);
      std::fill(to + place + copy.counts[first], to + phase_floats_, 0.0f);
    }
    CopyPlaneLine(copy, static_cast<int>(across.stride));
  }
}

void PlaneConvolution::RunBand(const Job& job, int64_t image, int64_t begin, int64_t end,
                               float* strip) const {
  const ConvolutionShape::Axis& down = shape_.axes[0];
  const ConvolutionShape::Axis& across = shape_.axes[1];
  const float* const picture = job.input + image * shape_.in_channels * down.input * across.input;
  const Epilogue& epilogue = job.epilogue;
  PlaneTiles tiles;
  tiles.taps = taps_.data();
  tiles.tap_count = static_cast<int64_t>(taps_.size());
  tiles.pixels = across.output;
  tiles.weights = job.packed;
  tiles.columns = static_cast<size_t>(shape_.out_channels);
  tiles.bias = epilogue.bias;
  tiles.out_stride = job.out_stride;
  const bool bounded = BoundsOf(epilogue, tiles.low, tiles.high);
  int64_t copied = 0;
  for (int64_t line = begin; line < end; ++line) {
    // Just before they are read.
    for (const int64_t lines = StripLines(line - begin + 1); copied < lines; ++copied) {
      CopyLine(picture, begin * down.stride - down.pad + copied, strip + copied * line_floats_);
    }
    tiles.input = strip + (line - begin) * down.stride * line_floats_;
    const int64_t first_pixel = (image * down.output + line) * across.output;
    tiles.out = job.out + first_pixel * job.out_stride;
    MultiplyPlaneTiles(tiles);
    if (bounded) continue;
    FinishPixels(epilogue, job.out, job.out_stride, first_pixel, across.output,
                 shape_.out_channels);
  }
}

void PlaneConvolution::Run(const float* input, const float* packed, float* out, int64_t out_stride,
                           const Epilogue& epilogue, void* scratch, Parallel& parallel) const {
  const Job job{input, packed, out, out_stride, epilogue};
  const auto strip_floats = static_cast<int64_t>(ScratchBytes(1) / sizeof(float));
  parallel.For(shape_.batch * bands_, 1, [&](int64_t band, int64_t end, int worker) {
    for (; band < end; ++band) {
      const int64_t begin = band % bands_ * band_lines_;
      RunBand(job, band / bands_, begin, std::min(begin + band_lines_, shape_.axes[0].output),
              static_cast<float*>(scratch) + worker * strip_floats);
    }
  });
}

}  // namespace mullion::cpu
