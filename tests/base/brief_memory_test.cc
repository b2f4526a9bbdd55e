// SPDX-License-Identifier: MIT
#include "base/brief_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "base/memory.h"

namespace mullion {
namespace {

TEST(BriefMemory, IsUsedAgainWhileKept) {
  const BriefMemory::Keeping keeping(10000);
  std::optional<BriefMemory> first(std::in_place, 100);
  std::optional<BriefMemory> second(std::in_place, 100);
  const void* const place = first->get();
  EXPECT_NE(second->get(), place);
  EXPECT_GE(first->bytes(), 10000u);
  first.reset();
  const BriefMemory again(9000);
  EXPECT_EQ(again.get(), place);
  EXPECT_GE(again.bytes(), 10000u);
}

TEST(BriefMemory, LargerOnesComeInThePlaceOfSmaller) {
  const BriefMemory::Keeping keeping(1000);
  { const BriefMemory small(1000); }
  const BriefMemory large(100000);
  EXPECT_GE(large.bytes(), 100000u);
  std::memset(large.get(), 1, large.bytes());
}

TEST(BriefMemory, IsExactWhereNobodyKeepsIt) {
  const BriefMemory memory(100);
  EXPECT_EQ(memory.bytes(), 100u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.get()) % 64, 0u);
  const BriefMemory none(0);
  EXPECT_NE(none.get(), nullptr);
}

// Around whole and nearly whole huge pages.
TEST(AlignedMemory, AllOfItCanBeWritten) {
  std::vector<AlignedBuffer> blocks;
  for (const size_t half : {1, 2, 3, 4, 5, 7, 8}) {
    for (const int around : {-4096, -129, -128, -1, 0, 1, 4096}) {
      const size_t bytes = (half << 20) + static_cast<size_t>(around);
      blocks.emplace_back(AllocateAligned(bytes));
      ASSERT_NE(blocks.back(), nullptr);
      auto* const memory = static_cast<char*>(blocks.back().get());
      std::memset(memory, 0x5a, bytes);
      EXPECT_EQ(memory[bytes - 1], 0x5a);
    }
    blocks.erase(blocks.begin(), blocks.begin() + static_cast<ptrdiff_t>(blocks.size() / 2));
  }
}

}  // namespace
}  // namespace mullion
