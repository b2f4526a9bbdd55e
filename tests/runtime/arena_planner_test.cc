// SPDX-License-Identifier: MIT
#include "runtime/arena_planner.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace mullion {
namespace {

TEST(ArenaPlanner, ReusesWhatWasFreed) {
  ArenaPlanner arena;
  const size_t a = arena.Allocate(1000);
  const size_t b = arena.Allocate(100);
  arena.Free(a, 1000);
  EXPECT_EQ(arena.Allocate(500), a);
  EXPECT_EQ(b % 64, 0u);
  EXPECT_EQ(arena.size(), 1024u + 128u);
}

TEST(ArenaPlanner, MergesNeighboursAndGrowsTheLastBlock) {
  ArenaPlanner arena;
  const size_t a = arena.Allocate(64);
  const size_t b = arena.Allocate(64);
  arena.Free(a, 64);
  arena.Free(b, 64);
  EXPECT_EQ(arena.Allocate(256), 0u);
  EXPECT_EQ(arena.size(), 256u);
}

TEST(ArenaPlanner, LiveBlocksNeverOverlap) {
  struct Block {
    size_t offset;
    size_t bytes;
  };
  std::mt19937 random(7);
  ArenaPlanner arena;
  std::vector<Block> live;
  for (int step = 0; step < 2000; ++step) {
    if (live.empty() || random() % 2 == 0) {
      const size_t bytes = random() % 5000;
      const size_t offset = arena.Allocate(bytes);
      for (const Block& other : live) {
        EXPECT_TRUE(offset >= other.offset + other.bytes || other.offset >= offset + bytes);
      }
      EXPECT_LE(offset + bytes, arena.size());
      live.push_back({offset, bytes});
    } else {
      const size_t index = random() % live.size();
      arena.Free(live[index].offset, live[index].bytes);
      live.erase(live.begin() + static_cast<std::ptrdiff_t>(index));
    }
  }
}

}  // namespace
}  // namespace mullion
