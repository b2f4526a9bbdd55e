// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/transpose_tile.h"

#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/matrix/transpose_tile.cc"
#include "devices/cpu/kernels/simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Rows are not aligned to T when several small elements travel as one, hence bytes and memcpy.
template <typename T>
void TransposeEdge(const uint8_t* from, ptrdiff_t from_stride, uint8_t* to, ptrdiff_t to_stride,
                   size_t rows, size_t columns) {
  for (size_t c = 0; c < columns; ++c) {
    const uint8_t* source = from + c * sizeof(T);
    uint8_t* target = to + static_cast<ptrdiff_t>(c) * to_stride;
    for (size_t r = 0; r < rows; ++r) {
      std::memcpy(target, source, sizeof(T));
      source += from_stride;
      target += sizeof(T);
    }
  }
}

#if HWY_TARGET == HWY_SCALAR

template <typename T>
void TransposeOf(const uint8_t* from, ptrdiff_t from_stride, uint8_t* to, ptrdiff_t to_stride,
                 size_t rows, size_t columns) {
  TransposeEdge<T>(from, from_stride, to, to_stride, rows, columns);
}

#else

// kBlocks loads of 16 bytes, `stride` apart, side by side.
template <int kBlocks>
HWY_INLINE auto LoadBlocks(const uint8_t* HWY_RESTRICT from, ptrdiff_t stride) {
  if constexpr (kBlocks == 1) {
    return hn::LoadU(hn::FixedTag<uint8_t, 16>(), from);
  } else {
    constexpr int kHalf = kBlocks / 2;
    return hn::Combine(hn::FixedTag<uint8_t, 16 * kBlocks>(),
                       LoadBlocks<kHalf>(from + kHalf * stride, stride),
                       LoadBlocks<kHalf>(from, stride));
  }
}

// kBlocks squares of 16 bytes a side, one below the other. Interleaving row i with row i + N/2
// moves one bit of the row number into the column number, so log2(N) rounds exchange the two. No
// shuffle crosses blocks of 128 bits: those that do have one port where others have two.
template <typename T, int kBlocks>
HWY_INLINE void TransposeSquares(const uint8_t* HWY_RESTRICT from, ptrdiff_t from_stride,
                                 uint8_t* HWY_RESTRICT to, ptrdiff_t to_stride) {
  constexpr size_t kLanes = 16 / sizeof(T);
  const hn::FixedTag<T, kLanes * kBlocks> d;
  const hn::FixedTag<uint8_t, 16 * kBlocks> bytes;
  using V = hn::Vec<decltype(d)>;
  V rows[kLanes];
#pragma GCC unroll 16
  for (size_t i = 0; i < kLanes; ++i) {
    rows[i] = hn::BitCast(d, LoadBlocks<kBlocks>(from + static_cast<ptrdiff_t>(i) * from_stride,
                                                 static_cast<ptrdiff_t>(kLanes) * from_stride));
  }
#pragma GCC unroll 4
  for (size_t round = 1; round < kLanes; round *= 2) {
    V mixed[kLanes];
#pragma GCC unroll 8
    for (size_t i = 0; i < kLanes / 2; ++i) {
      mixed[2 * i] = hn::InterleaveLower(d, rows[i], rows[i + kLanes / 2]);
      mixed[2 * i + 1] = hn::InterleaveUpper(d, rows[i], rows[i + kLanes / 2]);
    }
#pragma GCC unroll 16
    for (size_t i = 0; i < kLanes; ++i) rows[i] = mixed[i];
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < kLanes; ++i) {
    hn::StoreU(hn::BitCast(bytes, rows[i]), bytes, to + static_cast<ptrdiff_t>(i) * to_stride);
  }
}

// What is left over at the ends of rows and columns belongs to squares that reach back.
template <typename T, int kBlocks>
void TransposeByBlocks(const uint8_t* from, ptrdiff_t from_stride, uint8_t* to, ptrdiff_t to_stride,
                       size_t rows, size_t columns) {
  constexpr size_t kLanes = 16 / sizeof(T);
  constexpr size_t kRows = kLanes * kBlocks;
  for (size_t c = 0; c < columns; c += kLanes) {
    const size_t column = HWY_MIN(c, columns - kLanes);
    const uint8_t* const source = from + column * sizeof(T);
    uint8_t* const target = to + static_cast<ptrdiff_t>(column) * to_stride;
    for (size_t r = 0; r < rows; r += kRows) {
      const size_t row = HWY_MIN(r, rows - kRows);
      TransposeSquares<T, kBlocks>(source + static_cast<ptrdiff_t>(row) * from_stride, from_stride,
                                   target + row * sizeof(T), to_stride);
    }
  }
}

template <typename T>
void TransposeWhole(const uint8_t* from, ptrdiff_t from_stride, uint8_t* to, ptrdiff_t to_stride,
                    size_t rows, size_t columns) {
  constexpr size_t kLanes = 16 / sizeof(T);
  // Whole vectors where they are some lines of the destination; small elements have enough of 16
  // bytes.
  constexpr int kBlocks =
      sizeof(T) < 4 ? 1 : static_cast<int>(hn::MaxLanes(hn::ScalableTag<uint8_t>()) / 16);
  if (rows < kLanes || columns < kLanes) {
    return TransposeEdge<T>(from, from_stride, to, to_stride, rows, columns);
  }
  if (kBlocks > 1 && rows >= kLanes * kBlocks) {
    return TransposeByBlocks<T, kBlocks>(from, from_stride, to, to_stride, rows, columns);
  }
  TransposeByBlocks<T, 1>(from, from_stride, to, to_stride, rows, columns);
}

// With strides of a multiple of 4 KiB the lines of a tile share a few sets of the cache and push
// each other out. Then the tile goes through a buffer, band by band, and every line of source and
// destination is touched once, whole.
template <typename T>
void TransposeBuffered(const uint8_t* from, ptrdiff_t from_stride, uint8_t* to, ptrdiff_t to_stride,
                       size_t rows, size_t columns) {
  constexpr size_t kBand = 256 / sizeof(T);
  constexpr size_t kStride = 256 + 16;  // the buffer itself must not fall on few sets
  alignas(64) uint8_t buffer[kBand * kStride];
  for (size_t c = 0; c < columns; c += kBand) {
    const size_t width = HWY_MIN(kBand, columns - c);
    for (size_t r = 0; r < rows; r += kBand) {
      const size_t height = HWY_MIN(kBand, rows - r);
      constexpr size_t kLanes = 16 / sizeof(T);
      for (size_t i = 0; i < height; i += kLanes) {
        TransposeWhole<T>(from + static_cast<ptrdiff_t>(r + i) * from_stride + c * sizeof(T),
                          from_stride, buffer + i * sizeof(T), kStride, HWY_MIN(kLanes, height - i),
                          width);
      }
      uint8_t* target = to + static_cast<ptrdiff_t>(c) * to_stride + r * sizeof(T);
      for (size_t i = 0; i < width; ++i) {
        std::memcpy(target, buffer + i * kStride, height * sizeof(T));
        target += to_stride;
      }
    }
  }
}

template <typename T>
void TransposeOf(const uint8_t* from, ptrdiff_t from_stride, uint8_t* to, ptrdiff_t to_stride,
                 size_t rows, size_t columns) {
  if ((from_stride % 4096 == 0 || to_stride % 4096 == 0) && rows > 16 && columns > 16) {
    return TransposeBuffered<T>(from, from_stride, to, to_stride, rows, columns);
  }
  TransposeWhole<T>(from, from_stride, to, to_stride, rows, columns);
}

#endif  // HWY_TARGET == HWY_SCALAR

struct Bytes16 {
  uint8_t bytes[16];
};

void TransposeTile(size_t element, const uint8_t* from, ptrdiff_t from_stride, uint8_t* to,
                   ptrdiff_t to_stride, size_t rows, size_t columns) {
  switch (element) {
    case 1:
      return TransposeOf<uint8_t>(from, from_stride, to, to_stride, rows, columns);
    case 2:
      return TransposeOf<uint16_t>(from, from_stride, to, to_stride, rows, columns);
    case 4:
      return TransposeOf<uint32_t>(from, from_stride, to, to_stride, rows, columns);
    case 8:
      return TransposeOf<uint64_t>(from, from_stride, to, to_stride, rows, columns);
    default:
      return TransposeEdge<Bytes16>(from, from_stride, to, to_stride, rows, columns);
  }
}

template <typename T, int kStreams>
void InterleaveOf(const uint8_t* from, ptrdiff_t from_stride, uint8_t* to, size_t count) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const auto row = [&](int stream, size_t i) {
    return reinterpret_cast<const T*>(from + stream * from_stride) + i;
  };
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    T* const target = reinterpret_cast<T*>(to) + kStreams * i;
    const auto a = hn::LoadU(d, row(0, i));
    const auto b = hn::LoadU(d, row(1, i));
    if constexpr (kStreams == 2) {
      hn::StoreInterleaved2(a, b, d, target);
    } else if constexpr (kStreams == 3) {
      hn::StoreInterleaved3(a, b, hn::LoadU(d, row(2, i)), d, target);
    } else {
      hn::StoreInterleaved4(a, b, hn::LoadU(d, row(2, i)), hn::LoadU(d, row(3, i)), d, target);
    }
  }
  TransposeEdge<T>(from + i * sizeof(T), from_stride, to + kStreams * i * sizeof(T),
                   kStreams * sizeof(T), kStreams, count - i);
}

template <typename T, int kStreams>
void DeinterleaveOf(const uint8_t* from, uint8_t* to, ptrdiff_t to_stride, size_t count) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const auto store = [&](auto v, int stream, size_t i) {
    hn::StoreU(v, d, reinterpret_cast<T*>(to + stream * to_stride) + i);
  };
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const T* const source = reinterpret_cast<const T*>(from) + kStreams * i;
    hn::Vec<decltype(d)> v0, v1, v2, v3;
    if constexpr (kStreams == 2) {
      hn::LoadInterleaved2(d, source, v0, v1);
    } else if constexpr (kStreams == 3) {
      hn::LoadInterleaved3(d, source, v0, v1, v2);
    } else {
      hn::LoadInterleaved4(d, source, v0, v1, v2, v3);
    }
    store(v0, 0, i);
    store(v1, 1, i);
    if constexpr (kStreams >= 3) store(v2, 2, i);
    if constexpr (kStreams >= 4) store(v3, 3, i);
  }
  TransposeEdge<T>(from + kStreams * i * sizeof(T), kStreams * sizeof(T), to + i * sizeof(T),
                   to_stride, count - i, kStreams);
}

template <typename T>
void InterleaveBy(int streams, const uint8_t* from, ptrdiff_t from_stride, uint8_t* to,
                  size_t count) {
  if (streams == 2) return InterleaveOf<T, 2>(from, from_stride, to, count);
  if (streams == 3) return InterleaveOf<T, 3>(from, from_stride, to, count);
  InterleaveOf<T, 4>(from, from_stride, to, count);
}

template <typename T>
void DeinterleaveBy(int streams, const uint8_t* from, uint8_t* to, ptrdiff_t to_stride,
                    size_t count) {
  if (streams == 2) return DeinterleaveOf<T, 2>(from, to, to_stride, count);
  if (streams == 3) return DeinterleaveOf<T, 3>(from, to, to_stride, count);
  DeinterleaveOf<T, 4>(from, to, to_stride, count);
}

void Interleave(size_t element, int streams, const uint8_t* from, ptrdiff_t from_stride,
                uint8_t* to, size_t count) {
  switch (element) {
    case 1:
      return InterleaveBy<uint8_t>(streams, from, from_stride, to, count);
    case 2:
      return InterleaveBy<uint16_t>(streams, from, from_stride, to, count);
    case 4:
      return InterleaveBy<uint32_t>(streams, from, from_stride, to, count);
    default:
      return InterleaveBy<uint64_t>(streams, from, from_stride, to, count);
  }
}

void Deinterleave(size_t element, int streams, const uint8_t* from, uint8_t* to,
                  ptrdiff_t to_stride, size_t count) {
  switch (element) {
    case 1:
      return DeinterleaveBy<uint8_t>(streams, from, to, to_stride, count);
    case 2:
      return DeinterleaveBy<uint16_t>(streams, from, to, to_stride, count);
    case 4:
      return DeinterleaveBy<uint32_t>(streams, from, to, to_stride, count);
    default:
      return DeinterleaveBy<uint64_t>(streams, from, to, to_stride, count);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void TransposeTile(size_t element, const uint8_t* from, ptrdiff_t from_stride, uint8_t* to,
                   ptrdiff_t to_stride, size_t rows, size_t columns) {
  MULLION_SIMD_CALL(TransposeTile)(element, from, from_stride, to, to_stride, rows, columns);
}

bool CanInterleave(size_t element, int64_t streams) {
  return element <= 8 && streams >= 2 && streams <= 4;
}

void Interleave(size_t element, int streams, const uint8_t* from, ptrdiff_t from_stride,
                uint8_t* to, size_t count) {
  MULLION_SIMD_CALL(Interleave)(element, streams, from, from_stride, to, count);
}

void Deinterleave(size_t element, int streams, const uint8_t* from, uint8_t* to,
                  ptrdiff_t to_stride, size_t count) {
  MULLION_SIMD_CALL(Deinterleave)(element, streams, from, to, to_stride, count);
}

}  // namespace mullion::cpu
#endif
