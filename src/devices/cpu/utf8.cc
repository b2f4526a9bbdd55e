// SPDX-License-Identifier: MIT
#include "devices/cpu/utf8.h"

namespace mullion::cpu {

Character FirstCharacter(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<int32_t>(static_cast<uint8_t>(text[i])); };
  const int32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const Character none = {-1, 1};
  // The number of leading ones is the number of bytes.
  const size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < bytes) return none;
  int32_t code = first & (0x7F >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return none;
    code = code << 6 | (byte(i) & 0x3F);
  }
  const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  if (overlong || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return none;
  return {code, bytes};
}

size_t EncodeUtf8(int32_t code, char* to) {
  if (code < 0x80) {
    to[0] = static_cast<char>(code);
    return 1;
  }
  const size_t bytes = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = bytes - 1; i > 0; --i, code >>= 6)
    to[i] = static_cast<char>(0x80 | (code & 0x3F));
  to[0] = static_cast<char>((0xF00 >> bytes & 0xFF) | code);
  return bytes;
}

}  // namespace mullion::cpu
