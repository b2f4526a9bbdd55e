// SPDX-License-Identifier: MIT
#include "runtime/work_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace mullion {
namespace {

constexpr size_t kLarge = 1'000'000;

// Takes `bytes` bytes and gives them back.
const void* Address(WorkMemory& memory, size_t bytes) {
  EXPECT_TRUE(memory.Take(bytes));
  const void* const address = memory.get();
  memory.Return();
  return address;
}

TEST(WorkMemory, InTurnAllUseOneBlock) {
  WorkMemory one;
  WorkMemory two;
  const void* const address = Address(one, kLarge);
  EXPECT_EQ(one.get(), nullptr);
  EXPECT_EQ(Address(two, kLarge), address);
  EXPECT_EQ(Address(two, kLarge / 2), address);
  EXPECT_EQ(Address(one, kLarge), address);
  EXPECT_EQ(two.bytes(), kLarge);
}

TEST(WorkMemory, AtOneTimeEachHasItsOwnAndKeepsIt) {
  WorkMemory one;
  WorkMemory two;
  Address(one, kLarge);
  Address(two, kLarge);  // the same
  ASSERT_TRUE(one.Take(kLarge));
  ASSERT_TRUE(two.Take(kLarge));
  const std::set<const void*> blocks{one.get(), two.get()};
  EXPECT_EQ(blocks.size(), 2U);
  one.Return();
  two.Return();
  ASSERT_TRUE(one.Take(kLarge));
  ASSERT_TRUE(two.Take(kLarge));
  EXPECT_EQ((std::set<const void*>{one.get(), two.get()}), blocks);
}

TEST(WorkMemory, WhatIsMuchLargerIsLeftToOthers) {
  WorkMemory large;
  WorkMemory small;
  const void* const address = Address(large, 100 * kLarge);
  EXPECT_NE(Address(small, kLarge), address);
  EXPECT_EQ(small.bytes(), kLarge);
  ASSERT_TRUE(small.Take(kLarge));
  EXPECT_EQ(Address(large, kLarge), address);  // its own serves all sizes
}

TEST(WorkMemory, SmallMemoryIsKept) {
  WorkMemory memory;
  ASSERT_TRUE(memory.Take(0));
  EXPECT_NE(memory.get(), nullptr);
  ASSERT_TRUE(memory.Take(1000));
  memory.Return();
  EXPECT_NE(memory.get(), nullptr);
}

TEST(WorkMemory, GrowsWithRoomToSpareForAllThatShareIt) {
  WorkMemory one;
  WorkMemory two;
  Address(one, kLarge);
  Address(two, kLarge);
  Address(one, kLarge + 1);
  EXPECT_GE(one.bytes(), kLarge + kLarge / 4);
  EXPECT_EQ(two.bytes(), one.bytes());
  WorkMemory three;  // larger from the beginning: no second block
  Address(three, 2 * kLarge);
  EXPECT_EQ(one.bytes(), 2 * kLarge);
}

TEST(WorkMemory, SaysWhereThereIsNone) {
  WorkMemory memory;
  Address(memory, kLarge);
  EXPECT_FALSE(memory.Take(SIZE_MAX / 2));
  memory.Return();
  EXPECT_TRUE(memory.Take(kLarge));
}

// An evaluation takes a smaller block and then a larger one, or more, each time.
TEST(WorkMemory, TheSameAtOneTimeFindTheirsAgain) {
  WorkMemory first[3];
  WorkMemory second[3];
  constexpr size_t kBytes[] = {kLarge, kLarge + kLarge / 3, kLarge * 2};
  const auto run = [&](WorkMemory* memories) {
    std::vector<const void*> addresses;
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(memories[i].Take(kBytes[i]));
      addresses.push_back(memories[i].get());
    }
    for (int i = 0; i < 3; ++i) memories[i].Return();
    return addresses;
  };
  run(first);
  run(second);
  const std::vector<const void*> addresses = run(first);
  for (int round = 0; round < 5; ++round) {
    const std::vector<const void*> others = run(second);
    EXPECT_EQ(std::set<const void*>(others.begin(), others.end()),
              std::set<const void*>(addresses.begin(), addresses.end()));
    EXPECT_EQ(run(first), addresses);
  }
}

TEST(WorkMemory, OutlivesItsFirstOwner) {
  auto owner = std::make_unique<WorkMemory>();
  Address(*owner, kLarge);
  WorkMemory other;
  ASSERT_TRUE(other.Take(kLarge));
  owner = nullptr;
  static_cast<char*>(other.get())[kLarge - 1] = 1;
  other.Return();
  EXPECT_NE(Address(other, kLarge), nullptr);
}

TEST(WorkMemory, NobodyElseHasWhatIsTaken) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&wrong, t] {
      for (int owner = 0; owner < 20; ++owner) {
        WorkMemory memories[2];
        for (int round = 0; round < 20; ++round) {
          WorkMemory& memory = memories[round % 2];
          const auto count = static_cast<size_t>(20'000 + 3'000 * (t + round));
          if (!memory.Take(count * sizeof(int))) ++wrong;
          int* const values = static_cast<int*>(memory.get());
          std::fill_n(values, count, t);
          std::this_thread::yield();
          if (std::count(values, values + count, t) != static_cast<std::ptrdiff_t>(count)) ++wrong;
          memory.Return();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace mullion
