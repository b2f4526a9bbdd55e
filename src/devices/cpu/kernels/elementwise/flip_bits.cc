// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/flip_bits.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/flip_bits.cc"
#include "devices/cpu/kernels/simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void FlipBits(const uint8_t* x, uint8_t* y, size_t count, uint8_t bits) {
  const hn::ScalableTag<uint8_t> d;
  const size_t lanes = hn::Lanes(d);
  const auto mask = hn::Set(d, bits);
  size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    const auto a = hn::Xor(hn::LoadU(d, x + i), mask);
    const auto b = hn::Xor(hn::LoadU(d, x + i + lanes), mask);
    hn::StoreU(a, d, y + i);
    hn::StoreU(b, d, y + i + lanes);
  }
  for (; i < count; ++i) y[i] = static_cast<uint8_t>(x[i] ^ bits);
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void FlipBits(const uint8_t* x, uint8_t* y, size_t count, uint8_t bits) {
  MULLION_SIMD_CALL(FlipBits)(x, y, count, bits);
}

}  // namespace mullion::cpu
#endif
