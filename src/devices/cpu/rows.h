// SPDX-License-Identifier: MIT
// Rows of elements as gathering and scattering move them: runs of bytes, or strings.
#ifndef MULLION_DEVICES_CPU_ROWS_H_
#define MULLION_DEVICES_CPU_ROWS_H_

#include <cstdint>
#include <cstring>
#include <string>

#include "base/element_type.h"
#include "devices/cpu/strided_copy.h"

namespace mullion::cpu {

// Elements that one chunk of parallel work should move, for rows of `bytes` bytes each: about
// 64 KiB, but for short rows no more than what takes some 5 us.
inline int64_t RowsPerChunk(int64_t bytes) {
  const int64_t rows = (64 << 10) / (bytes < 16 ? 16 : bytes);
  return rows < 1 ? 1 : rows;
}

// Copies `count` elements of `type` between places given in elements. Packed types must not be
// written from several threads.
inline void CopyRow(ElementType type, const void* from, int64_t from_index, void* to,
                    int64_t to_index, int64_t count) {
  if (type == ElementType::kString) {
    const auto* const source = static_cast<const std::string*>(from) + from_index;
    auto* const target = static_cast<std::string*>(to) + to_index;
    for (int64_t i = 0; i < count; ++i) target[i] = source[i];
    return;
  }
  const int bits = ElementBits(type);
  if (bits < 8) {
    CopyPacked(static_cast<const uint8_t*>(from), from_index, static_cast<uint8_t*>(to), to_index,
               count, bits);
    return;
  }
  const int64_t size = bits / 8;
  std::memcpy(static_cast<uint8_t*>(to) + to_index * size,
              static_cast<const uint8_t*>(from) + from_index * size,
              static_cast<size_t>(count * size));
}

// Calls `function(TypeTag<T>)` for an unsigned integer T of so many bits, and says whether there is
// one.
template <typename Function>
bool DispatchBits(int64_t bits, Function&& function) {
  switch (bits) {
    case 8:
      function(TypeTag<uint8_t>{});
      return true;
    case 16:
      function(TypeTag<uint16_t>{});
      return true;
    case 32:
      function(TypeTag<uint32_t>{});
      return true;
    case 64:
      function(TypeTag<uint64_t>{});
      return true;
    default:
      return false;
  }
}

// The same for an element's size: there is none for strings, packed and 16-byte types.
template <typename Function>
bool DispatchSize(ElementType type, Function&& function) {
  return DispatchBits(ElementBits(type), function);
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_ROWS_H_
