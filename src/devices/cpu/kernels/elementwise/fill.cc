// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/fill.h"

#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/fill.cc"
#include "devices/cpu/kernels/simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void FillBytes(uint64_t pattern, uint8_t* to, size_t bytes) {
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<uint64_t> d;
  const hn::Repartition<uint8_t, decltype(d)> d8;
  const size_t step = hn::Lanes(d8);
  const auto value = hn::BitCast(d8, hn::Set(d, pattern));
  for (; i + 2 * step <= bytes; i += 2 * step) {
    hn::StoreU(value, d8, to + i);
    hn::StoreU(value, d8, to + i + step);
  }
#endif
  for (; i + sizeof(pattern) <= bytes; i += sizeof(pattern)) std::memcpy(to + i, &pattern, 8);
  for (; i < bytes; ++i) to[i] = static_cast<uint8_t>(pattern >> (i % 8 * 8));
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void FillBytes(uint64_t pattern, void* to, size_t bytes) {
  MULLION_SIMD_CALL(FillBytes)(pattern, static_cast<uint8_t*>(to), bytes);
}

}  // namespace mullion::cpu
#endif
