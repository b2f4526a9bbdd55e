// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/simd/even_blocks.h"

#include <gtest/gtest.h>

namespace mullion::cpu {
namespace {

TEST(EvenRowBlocks, AreFewForOneThread) {
  const RowBlocks blocks = EvenRowBlocks(196, 90, 6, 1, 1);
  EXPECT_EQ(blocks.count, 3);
  EXPECT_EQ(blocks.rows, 66);
}

// Three tasks of equal size keep two threads busy for three quarters of the time.
TEST(EvenRowBlocks, AreMoreWhereThreadsWouldWait) {
  EXPECT_EQ(EvenRowBlocks(64, 96, 6, 3, 2).count, 2);
  const RowBlocks blocks = EvenRowBlocks(196, 90, 6, 1, 2);
  EXPECT_LE(RowsOfBusiest(196, blocks, 1, 2), 108);
}

TEST(EvenRowBlocks, CoverAllRows) {
  for (int64_t rows = 0; rows < 300; rows += 7) {
    for (const int64_t repeats : {1, 2, 5}) {
      for (const int threads : {1, 2, 3, 8, 64}) {
        const RowBlocks blocks = EvenRowBlocks(rows, 48, 6, repeats, threads);
        EXPECT_EQ(blocks.rows % 6, 0);
        EXPECT_LE(blocks.rows, 48);
        EXPECT_GE(blocks.count * blocks.rows, rows);
        EXPECT_LE((blocks.count - 1) * blocks.rows, rows);
      }
    }
  }
}

}  // namespace
}  // namespace mullion::cpu
