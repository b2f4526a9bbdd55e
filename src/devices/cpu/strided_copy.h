// SPDX-License-Identifier: MIT
// Copies a box of elements from one strided layout to another.
//
// Transpose, Slice, Expand, Tile, Split, Concat, Pad and DepthToSpace all come down to this. Goals:
// memory bandwidth for every order of axes, nothing on the heap, and planning that costs well under
// a microsecond, so that kernels plan inside Run from the shapes they find.
#ifndef MULLION_DEVICES_CPU_STRIDED_COPY_H_
#define MULLION_DEVICES_CPU_STRIDED_COPY_H_

#include <array>
#include <cstdint>
#include <cstring>

#include "base/element_type.h"
#include "base/parallel.h"
#include "base/shape.h"
#include "base/tensor.h"

namespace mullion::cpu {

class StridedCopy {
 public:
  // Tile has two axes for each axis of its input.
  static constexpr int kMaxAxes = 2 * kMaxRank;

  explicit StridedCopy(ElementType type);

  // Adds an axis inside those added before: axes are named in the order of the destination,
  // outermost first. Strides are in elements; a source stride of 0 repeats, negative ones reverse.
  void AddAxis(int64_t extent, int64_t from_stride, int64_t to_stride);

  // Copies. Offsets are in elements, those of index 0 on every axis. The ranges of source and
  // destination must not overlap.
  void Run(const void* from, int64_t from_offset, void* to, int64_t to_offset,
           Parallel& parallel) const;

  // In bytes, except for packed types of less than a byte: in elements.
  struct Axis {
    int64_t extent = 1;
    int64_t from = 0;
    int64_t to = 0;
  };

 private:
  int64_t unit() const;

  ElementType type_;
  bool empty_ = false;
  int rank_ = 0;
  std::array<Axis, kMaxAxes> axes_;
};

// Copies all elements of a tensor to one of the same type and count; nothing when both are the same
// memory.
void CopyTensor(const TensorView& from, const MutableTensorView& to, Parallel& parallel);

// Element `index` of packed memory of 4- or 2-bit elements, in the low bits.
inline uint8_t GetPacked(const uint8_t* data, int64_t index, int bits) {
  const int64_t bit = index * bits;
  return static_cast<uint8_t>((data[bit >> 3] >> (bit & 7)) & ((1 << bits) - 1));
}
inline void SetPacked(uint8_t* data, int64_t index, int bits, uint8_t value) {
  const int64_t bit = index * bits;
  const int shift = static_cast<int>(bit & 7);
  const int mask = ((1 << bits) - 1) << shift;
  data[bit >> 3] = static_cast<uint8_t>((data[bit >> 3] & ~mask) | (value << shift));
}

// Copies `count` packed elements between places given in elements, most of them eight bytes at a
// time.
void CopyPacked(const uint8_t* from, int64_t from_index, uint8_t* to, int64_t to_index,
                int64_t count, int bits);

// Copies fewer than 64 bytes without a call, by two moves that may overlap in the middle.
template <size_t kHalf>
inline void CopyInTwo(const uint8_t* from, uint8_t* to, size_t bytes) {
  uint8_t head[kHalf];
  uint8_t tail[kHalf];
  std::memcpy(head, from, kHalf);
  std::memcpy(tail, from + bytes - kHalf, kHalf);
  std::memcpy(to, head, kHalf);
  std::memcpy(to + bytes - kHalf, tail, kHalf);
}

// Copies bytes, short runs without a call.
inline void CopyBytes(const uint8_t* from, uint8_t* to, size_t bytes) {
  if (bytes > 64) {
    std::memcpy(to, from, bytes);
  } else if (bytes >= 32) {
    CopyInTwo<32>(from, to, bytes);
  } else if (bytes >= 16) {
    CopyInTwo<16>(from, to, bytes);
  } else if (bytes >= 8) {
    CopyInTwo<8>(from, to, bytes);
  } else if (bytes >= 4) {
    CopyInTwo<4>(from, to, bytes);
  } else {
    for (size_t i = 0; i < bytes; ++i) to[i] = from[i];
  }
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_STRIDED_COPY_H_
