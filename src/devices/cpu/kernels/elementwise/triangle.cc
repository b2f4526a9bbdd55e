// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/triangle.h"

#include <algorithm>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/triangle.cc"
#include "devices/cpu/kernels/simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE void MaskRows(D d, const uint8_t* x, uint8_t* y, int64_t rows, int64_t bytes,
                         int64_t diagonal, int64_t step, const uint8_t* mask) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t row = 0; row < rows; ++row, x += bytes, y += bytes, diagonal += step) {
    const uint8_t* const window = mask + bytes - std::clamp(diagonal, int64_t{0}, bytes);
    const auto keep = [&](int64_t i) HWY_ATTR {
      hn::StoreU(hn::And(hn::LoadU(d, x + i), hn::LoadU(d, window + i)), d, y + i);
    };
    int64_t i = 0;
    for (; i + lanes <= bytes; i += lanes) keep(i);
    if (i == bytes) continue;
    if (bytes >= lanes) {
      keep(bytes - lanes);  // masked twice is masked once, also in place
    } else {
      for (; i < bytes; ++i) y[i] = x[i] & window[i];
    }
  }
}

void MaskTriangle(const uint8_t* x, uint8_t* y, int64_t rows, int64_t bytes, int64_t diagonal,
                  int64_t step, const uint8_t* mask) {
  const hn::ScalableTag<uint8_t> d;
  const hn::CappedTag<uint8_t, 16> narrow;
  if (bytes < static_cast<int64_t>(hn::Lanes(d))) {
    return MaskRows(narrow, x, y, rows, bytes, diagonal, step, mask);
  }
  MaskRows(d, x, y, rows, bytes, diagonal, step, mask);
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void MaskTriangle(const uint8_t* x, uint8_t* y, int64_t rows, int64_t bytes, int64_t diagonal,
                  int64_t step, const uint8_t* mask) {
  MULLION_SIMD_CALL(MaskTriangle)(x, y, rows, bytes, diagonal, step, mask);
}

}  // namespace mullion::cpu
#endif
