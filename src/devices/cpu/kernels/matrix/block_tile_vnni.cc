// SPDX-License-Identifier: MIT
// Compiled for AVX-512 VNNI; see src/CMakeLists.txt.
#include "devices/cpu/kernels/matrix/block_tile.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "devices/cpu/kernels/simd/vnni_dot.h"

namespace mullion::cpu::vnni {

namespace {

constexpr int kBlockTileVectors = 4;
static_assert(kBlockTileWidth == 16 * kBlockTileVectors);

inline __m512i BroadcastBytes(const int8_t* from) {
  int32_t bits;
  std::memcpy(&bits, from, sizeof(bits));
  return _mm512_set1_epi32(bits);
}

// The sums of one block, whose words of numbers begin at `numbers`.
template <int kBits, int kRows>
inline void SumBlock(const BlockByteTile& t, const uint32_t* numbers, int64_t begin, int64_t end,
                     __m512i (&sums)[kRows][kBlockTileVectors]) {
  const __m512i low = _mm512_set1_epi32(0x0f0f0f0f);
#pragma GCC unroll 16
  for (int i = 0; i < kRows * kBlockTileVectors; ++i) {
    sums[i / kBlockTileVectors][i % kBlockTileVectors] = _mm512_setzero_si512();
  }
  for (int64_t k = begin; k < end; k += 32 / kBits, numbers += kBlockTileWidth) {
#pragma GCC unroll 4
    for (int v = 0; v < kBlockTileVectors; ++v) {
      const __m512i words = _mm512_loadu_si512(numbers + 16 * v);
      const __m512i first = kBits == 4 ? _mm512_and_si512(words, low) : words;
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        DotAdd(sums[r][v], first, BroadcastBytes(t.rows[r].bytes + k));
      }
      if (kBits == 8) continue;
      const __m512i second = _mm512_and_si512(_mm512_srli_epi32(words, 4), low);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        DotAdd(sums[r][v], second, BroadcastBytes(t.rows[r].bytes + k + 4));
      }
    }
  }
}

template <int kBits, int kRows>
void AddRows(const BlockByteTile& t, float* totals) {
  const uint32_t* numbers = t.numbers;
  const int64_t depth = t.weights.padded_depth();
  for (int64_t block = 0, k = 0; k < depth; ++block) {
    const int64_t end = std::min(depth, k + t.weights.block);
    __m512i sums[kRows][kBlockTileVectors];
    SumBlock<kBits, kRows>(t, numbers, k, end, sums);
    numbers += (end - k) * kBits / 32 * kBlockTileWidth;
    k = end;
#pragma GCC unroll 4
    for (int v = 0; v < kBlockTileVectors; ++v) {
      const int64_t at = block * kBlockTileWidth + 16 * v;
      const __m512 scale = _mm512_loadu_ps(t.scales + at);
      const __m512i zero =
          t.zeros == nullptr ? _mm512_set1_epi32(1 << (kBits - 1))
                             : _mm512_cvtepu8_epi32(
                                   _mm_loadu_si128(reinterpret_cast<const __m128i*>(t.zeros + at)));
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const __m512i off = _mm512_mullo_epi32(zero, _mm512_set1_epi32(t.rows[r].sums[block]));
        const __m512 sum = _mm512_cvtepi32_ps(_mm512_sub_epi32(sums[r][v], off));
        const __m512 step = _mm512_mul_ps(scale, _mm512_set1_ps(t.rows[r].scales[block]));
        float* const total = totals + r * kBlockTileWidth + 16 * v;
        _mm512_storeu_ps(total, _mm512_fmadd_ps(step, sum, _mm512_loadu_ps(total)));
      }
    }
  }
}

}  // namespace

void AddByteBlocks(const BlockByteTile& tile, int rows, float* totals) {
  if (tile.weights.bits == 4) {
    rows == 1 ? AddRows<4, 1>(tile, totals) : AddRows<4, 4>(tile, totals);
  } else {
    rows == 1 ? AddRows<8, 1>(tile, totals) : AddRows<8, 4>(tile, totals);
  }
}

}  // namespace mullion::cpu::vnni

#endif  // defined(__x86_64__)
