// SPDX-License-Identifier: MIT
// Compiled for AVX-512 VNNI; see src/CMakeLists.txt.
#include "devices/cpu/kernels/integer_depthwise.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>

namespace mullion::cpu::vnni {

namespace {

// As assembly for the reason that integer_tile_vnni.cc gives.
inline void DotAdd(__m512i& sum, __m512i unsigned_bytes, __m512i signed_bytes) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(unsigned_bytes), "v"(signed_bytes));
}

// Up to 64 channels of one pixel, 32 of two, or 16 of four, side by side.
template <int kPixels>
class Pixels {
 public:
  explicit Pixels(int64_t channels) : mask_(~uint64_t{0} >> (64 - channels)) {}

  __m512i Load(const uint8_t* const* rows, int64_t left, int64_t offset) const {
    // What is beyond the last pixel may be anything.
    const auto at = [&](int64_t i) { return rows[std::min(i, left - 1)] + offset; };
    if constexpr (kPixels == 1) {
      return _mm512_maskz_loadu_epi8(mask_, rows[0] + offset);
    } else if constexpr (kPixels == 2) {
      const auto load = [&](int64_t i) {
        return _mm256_maskz_loadu_epi8(static_cast<__mmask32>(mask_), at(i));
      };
      return _mm512_inserti64x4(_mm512_castsi256_si512(load(0)), load(1), 1);
    } else {
      const auto load = [&](int64_t i) {
        return _mm_maskz_loadu_epi8(static_cast<__mmask16>(mask_), at(i));
      };
      const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(load(0)), load(1), 1);
      const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(load(2)), load(3), 1);
      return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
  }

 private:
  __mmask64 mask_;
};

// Four sums of 16 in the order of the bytes: the unpacking left lane q of vector v with channels
// 16 q + 4 v to 16 q + 4 v + 3.
inline void InOrder(__m512i (&v)[4]) {
  const __m512i a = _mm512_shuffle_i32x4(v[0], v[1], 0x44);  // 0.0 0.1 1.0 1.1
  const __m512i b = _mm512_shuffle_i32x4(v[2], v[3], 0x44);
  const __m512i c = _mm512_shuffle_i32x4(v[0], v[1], 0xee);  // 0.2 0.3 1.2 1.3
  const __m512i d = _mm512_shuffle_i32x4(v[2], v[3], 0xee);
  v[0] = _mm512_shuffle_i32x4(a, b, 0x88);
  v[1] = _mm512_shuffle_i32x4(a, b, 0xdd);
  v[2] = _mm512_shuffle_i32x4(c, d, 0x88);
  v[3] = _mm512_shuffle_i32x4(c, d, 0xdd);
}

// The bytes of four taps, channel by channel: `load(i)` gives those of the i-th.
template <class Load>
inline void Unpack(const Load& load, __m512i (&taps)[4]) {
  const __m512i x0 = load(0);
  const __m512i x1 = load(1);
  const __m512i x2 = load(2);
  const __m512i x3 = load(3);
  const __m512i low01 = _mm512_unpacklo_epi8(x0, x1);
  const __m512i high01 = _mm512_unpackhi_epi8(x0, x1);
  const __m512i low23 = _mm512_unpacklo_epi8(x2, x3);
  const __m512i high23 = _mm512_unpackhi_epi8(x2, x3);
  taps[0] = _mm512_unpacklo_epi16(low01, low23);
  taps[1] = _mm512_unpackhi_epi16(low01, low23);
  taps[2] = _mm512_unpacklo_epi16(high01, high23);
  taps[3] = _mm512_unpackhi_epi16(high01, high23);
}

inline void Accumulate(const __m512i (&taps)[4], const uint8_t* packed, __m512i (&sums)[4]) {
#pragma GCC unroll 4
  for (int v = 0; v < 4; ++v) DotAdd(sums[v], taps[v], _mm512_loadu_si512(packed + 64 * v));
}

// The sums of pixels from `row` on, each `kWidth` channels wide.
template <int64_t kWidth>
inline void Store(const IntegerDepthwiseTile& t, int64_t row, __m512i (&sums)[4]) {
  InOrder(sums);
  for (int64_t q = 0; q < 4; ++q) {
    const int64_t pixel = row + q * 16 / kWidth;
    const int64_t channel = q * 16 % kWidth;
    if (pixel >= t.row_count || channel >= t.channels) continue;
    const __m512i init = _mm512_loadu_si512(t.init + channel);
    _mm512_storeu_si512(t.out + pixel * t.out_stride + channel, _mm512_add_epi32(sums[q], init));
  }
}

template <int kPixels>
void SumTile(const IntegerDepthwiseTile& t, __m512i flip) {
  const Pixels<kPixels> pixels(t.channels);
  const auto* const weights = static_cast<const uint8_t*>(t.weights);
  const __m512i zero = _mm512_setzero_si512();
  for (int64_t row = 0; row < t.row_count; row += kPixels) {
    __m512i sums[4] = {zero, zero, zero, zero};
    for (int64_t group = 0; 4 * group < t.taps; ++group) {
      __m512i taps[4];
      Unpack(
          [&](int64_t i) {
            const int64_t tap = TapOfGroup(t.taps, group, i);
            if (tap >= t.taps) return zero;
            return _mm512_xor_si512(flip, pixels.Load(t.rows + tap * t.rows_stride + row,
                                                      t.row_count - row, t.first_channel));
          },
          taps);
      Accumulate(taps, weights + 256 * group, sums);
    }
    Store<64 / kPixels>(t, row, sums);
  }
}

// Whether the second and third columns under the pixel before `row` are the first two under it.
inline bool Slides(const IntegerDepthwiseTile& t, int64_t row) {
  for (int64_t tap = 0; tap < 9; ++tap) {
    if (tap % 3 == 2) continue;
    const uint8_t* const* const at = t.rows + tap * t.rows_stride + row;
    if (at[0] != at[t.rows_stride - 1]) return false;
  }
  return true;
}

// Nine taps: a pixel takes two of its three columns from the one before it where they are the same.
void SumColumns(const IntegerDepthwiseTile& t, __m512i flip) {
  const Pixels<1> pixels(t.channels);
  const auto* const weights = static_cast<const uint8_t*>(t.weights);
  const __m512i zero = _mm512_setzero_si512();
  __m512i first[4];
  __m512i second[4];
  __m512i third[4];
  for (int64_t row = 0; row < t.row_count; ++row) {
    const auto unpack = [&](int64_t column, __m512i(&taps)[4]) {
      Unpack(
          [&](int64_t i) {
            if (i == 3) return zero;
            return _mm512_xor_si512(
                flip,
                pixels.Load(t.rows + (3 * i + column) * t.rows_stride + row, 1, t.first_channel));
          },
          taps);
    };
    if (row > 0 && Slides(t, row)) {
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) {
        first[v] = second[v];
        second[v] = third[v];
      }
    } else {
      unpack(0, first);
      unpack(1, second);
    }
    unpack(2, third);
    __m512i sums[4] = {zero, zero, zero, zero};
    Accumulate(first, weights, sums);
    Accumulate(second, weights + 256, sums);
    Accumulate(third, weights + 512, sums);
    Store<64>(t, row, sums);
  }
}

}  // namespace

void SumDepthwise(const IntegerDepthwiseTile& tile, bool is_signed) {
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(is_signed ? 0x80 : 0));
  const int64_t width = DepthwiseBlockWidth(tile.channels);
  if (width == 64 && TapsAreColumns(tile.taps)) return SumColumns(tile, flip);
  if (width == 64) return SumTile<1>(tile, flip);
  if (width == 32) return SumTile<2>(tile, flip);
  SumTile<4>(tile, flip);
}

}  // namespace mullion::cpu::vnni

#endif  // defined(__x86_64__)
