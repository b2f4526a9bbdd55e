// SPDX-License-Identifier: MIT
#include "base/packed.h"

#include <gtest/gtest.h>

#include <vector>

namespace mullion {
namespace {

TEST(Packed, FirstElementIsInTheLowBits) {
  const uint8_t fours[] = {0x21, 0x03};
  EXPECT_EQ(PackedBits<4>(fours, 0), 1);
  EXPECT_EQ(PackedBits<4>(fours, 1), 2);
  EXPECT_EQ(PackedBits<4>(fours, 2), 3);
  const uint8_t twos[] = {0b11100100};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(PackedBits<2>(twos, i), i);
}

TEST(Packed, SettingLeavesTheNeighbours) {
  uint8_t byte = 0xff;
  SetPackedBits<2>(&byte, 1, 0);
  EXPECT_EQ(byte, 0xf3);
}

TEST(Packed, BackAndForthInEveryLength) {
  for (const ElementType type : {ElementType::kInt4, ElementType::kUint4, ElementType::kInt2,
                                 ElementType::kUint2, ElementType::kFloat4E2M1}) {
    for (int64_t count = 0; count < 12; ++count) {
      std::vector<uint8_t> packed(ByteSize(type, count));
      for (size_t i = 0; i < packed.size(); ++i) packed[i] = static_cast<uint8_t>(37 * i + 201);
      std::vector<uint8_t> bytes(static_cast<size_t>(count));
      UnpackElements(type, packed.data(), bytes.data(), count);
      std::vector<uint8_t> again(packed.size(), 0xaa);
      PackElements(type, bytes.data(), again.data(), count);
      std::vector<uint8_t> once_more(bytes.size());
      UnpackElements(type, again.data(), once_more.data(), count);
      EXPECT_EQ(once_more, bytes);
    }
  }
}

TEST(Packed, SignedElementsAreExtended) {
  const uint8_t fours = 0x7f;
  std::vector<int8_t> values(2);
  UnpackElements(ElementType::kInt4, &fours, values.data(), 2);
  EXPECT_EQ(values[0], -1);
  EXPECT_EQ(values[1], 7);
}

}  // namespace
}  // namespace mullion
