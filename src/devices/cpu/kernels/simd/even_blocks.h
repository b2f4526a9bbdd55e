// SPDX-License-Identifier: MIT
// Blocks of rows that keep all threads busy to the end.
#ifndef MULLION_DEVICES_CPU_KERNELS_SIMD_EVEN_BLOCKS_H_
#define MULLION_DEVICES_CPU_KERNELS_SIMD_EVEN_BLOCKS_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/rounding.h"

namespace mullion::cpu {

struct RowBlocks {
  int64_t rows = 0;   // of each but the last
  int64_t count = 0;  // at least 1
};

// Rows that the busiest thread gets when blocks, each `repeats` times, are claimed one by one.
inline int64_t RowsOfBusiest(int64_t rows, const RowBlocks& blocks, int64_t repeats, int threads) {
  std::array<int64_t, 8> done{};
  const auto end = done.begin() + std::min<int64_t>(threads, static_cast<int64_t>(done.size()));
  for (int64_t task = 0; task < blocks.count * repeats; ++task) {
    const bool last = task / repeats == blocks.count - 1;
    *std::min_element(done.begin(), end) +=
        last ? rows - (blocks.count - 1) * blocks.rows : blocks.rows;
  }
  return *std::max_element(done.begin(), end);
}

// Blocks of at most `most` rows, in whole tiles: as few as possible for one thread, and more of
// them where threads would have unequal shares else. Each block is `repeats` tasks.
inline RowBlocks EvenRowBlocks(int64_t rows, int64_t most, int64_t tile_rows, int64_t repeats,
                               int threads) {
  const auto cut = [&](int64_t count) {
    const int64_t height =
        std::max(DivideUp(DivideUp(rows, count), tile_rows) * tile_rows, tile_rows);
    return RowBlocks{height, std::max<int64_t>(DivideUp(rows, height), 1)};
  };
  const int64_t fewest = std::max<int64_t>(DivideUp(rows, std::max(most, tile_rows)), 1);
  RowBlocks best = cut(fewest);
  // So many tasks are even enough; blocks of one tile, but for the last, read the right operand too
  // often.
  const int64_t enough = 8 * threads;
  if (threads == 1 || best.count * repeats >= enough) return best;
  int64_t least = RowsOfBusiest(rows, best, repeats, threads);
  for (int64_t count = fewest + 1; (count - 1) * 2 * tile_rows < rows; ++count) {
    const RowBlocks blocks = cut(count);
    if (blocks.count * repeats >= 2 * enough) break;
    const int64_t busiest = RowsOfBusiest(rows, blocks, repeats, threads);
    // What a further block costs is paid by a twentieth.
    if (busiest * 20 > least * 19) continue;
    best = blocks;
    least = busiest;
  }
  return best;
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_SIMD_EVEN_BLOCKS_H_
