// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/thin_winograd.h"

#include <algorithm>
#include <array>

#include "base/rounding.h"
#include "devices/cpu/kernels/convolution/finish_pixels.h"

namespace mullion::cpu {

namespace {

// Tiles whose points are made at a time: at most 16 KiB, beside the weights of a block of columns.
constexpr int64_t kThinTilesAtOnce = 16;
// More than a vector may be written behind a line, and four windows of four pixels read.
constexpr int64_t kThinLineEnd = 32;

}  // namespace

struct ThinWinograd::Job {
  const float* input;
  const float* packed;
  float* out;
  int64_t out_stride;
  const Epilogue& epilogue;
};

ThinWinograd::ThinWinograd(const ConvolutionShape& shape)
    : channels_(shape.in_channels),
      batch_(shape.batch),
      blocks_(ColumnBlocks::Of(shape.out_channels)),
      down_(shape.axes[0], kThinTile),
      across_(shape.axes[1], kThinTile) {
  const int64_t pixels = RoundUp(across_.tiles, kThinChannels) * kThinTile + across_.window;
  line_floats_ = RoundUp(pixels * channels_ + kThinLineEnd, 16);
  const int64_t length = across_.input * channels_;
  const int64_t pad = across_.pad * channels_;
  const int64_t end = pixels * channels_;
  to_ = std::clamp<int64_t>(pad, 0, end);
  count_ = std::clamp<int64_t>(pad + length, to_, end) - to_;
  from_ = to_ - pad;
  zeros_.resize(static_cast<size_t>(count_));
}

int64_t ThinWinograd::WorkerFloats() const {
  return down_.window * line_floats_ +
         kThinTilesAtOnce * down_.window * down_.window * kThinChannels;
}

size_t ThinWinograd::ScratchBytes(int threads) const {
  return static_cast<size_t>(threads * WorkerFloats()) * sizeof(float);
}

// The lines of the image from `first` on that a line of tiles reads, transformed along columns.
void ThinWinograd::MakeLines(const float* image, int64_t first, float* lines) const {
  std::array<const float*, kWinogradLinePoints> from;
  for (int64_t i = 0; i < down_.window; ++i) {
    const int64_t y = first + i;
    const bool inside = y >= 0 && y < down_.input;
    from[static_cast<size_t>(i)] =
        inside ? image + y * across_.input * channels_ + from_ : zeros_.data();
  }
  TransformThinLines(from.data(), static_cast<int>(down_.window), count_, lines + to_,
                     line_floats_);
  for (int64_t i = 0; i < down_.window; ++i, lines += line_floats_) {
    std::fill_n(lines, to_, 0.0f);
    std::fill(lines + to_ + count_, lines + line_floats_, 0.0f);
  }
}

void ThinWinograd::RunLine(const Job& job, int64_t line, float* scratch) const {
  const int64_t image = line / down_.tiles;
  const int64_t top = line % down_.tiles * kThinTile;
  float* const lines = scratch;
  MakeLines(job.input + image * down_.input * across_.input * channels_, down_.FirstInput(top),
            lines);
  const Epilogue& epilogue = job.epilogue;
  ThinTiles tiles;
  tiles.window = static_cast<int>(down_.window);
  tiles.channels = channels_;
  tiles.line_stride = line_floats_;
  tiles.points = scratch + down_.window * line_floats_;
  const bool bounded = BoundsOf(epilogue, tiles.low, tiles.high);
  tiles.out_stride = job.out_stride;
  tiles.line_pixels = across_.output;
  tiles.out_lines = down_.Outputs(top);
  const int64_t first_pixel = (image * down_.output + top) * across_.output;
  for (int64_t tile = 0; tile < across_.tiles; tile += kThinTilesAtOnce) {
    const int64_t left = tile * kThinTile;
    tiles.count = std::min(kThinTilesAtOnce, across_.tiles - tile);
    tiles.lines = lines + left * channels_;
    tiles.out_pixels = across_.output - left;
    TransformThinTiles(tiles);
    for (int64_t block = 0; block < blocks_.count(); ++block) {
      const int64_t column = blocks_.FirstColumn(block);
      tiles.weights = job.packed + column * channels_ * tiles.Points();
      tiles.vectors = blocks_.Vectors(block);
      tiles.columns = blocks_.Columns(block);
      tiles.bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + column;
      tiles.out = job.out + (first_pixel + left) * job.out_stride + column;
      MultiplyThinTiles(tiles);
    }
  }
  if (bounded) return;
  FinishPixels(epilogue, job.out, job.out_stride, first_pixel, tiles.out_lines * across_.output,
               blocks_.columns);
}

void ThinWinograd::Run(const float* input, const float* packed, float* out, int64_t out_stride,
                       const Epilogue& epilogue, void* scratch, Parallel& parallel) const {
  const Job job{input, packed, out, out_stride, epilogue};
  const int64_t floats = WorkerFloats();
  parallel.For(batch_ * down_.tiles, 1, [&](int64_t line, int64_t end, int worker) {
    for (; line < end; ++line) {
      RunLine(job, line, static_cast<float*>(scratch) + worker * floats);
    }
  });
}

}  // namespace mullion::cpu
