// SPDX-License-Identifier: MIT
#include "base/packed.h"

namespace mullion {

namespace {

template <int kBits, bool kSigned>
void Unpack(const uint8_t* packed, uint8_t* bytes, int64_t count) {
  constexpr int64_t kPerByte = 8 / kBits;
  const auto value = [](uint8_t bits) {
    if constexpr (kSigned) return static_cast<uint8_t>(SignExtended<kBits>(bits));
    return static_cast<uint8_t>(bits & ((1 << kBits) - 1));
  };
  int64_t i = 0;
  for (; i + kPerByte <= count; i += kPerByte) {
    const uint8_t byte = packed[i / kPerByte];
    for (int k = 0; k < kPerByte; ++k) {
      bytes[i + k] = value(static_cast<uint8_t>(byte >> (k * kBits)));
    }
  }
  for (; i < count; ++i) bytes[i] = value(PackedBits<kBits>(packed, i));
}

template <int kBits>
void Pack(const uint8_t* bytes, uint8_t* packed, int64_t count) {
  constexpr int64_t kPerByte = 8 / kBits;
  constexpr int kMask = (1 << kBits) - 1;
  const auto joined = [bytes](int64_t i, int64_t n) {
    int byte = 0;
    for (int64_t k = 0; k < n; ++k) byte |= (bytes[i + k] & kMask) << (k * kBits);
    return static_cast<uint8_t>(byte);
  };
  int64_t i = 0;
  for (; i + kPerByte <= count; i += kPerByte) packed[i / kPerByte] = joined(i, kPerByte);
  if (i < count) packed[i / kPerByte] = joined(i, count - i);
}

}  // namespace

void UnpackElements(ElementType type, const void* packed, void* bytes, int64_t count) {
  const auto* const from = static_cast<const uint8_t*>(packed);
  auto* const to = static_cast<uint8_t*>(bytes);
  if (type == ElementType::kInt4) return Unpack<4, true>(from, to, count);
  if (type == ElementType::kInt2) return Unpack<2, true>(from, to, count);
  if (type == ElementType::kUint2) return Unpack<2, false>(from, to, count);
  Unpack<4, false>(from, to, count);
}

void PackElements(ElementType type, const void* bytes, void* packed, int64_t count) {
  const auto* const from = static_cast<const uint8_t*>(bytes);
  auto* const to = static_cast<uint8_t*>(packed);
  if (ElementBits(type) == 2) return Pack<2>(from, to, count);
  Pack<4>(from, to, count);
}

}  // namespace mullion
