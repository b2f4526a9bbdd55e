// SPDX-License-Identifier: MIT
// Compiled for AVX512-VBMI; see src/CMakeLists.txt.
#include "devices/cpu/kernels/elementwise/byte_table.h"

#if defined(__x86_64__)

#include <immintrin.h>

namespace mullion::cpu::vbmi {

namespace {

// One permutation looks up in 128 bytes, by the low seven bits of an index.
struct Table {
  explicit Table(const uint8_t* table256)
      : q0(_mm512_loadu_si512(table256)),
        q1(_mm512_loadu_si512(table256 + 64)),
        q2(_mm512_loadu_si512(table256 + 128)),
        q3(_mm512_loadu_si512(table256 + 192)) {}

  __m512i operator()(__m512i x) const {
    const __m512i low = _mm512_permutex2var_epi8(q0, x, q1);
    const __m512i high = _mm512_permutex2var_epi8(q2, x, q3);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(x), low, high);
  }

  __m512i q0, q1, q2, q3;
};

}  // namespace

void LookUpBytes(const uint8_t* table256, const uint8_t* x, uint8_t* y, int64_t count) {
  const Table table(table256);
  int64_t i = 0;
  for (; i + 64 <= count; i += 64) {
    _mm512_storeu_si512(y + i, table(_mm512_loadu_si512(x + i)));
  }
  if (i == count) return;
  const __mmask64 rest = ~uint64_t{0} >> (64 - (count - i));
  _mm512_mask_storeu_epi8(y + i, rest, table(_mm512_maskz_loadu_epi8(rest, x + i)));
}

}  // namespace mullion::cpu::vbmi

#endif  // defined(__x86_64__)
