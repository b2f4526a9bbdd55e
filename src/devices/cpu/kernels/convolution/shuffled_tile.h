// SPDX-License-Identifier: MIT
// 1×1 convolutions in four groups whose outputs take turns: channel g * n + j of n in a group is
// written as channel 4 * j + g, as a channel shuffle wants it.
//
// In that order a vector of columns has all groups side by side, and so has the vector of values
// that it meets: one of each group, again and again. Groups of few columns leave no lanes idle, and
// the shuffle costs nothing.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_SHUFFLED_TILE_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_SHUFFLED_TILE_H_

#include <cstdint>

namespace mullion::cpu {

inline constexpr int64_t kShuffledGroups = 4;
inline constexpr int64_t kShuffledTileRows = 3;

// Columns of a block, the last of which is padded; 0 where there are no tiles with little padding.
// Hangs on the columns and the instruction level in use alone.
int64_t ShuffledBlock(int64_t columns);

struct ShuffledProduct {
  int64_t rows = 0;
  const float* left = nullptr;   // [row][group][depth]
  int64_t depth = 0;             // of a group
  const float* right = nullptr;  // [block][depth][column], columns as they are given out
  const float* start = nullptr;  // what sums of each block's columns begin with
  int64_t columns = 0;
  int64_t block = 0;  // ShuffledBlock(columns)
  float low = 0;
  float high = 0;
  float* out = nullptr;
  int64_t out_stride = 0;
};

// Every output is one chain of multiply-adds in the order of the depth, as MultiplyMatrix's.
void MultiplyShuffled(const ShuffledProduct& product);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_SHUFFLED_TILE_H_
