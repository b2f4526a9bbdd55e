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

TEST(ArenaLanes, BringsMiddlesTogether) {
  ArenaLanes lanes;
  const int a = lanes.Take(1000);  // of 16 lines
  const int b = lanes.Take(64);
  EXPECT_NE(a, b);
  lanes.Leave(a);
  EXPECT_EQ(lanes.Take(512), a);  // the one that is long enough
  lanes.Leave(a);
  lanes.Leave(b);
  EXPECT_EQ(lanes.Take(64), b);
  EXPECT_EQ(lanes.Take(2048), a);  // which grows
  EXPECT_EQ(lanes.Finish(), 2048u + 64u);
  EXPECT_EQ(lanes.OffsetOf(a, 2048), 0u);
  EXPECT_EQ(lanes.OffsetOf(a, 1000), 512u);
  EXPECT_EQ(lanes.OffsetOf(a, 512), 768u);
  EXPECT_EQ(lanes.OffsetOf(b, 64), 2048u);
}

TEST(ArenaLanes, LiveValuesNeverOverlap) {
  struct Value {
    int lane;
    size_t bytes;
    int begin;
    int end;
  };
  std::mt19937 random(8);
  ArenaLanes lanes;
  std::vector<Value> values;
  std::vector<size_t> live;
  for (int step = 0; step < 500; ++step) {
    if (live.empty() || (live.size() < 20 && random() % 2 == 0)) {
      const size_t bytes = random() % 5000;
      live.push_back(values.size());
      values.push_back({lanes.Take(bytes), bytes, step, 500});
    } else {
      const size_t index = random() % live.size();
      values[live[index]].end = step;
      lanes.Leave(values[live[index]].lane);
      live.erase(live.begin() + static_cast<std::ptrdiff_t>(index));
    }
  }
  const size_t size = lanes.Finish();
  for (const Value& a : values) {
    const size_t begin = lanes.OffsetOf(a.lane, a.bytes);
    EXPECT_EQ(begin % 64, 0u);
    EXPECT_LE(begin + a.bytes, size);
    for (const Value& b : values) {
      if (&a == &b || a.begin >= b.end || b.begin >= a.end) continue;
      const size_t other = lanes.OffsetOf(b.lane, b.bytes);
      EXPECT_TRUE(begin >= other + b.bytes || other >= begin + a.bytes);
    }
  }
}

TEST(ArenaLanes, GivesUpWhereThereAreTooMany) {
  ArenaLanes lanes;
  for (int i = 0; i < 100; ++i) lanes.Take(64);
  lanes.Leave(0);
  EXPECT_EQ(lanes.Take(64), 0);
  EXPECT_EQ(lanes.Take(64), ArenaLanes::kNoLane);
  EXPECT_EQ(lanes.Finish(), 0u);
}

}  // namespace
}  // namespace mullion
