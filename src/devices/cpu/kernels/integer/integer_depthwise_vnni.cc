// SPDX-License-Identifier: MIT
// Compiled for AVX-512 VNNI; see src/CMakeLists.txt.
#include "devices/cpu/kernels/integer/integer_depthwise.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>

#include "devices/cpu/kernels/simd/vnni_dot.h"

namespace mullion::cpu::vnni {

namespace {

// Up to 64 channels of one pixel, 32 of two, or 16 of four, side by side.
template <int kPixels>
class Pixels {
 public:
  static constexpr int64_t kWidth = 64 / kPixels;

  explicit Pixels(const IntegerDepthwiseTile& t)
      : rows_(t.rows),
        stride_(t.rows_stride),
        offset_(t.first_channel),
        mask_(~uint64_t{0} >> (64 - t.channels)),
        dense_(kPixels > 1 && t.channels == kWidth) {}

  // Of pixels from `row` on. What is beyond the last one, `left` of them on, may be anything.
  __m512i Load(int64_t tap, int64_t row, int64_t left) const {
    const uint8_t* const* const at = rows_ + tap * stride_ + row;
    if constexpr (kPixels == 1) {
      return _mm512_maskz_loadu_epi8(mask_, at[0] + offset_);
    } else {
      if (dense_ && left >= kPixels && Adjacent(at)) return _mm512_loadu_si512(at[0] + offset_);
      return Gather(at, left - 1);
    }
  }

 private:
  static bool Adjacent(const uint8_t* const* at) {
    bool adjacent = true;
    for (int i = 1; i < kPixels; ++i) adjacent &= at[i] == at[0] + i * kWidth;
    return adjacent;
  }

  __m512i Gather(const uint8_t* const* at, int64_t last) const {
    const auto from = [&](int64_t i) { return at[std::min(i, last)] + offset_; };
    if constexpr (kPixels == 2) {
      const auto load = [&](int64_t i) {
        return _mm256_maskz_loadu_epi8(static_cast<__mmask32>(mask_), from(i));
      };
      return _mm512_inserti64x4(_mm512_castsi256_si512(load(0)), load(1), 1);
    } else {
      const auto load = [&](int64_t i) {
        return _mm_maskz_loadu_epi8(static_cast<__mmask16>(mask_), from(i));
      };
      const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(load(0)), load(1), 1);
      const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(load(2)), load(3), 1);
      return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
  }

  const uint8_t* const* rows_;
  int64_t stride_;
  int64_t offset_;
  __mmask64 mask_;
  bool dense_;
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

// Takes the sums of 64 / kWidth pixels at a time.
template <int64_t kWidth>
class Results {
 public:
  explicit Results(const IntegerDepthwiseTile& t)
      : init_(t.init),
        out_(t.out),
        stride_(t.out_stride),
        channels_(t.channels),
        rows_(t.row_count) {}

  // No loop: it would be unrolled too late for sums to stay in registers.
  void Store(int64_t row, __m512i (&sums)[4]) const {
    InOrder(sums);
    StoreGroup<0>(row, sums[0]);
    StoreGroup<1>(row, sums[1]);
    StoreGroup<2>(row, sums[2]);
    StoreGroup<3>(row, sums[3]);
  }

 private:
  template <int64_t kGroup>
  void StoreGroup(int64_t row, __m512i sum) const {
    const int64_t pixel = row + kGroup * 16 / kWidth;
    constexpr int64_t kChannel = kGroup * 16 % kWidth;
    if (pixel >= rows_ || kChannel >= channels_) return;
    const __m512i init = _mm512_loadu_si512(init_ + kChannel);
    _mm512_storeu_si512(out_ + pixel * stride_ + kChannel, _mm512_add_epi32(sum, init));
  }

  const int32_t* init_;
  int32_t* out_;
  int64_t stride_;
  int64_t channels_;
  int64_t rows_;
};

template <int kPixels>
void SumTile(const IntegerDepthwiseTile& t, __m512i flip) {
  const Pixels<kPixels> pixels(t);
  const Results<64 / kPixels> results(t);
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
            return _mm512_xor_si512(flip, pixels.Load(tap, row, t.row_count - row));
          },
          taps);
      Accumulate(taps, weights + 256 * group, sums);
    }
    results.Store(row, sums);
  }
}

// Whether `column` of the kernel lies under the pixels from `row` on where column `before` lay
// under those `kPixels` before.
template <int kPixels>
inline bool Slides(const IntegerDepthwiseTile& t, int64_t row, int64_t column, int64_t before) {
  bool same = true;
  for (int64_t line = 0; line < 3; ++line) {
    const uint8_t* const* const at = t.rows + 3 * line * t.rows_stride + row;
    for (int i = 0; i < kPixels; ++i) {
      same &= at[column * t.rows_stride + i] == at[before * t.rows_stride + i - kPixels];
    }
  }
  return same;
}

// Nine taps. Columns that lie under the pixels before as well are unpacked once: one pixel takes
// two from the one before it, two take one, and four would take none.
template <int kPixels>
void SumColumns(const IntegerDepthwiseTile& t, __m512i flip) {
  const Pixels<kPixels> pixels(t);
  const Results<64 / kPixels> results(t);
  const auto* const weights = static_cast<const uint8_t*>(t.weights);
  const __m512i zero = _mm512_setzero_si512();
  __m512i first[4];
  __m512i second[4];
  __m512i third[4];
  for (int64_t row = 0; row < t.row_count; row += kPixels) {
    const auto unpack = [&](int64_t column, __m512i(&taps)[4]) {
      Unpack(
          [&](int64_t i) {
            if (i == 3) return zero;
            return _mm512_xor_si512(flip, pixels.Load(3 * i + column, row, t.row_count - row));
          },
          taps);
    };
    const auto take = [](const __m512i(&from)[4], __m512i(&to)[4]) {
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) to[v] = from[v];
    };
    const bool inside = row > 0 && row + kPixels <= t.row_count;
    if (kPixels == 1 && inside && Slides<1>(t, row, 0, 1) && Slides<1>(t, row, 1, 2)) {
      take(second, first);
      take(third, second);
    } else {
      if (kPixels == 2 && inside && Slides<2>(t, row, 0, 2)) {
        take(third, first);
      } else {
        unpack(0, first);
      }
      unpack(1, second);
    }
    unpack(2, third);
    __m512i sums[4] = {zero, zero, zero, zero};
    Accumulate(first, weights, sums);
    Accumulate(second, weights + 256, sums);
    Accumulate(third, weights + 512, sums);
    results.Store(row, sums);
  }
}

}  // namespace

void SumDepthwise(const IntegerDepthwiseTile& tile, bool is_signed) {
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(is_signed ? 0x80 : 0));
  const int64_t width = DepthwiseBlockWidth(tile.channels);
  const bool columns = TapsAreColumns(tile.taps);
  if (width == 64) return columns ? SumColumns<1>(tile, flip) : SumTile<1>(tile, flip);
  if (width == 32) return columns ? SumColumns<2>(tile, flip) : SumTile<2>(tile, flip);
  SumTile<4>(tile, flip);
}

}  // namespace mullion::cpu::vnni

#endif  // defined(__x86_64__)
