// SPDX-License-Identifier: MIT
// Characters of UTF-8 text. Bytes that are none are characters of their own, which survive.
#ifndef MULLION_DEVICES_CPU_UTF8_H_
#define MULLION_DEVICES_CPU_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mullion::cpu {

struct Character {
  int32_t code;  // negative for a byte that is no UTF-8
  size_t bytes;
};

// The first character of a text that is not empty. Overlong forms, surrogates and codes beyond
// U+10FFFF are no characters.
Character FirstCharacter(std::string_view text);

// Writes a character of UTF-8, at most 4 bytes, and returns how many.
size_t EncodeUtf8(int32_t code, char* to);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_UTF8_H_
