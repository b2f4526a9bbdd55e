// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/shuffled_convolution.h"

#include <algorithm>

#include "base/rounding.h"
#include "devices/cpu/kernels/convolution/finish_pixels.h"
#include "devices/cpu/kernels/convolution/shuffled_tile.h"

namespace mullion::cpu {

namespace {

// Multiply-adds of a chunk.
constexpr int64_t kLeastShuffledWork = 250'000;

int64_t WholeBlocks(int64_t columns) { return RoundUp(columns, ShuffledBlock(columns)); }

// Which channel of the groups is given out as this one.
int64_t ChannelOf(int64_t column, int64_t columns) {
  return column % kShuffledGroups * (columns / kShuffledGroups) + column / kShuffledGroups;
}

}  // namespace

size_t PackedShuffledFloats(const ConvolutionShape& shape) {
  return static_cast<size_t>(shape.in_channels / kShuffledGroups * WholeBlocks(shape.out_channels));
}

void PackShuffled(const float* weights, const ConvolutionShape& shape, float* packed) {
  const int64_t depth = shape.in_channels / kShuffledGroups;
  const int64_t columns = shape.out_channels;
  const int64_t block = ShuffledBlock(columns);
  std::fill_n(packed, PackedShuffledFloats(shape), 0.0f);
  for (int64_t column = 0; column < columns; ++column) {
    const int64_t first = column / block * block;
    float* const to = packed + first * depth + column - first;
    const float* const from = weights + ChannelOf(column, columns) * depth;
    for (int64_t k = 0; k < depth; ++k) to[k * block] = from[k];
  }
}

ShuffledConvolution::ShuffledConvolution(const ConvolutionShape& shape)
    : rows_(shape.OutputPixels()),
      depth_(shape.in_channels / kShuffledGroups),
      columns_(shape.out_channels) {}

// The bias, shuffled and padded.
size_t ShuffledConvolution::ScratchBytes(int /*threads*/) const {
  return static_cast<size_t>(WholeBlocks(columns_)) * sizeof(float);
}

void ShuffledConvolution::Run(const float* input, const float* packed, float* out,
                              int64_t out_stride, const Epilogue& epilogue, void* scratch,
                              Parallel& parallel) const {
  auto* const start = static_cast<float*>(scratch);
  std::fill_n(start, WholeBlocks(columns_), 0.0f);
  for (int64_t i = 0; i < columns_ && epilogue.bias != nullptr; ++i) {
    start[i] = epilogue.bias[ChannelOf(i, columns_)];
  }
  ShuffledProduct all;
  all.depth = depth_;
  all.right = packed;
  all.start = start;
  all.columns = columns_;
  all.block = ShuffledBlock(columns_);
  all.out_stride = out_stride;
  const bool bounded = BoundsOf(epilogue, all.low, all.high);
  const int64_t work = std::max<int64_t>(columns_ * depth_, 1);
  const int64_t chunk = RoundUp(DivideUp(kLeastShuffledWork, work), kShuffledTileRows);
  parallel.For(rows_, chunk, [&](int64_t begin, int64_t end, int /*worker*/) {
    ShuffledProduct some = all;
    some.rows = end - begin;
    some.left = input + begin * depth_ * kShuffledGroups;
    some.out = out + begin * out_stride;
    MultiplyShuffled(some);
    if (!bounded) FinishPixels(epilogue, out, out_stride, begin, end - begin, columns_);
  });
}

}  // namespace mullion::cpu
