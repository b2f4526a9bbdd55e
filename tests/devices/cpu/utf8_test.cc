// SPDX-License-Identifier: MIT
#include "devices/cpu/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mullion::cpu {
namespace {

TEST(Utf8, TakesEveryCodeThereAndBack) {
  for (int32_t code = 0; code <= 0x10FFFF; ++code) {
    std::vector<char> bytes(4);
    const size_t count = EncodeUtf8(code, bytes.data());
    const Character character = FirstCharacter({bytes.data(), count});
    if (code >= 0xD800 && code < 0xE000) {
      EXPECT_LT(character.code, 0);
    } else {
      ASSERT_EQ(character.code, code);
      ASSERT_EQ(character.bytes, count);
    }
  }
}

TEST(Utf8, TellsWhatIsNone) {
  for (const std::string text :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x80\x80", "\xE2\x82",
        "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    const Character character = FirstCharacter(text);
    EXPECT_LT(character.code, 0);
    EXPECT_EQ(character.bytes, 1u);
  }
}

}  // namespace
}  // namespace mullion::cpu
