// SPDX-License-Identifier: MIT
// Numbers by which texts are looked up or told apart, and their comparison, without a call: most
// texts are short.
#ifndef MULLION_DEVICES_CPU_TEXT_KEY_H_
#define MULLION_DEVICES_CPU_TEXT_KEY_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace mullion::cpu {

namespace text {

template <typename T>
T Read(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

// Calls use(at) for places in a text of 8 bytes or more from which 8 bytes each cover all of it,
// until it says no.
template <typename Use>
bool ForEightBytes(size_t size, Use use) {
  for (size_t at = 0; at + 8 < size; at += 8) {
    if (!use(at)) return false;
  }
  return use(size - 8);
}

}  // namespace text

// Texts shorter than 4 bytes are their own keys: those bytes, once or twice each or the 0 behind
// them, and how many. The keys of longer ones may be equal, but not to those.
inline uint64_t TextKey(const std::string& word) {
  constexpr uint64_t kLong = uint64_t{1} << 63;
  constexpr uint64_t kFactor = 0x9e3779b97f4a7c15u;
  const size_t size = word.size();
  const char* const from = word.c_str();
  if (size < 4) {
    const auto at = [from](size_t i) { return uint64_t{text::Read<uint8_t>(from + i)}; };
    return size | at(0) << 8 | at(size / 2) << 16 | at((size + 1) / 2) << 24;
  }
  if (size < 8) {
    return (text::Read<uint32_t>(from) * kFactor + text::Read<uint32_t>(from + size - 4)) | kLong;
  }
  uint64_t key = size;
  text::ForEightBytes(size, [&](size_t at) {
    key = (key ^ text::Read<uint64_t>(from + at)) * kFactor;
    key ^= key >> 32;
    return true;
  });
  return key | kLong;
}

// Whether two texts with the same key are equal.
inline bool SameTexts(const std::string& a, const std::string& b) {
  const size_t size = a.size();
  if (size < 4) return true;
  if (b.size() != size) return false;
  const char* const x = a.c_str();
  const char* const y = b.c_str();
  if (size < 8) {
    return text::Read<uint32_t>(x) == text::Read<uint32_t>(y) &&
           text::Read<uint32_t>(x + size - 4) == text::Read<uint32_t>(y + size - 4);
  }
  return text::ForEightBytes(size, [&](size_t at) {
    return text::Read<uint64_t>(x + at) == text::Read<uint64_t>(y + at);
  });
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_TEXT_KEY_H_
