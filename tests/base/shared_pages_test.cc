// SPDX-License-Identifier: MIT
#include "base/shared_pages.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "base/memory.h"

namespace mullion {
namespace {

bool Share(const void* a, const void* b) {
  const auto distance = static_cast<const char*>(a) - static_cast<const char*>(b);
  return static_cast<size_t>(distance < 0 ? -distance : distance) < kSharedPage;
}

TEST(SharedPages, PutsBlocksSideBySide) {
  SharedPages pages;
  constexpr size_t kBytes = 600 << 10;
  void* const a = pages.Take(kBytes);
  void* const b = pages.Take(kBytes);
  void* const c = pages.Take(kBytes);
  EXPECT_TRUE(Share(a, b));
  EXPECT_TRUE(Share(a, c));
  void* const d = pages.Take(kBytes);  // no room for a fourth
  EXPECT_NE(d, nullptr);
  pages.GiveBack(b, kBytes);
  EXPECT_EQ(pages.Take(kBytes), b);  // the room serves again
  for (void* const block : {a, b, c, d}) pages.GiveBack(block, kBytes);
}

TEST(SharedPages, TheEndOfALargeBlockIsSharedAndOutlivesIt) {
  SharedPages pages;
  constexpr size_t kLarge = 2 * kSharedPage + 100;
  constexpr size_t kSmall = kSharedPage - (64 << 10);
  auto* const large = static_cast<char*>(pages.Take(kLarge));
  auto* const small = static_cast<char*>(pages.Take(kSmall));
  EXPECT_TRUE(Share(large + 2 * kSharedPage, small));
  std::memset(large, 1, kLarge);
  std::memset(small, 2, kSmall);
  EXPECT_EQ(large[kLarge - 1], 1);
  pages.GiveBack(large, kLarge);
  EXPECT_EQ(small[0], 2);
  EXPECT_EQ(small[kSmall - 1], 2);
  pages.GiveBack(small, kSmall);
}

TEST(SharedPages, WholePagesAndTooMuch) {
  SharedPages pages;
  void* const whole = pages.Take(kSharedPage);
  std::memset(whole, 1, kSharedPage);
  pages.GiveBack(whole, kSharedPage);
  EXPECT_EQ(pages.Take(SIZE_MAX), nullptr);
  EXPECT_EQ(AllocateAligned(SIZE_MAX / 4), nullptr);
}

// Blocks of all places, written by some threads at once: none is another's.
TEST(SharedPages, BlocksDoNotOverlap) {
  const auto work = [](uint32_t seed) {
    std::vector<std::pair<char*, size_t>> blocks;
    const auto check_and_free = [&](size_t i) {
      const auto [memory, bytes] = blocks[i];
      const char value = static_cast<char>(seed % 100);
      EXPECT_EQ(memory[0], value);
      EXPECT_EQ(memory[bytes - 1], value);
      FreeAligned(memory);
      blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(i));
    };
    uint32_t random = seed;
    for (int i = 0; i < 300; ++i) {
      random = random * 1664525 + 1013904223;
      const size_t bytes = (random >> 8) % (size_t{3} << 20) + 1;
      auto* const memory = static_cast<char*>(AllocateAligned(bytes));
      ASSERT_NE(memory, nullptr);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0u);
      std::memset(memory, static_cast<int>(seed % 100), bytes);
      blocks.emplace_back(memory, bytes);
      if (blocks.size() > 5) check_and_free(random % blocks.size());
    }
    while (!blocks.empty()) check_and_free(0);
  };
  std::vector<std::thread> threads;
  for (uint32_t seed = 1; seed <= 4; ++seed) threads.emplace_back(work, seed);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace mullion
