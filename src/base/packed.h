// SPDX-License-Identifier: MIT
// Elements of 4 and 2 bits, packed into bytes with the first element in the low bits.
#ifndef MULLION_BASE_PACKED_H_
#define MULLION_BASE_PACKED_H_

#include <cstdint>

#include "base/element_type.h"

namespace mullion {

// The bits of element `i`. kBits is 4 or 2.
template <int kBits>
uint8_t PackedBits(const uint8_t* data, int64_t i) {
  constexpr int kPerByte = 8 / kBits;
  const int shift = static_cast<int>(i % kPerByte) * kBits;
  return static_cast<uint8_t>((data[i / kPerByte] >> shift) & ((1 << kBits) - 1));
}

// Sets element `i`; its neighbours in the byte stay.
template <int kBits>
void SetPackedBits(uint8_t* data, int64_t i, uint8_t bits) {
  constexpr int kPerByte = 8 / kBits;
  constexpr int kMask = (1 << kBits) - 1;
  const int shift = static_cast<int>(i % kPerByte) * kBits;
  uint8_t& byte = data[i / kPerByte];
  byte = static_cast<uint8_t>((byte & ~(kMask << shift)) | ((bits & kMask) << shift));
}

// The low kBits of `bits` as a number in two's complement.
template <int kBits>
int SignExtended(uint8_t bits) {
  constexpr int kSign = 1 << (kBits - 1);
  return ((bits & ((1 << kBits) - 1)) ^ kSign) - kSign;
}

// Spreads `count` packed elements from the start of a byte over a byte each, and back. Integers
// are sign-extended when `type` is signed. Packing clears what is left of the last byte.
void UnpackElements(ElementType type, const void* packed, void* bytes, int64_t count);
void PackElements(ElementType type, const void* bytes, void* packed, int64_t count);

}  // namespace mullion

#endif  // MULLION_BASE_PACKED_H_
