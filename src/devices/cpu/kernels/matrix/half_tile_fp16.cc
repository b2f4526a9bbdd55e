// SPDX-License-Identifier: MIT
// Compiled for AVX512-FP16; see src/CMakeLists.txt.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#include "devices/cpu/kernels/matrix/half_tile.h"

namespace mullion::cpu {

namespace {

struct NativeHalves {
  using Halves = __m512h;

  static Halves Zero() { return _mm512_setzero_ph(); }
  static Halves Load(const float* pairs) { return _mm512_loadu_ph(pairs); }
  static Halves Broadcast(const float* pair) {
    int32_t bits;
    std::memcpy(&bits, pair, sizeof(bits));
    return _mm512_castsi512_ph(_mm512_set1_epi32(bits));
  }
  static Halves MulAdd(Halves a, Halves b, Halves c) { return _mm512_fmadd_ph(a, b, c); }

  using Floats = __m512;
  // Conversions of memory operands take no shuffle.
  static Floats Sum(const Halves* halves) {
    const auto* const parts = reinterpret_cast<const __m256i*>(halves);
    const __m512 first = _mm512_cvtph_ps(_mm256_load_si256(parts));
    const __m512i second = _mm512_castps_si512(_mm512_cvtph_ps(_mm256_load_si256(parts + 1)));
    return _mm512_add_ps(first, _mm512_castsi512_ps(_mm512_rol_epi64(second, 32)));
  }
  static Floats LoadFloats(const float* from) { return _mm512_loadu_ps(from); }
  static void Store(Floats x, float* to) { _mm512_storeu_ps(to, x); }
  static Floats Add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  // The second operand where one is NaN.
  static Floats AtLeast(Floats x, float low) { return _mm512_max_ps(_mm512_set1_ps(low), x); }
  static Floats AtMost(Floats x, float high) { return _mm512_min_ps(_mm512_set1_ps(high), x); }
};

}  // namespace

TileFunction FindNativeHalfTile(int vectors, int rows) {
  return FindHalfTile<NativeHalves>(vectors, rows);
}

}  // namespace mullion::cpu

#endif  // defined(__x86_64__)
