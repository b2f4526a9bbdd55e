// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/folded_stride.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "base/memory.h"
#include "base/rounding.h"
#include "base/tensor.h"

namespace mullion::cpu {

namespace {

constexpr int64_t kMostFolded = 4;        // pixels along an axis
constexpr int64_t kMostFoldedPlanes = 4;  // that are read as such
constexpr int64_t kFewestFoldedTaps = 3;
// Operations of the transforms for each of a tile's points, a vector of inputs and of outputs.
constexpr int64_t kInputCost = 10;
constexpr int64_t kOutputCost = 7;
// Floats that are copied at once, a few more than are wanted.
constexpr int64_t kPair = 2;
constexpr int64_t kShortRun = 8;
constexpr int64_t kLongRun = 16;
constexpr int64_t kLinesAtOnce = 8;

// Where the kernel begins within the first pixel that it reads, of those that are folded.
int64_t FirstTap(const ConvolutionShape::Axis& axis) {
  const int64_t past = axis.pad % axis.stride;
  return past > 0 ? axis.stride - past : -past;
}

bool ReadsFoldedPlanes(const ConvolutionShape& shape) {
  return shape.planes && shape.in_channels <= kMostFoldedPlanes;
}

// Output o reads from pixel o * stride - pad on, the folded one o - pads.
ConvolutionShape::Axis FoldAxis(const ConvolutionShape::Axis& axis) {
  ConvolutionShape::Axis folded;
  const int64_t first = FirstTap(axis);
  folded.input = DivideUp(std::max<int64_t>(axis.input, 0), axis.stride);
  folded.output = axis.output;
  folded.kernel = (first + axis.kernel - 1) / axis.stride + 1;
  folded.pad = (axis.pad + first) / axis.stride;
  return folded;
}

// The convolution of stride 1.
ConvolutionShape Fold(const ConvolutionShape& shape) {
  ConvolutionShape folded = shape;
  for (size_t i = 0; i < 2; ++i) {
    folded.axes[i] = FoldAxis(shape.axes[i]);
    folded.in_channels *= shape.axes[i].stride;
  }
  return folded;
}

// `count` pixels of a run of each line, of which kFloats are copied: more than there are. Lines are
// short, so what is read `ahead` of them is fetched: the next lines.
template <int64_t kFloats>
void CopyPixels(std::span<const float* const> lines, int64_t count, int64_t run, int64_t ahead,
                float* to) {
  for (int64_t at = 0; at < count * run; at += run) {
    for (const float* const line : lines) {
      std::memcpy(to, line + at, static_cast<size_t>(kFloats) * sizeof(float));
      __builtin_prefetch(line + at + ahead, 0, 3);
      to += run;
    }
  }
}

}  // namespace

bool UsesFoldedStride(const ConvolutionShape& shape) {
  if (shape.spatial_rank != 2 || shape.groups != 1 || !shape.fixed_pads) return false;
  for (size_t i = 0; i < 2; ++i) {
    const ConvolutionShape::Axis& axis = shape.axes[i];
    if (axis.stride < 2 || axis.stride > kMostFolded || axis.dilation != 1) return false;
    if (axis.stride != shape.axes[0].stride || axis.kernel < 1) return false;
  }
  const ConvolutionShape folded = Fold(shape);
  if (folded.axes[0].kernel < kFewestFoldedTaps || !UsesWinograd(folded) ||
      IsThinWinograd(folded)) {
    return false;
  }
  const WinogradForm form = WinogradFormOf(folded);
  const ColumnBlocks columns = ColumnBlocks::Of(shape.out_channels);
  const int64_t products = form.points() * folded.in_channels * columns.vectors();
  const int64_t transforms =
      form.points() *
      (kInputCost * DivideUp(folded.in_channels, columns.lanes) + kOutputCost * columns.vectors());
  const int64_t direct =
      shape.Taps() * form.tile * form.tile * shape.in_channels * columns.vectors();
  return (products + transforms) * 4 < direct * 3;
}

size_t PackedFoldedStrideFloats(const ConvolutionShape& shape) {
  return PackedWinogradFloats(Fold(shape));
}

void PackFoldedStride(const float* weights, const ConvolutionShape& shape, float* packed) {
  const ConvolutionShape folded = Fold(shape);
  const ConvolutionShape::Axis& down = shape.axes[0];
  const ConvolutionShape::Axis& across = shape.axes[1];
  const int64_t taps = folded.Taps();
  std::vector<float> moved(static_cast<size_t>(folded.out_channels * folded.in_channels * taps));
  for (int64_t row = 0; row < shape.out_channels * shape.in_channels; ++row) {
    const int64_t channel = row % shape.in_channels;
    float* const kernel = moved.data() + row / shape.in_channels * folded.in_channels * taps;
    for (int64_t i = 0; i < down.kernel; ++i) {
      const int64_t y = FirstTap(down) + i;
      for (int64_t j = 0; j < across.kernel; ++j) {
        const int64_t x = FirstTap(across) + j;
        const int64_t line = y % down.stride;
        const int64_t pixel = x % across.stride;
        const int64_t tap = y / down.stride * folded.axes[1].kernel + x / across.stride;
        // As FoldLine brings them together.
        const int64_t to = ReadsFoldedPlanes(shape)
                               ? (line * shape.in_channels + channel) * across.stride + pixel
                               : (line * across.stride + pixel) * shape.in_channels + channel;
        kernel[to * taps + tap] = *weights++;
      }
    }
  }
  PackWinograd(moved.data(), folded, packed);
}

FoldedStride::FoldedStride(const ConvolutionShape& shape)
    : shape_(shape), folded_(Fold(shape)), winograd_(folded_) {
  const ConvolutionShape::Axis& down = shape_.axes[0];
  if (down.input % down.stride == 0) return;
  zeros_.resize(static_cast<size_t>(shape_.axes[1].input * shape_.in_channels));
}

size_t FoldedStride::ImageBytes() const {
  const int64_t floats =
      folded_.batch * folded_.axes[0].input * folded_.axes[1].input * folded_.in_channels;
  return static_cast<size_t>(RoundUp(floats * int64_t{sizeof(float)}, kMemoryAlignment));
}

size_t FoldedStride::ScratchBytes(int threads) const {
  return ImageBytes() + winograd_.ScratchBytes(threads);
}

bool FoldedStride::ReadsPlanes() const { return ReadsFoldedPlanes(shape_); }

// One line of pixels, each of runs of a few lines of the image, or of the same lines of its planes.
void FoldedStride::FoldLine(const float* image, int64_t line, float* to) const {
  const ConvolutionShape::Axis& down = shape_.axes[0];
  const ConvolutionShape::Axis& across = shape_.axes[1];
  const int64_t planes = ReadsPlanes() ? shape_.in_channels : 1;
  const int64_t channels = shape_.in_channels / planes;
  const int64_t length = across.input * channels;
  const int64_t run = across.stride * channels;
  std::array<const float*, kMostFolded * kMostFoldedPlanes> pointers;
  for (int64_t i = 0; i < down.stride * planes; ++i) {
    const int64_t y = line * down.stride + i / planes;
    pointers[static_cast<size_t>(i)] =
        y < down.input ? image + (i % planes * down.input + y) * length : zeros_.data();
  }
  const std::span<const float* const> lines(pointers.data(),
                                            static_cast<size_t>(down.stride * planes));
  // What is copied too much is written over by the next run, and is there to be read.
  int64_t quick = 0;
  if (run <= kLongRun) {
    const int64_t floats = run <= kPair ? kPair : run <= kShortRun ? kShortRun : kLongRun;
    quick = std::max<int64_t>((length - floats) / run, 0);
    const auto copy = run <= kPair       ? CopyPixels<kPair>
                      : run <= kShortRun ? CopyPixels<kShortRun>
                                         : CopyPixels<kLongRun>;
    copy(lines, quick, run, down.stride * length, to);
    to += quick * run * std::ssize(lines);
  }
  for (int64_t at = quick * run; at < length; at += run) {
    const int64_t count = std::min(run, length - at);
    for (const float* const from : lines) {
      std::copy_n(from + at, count, to);
      std::fill(to + count, to + run, 0.0f);
      to += run;
    }
  }
}

void FoldedStride::Run(const float* input, const float* packed, float* out, int64_t out_stride,
                       const Epilogue& epilogue, void* scratch, Parallel& parallel) const {
  auto* const image = static_cast<float*>(scratch);
  const int64_t lines = folded_.axes[0].input;
  const int64_t line_floats = folded_.axes[1].input * folded_.in_channels;
  const int64_t image_floats = shape_.axes[0].input * shape_.axes[1].input * shape_.in_channels;
  parallel.For(folded_.batch * lines, kLinesAtOnce, [&](int64_t line, int64_t end, int) {
    for (; line < end; ++line) {
      FoldLine(input + line / lines * image_floats, line % lines, image + line * line_floats);
    }
  });
  winograd_.Run(image, packed, out, out_stride, epilogue,
                static_cast<char*>(scratch) + ImageBytes(), parallel);
}

}  // namespace mullion::cpu
