// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/byte_table.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/byte_table.cc"
#include "devices/cpu/kernels/simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {
namespace {

#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR

namespace hn = hwy::HWY_NAMESPACE;
using D8 = hn::CappedTag<uint8_t, 64>;
using DS = hn::RebindToSigned<D8>;
using V = hn::Vec<D8>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D8()));
constexpr size_t kHalf = 8;  // tables of 16 bytes for one half of all indices

// The byte shuffle looks at the low four bits of an index, and gives 0 where bit 7 is set. Taking
// 16 off an index from 0 to 127 again and again, it is negative once the index has been passed, so
// that it meets the tables up to its own; these hold the differences (xor) between neighbours,
// which add up to the wanted entry. Indices from 128 on are negative from the start, saturated
// subtraction keeps them so, and they get their turn with bit 7 turned.
struct Tables {
  V low[kHalf];
  V high[kHalf];
};

Tables MakeTables(const uint8_t* table) {
  const D8 d;
  Tables tables;
  for (size_t k = 0; k < kHalf; ++k) {
    tables.low[k] = hn::LoadDup128(d, table + 16 * k);
    tables.high[k] = hn::LoadDup128(d, table + 128 + 16 * k);
  }
  for (size_t k = kHalf; k-- > 1;) {
    tables.low[k] = hn::Xor(tables.low[k], tables.low[k - 1]);
    tables.high[k] = hn::Xor(tables.high[k], tables.high[k - 1]);
  }
  return tables;
}

HWY_INLINE V LookedUp(const Tables& tables, V x) {
  const D8 d;
  const DS ds;
  const auto step = hn::Set(ds, 16);
  auto low = hn::BitCast(ds, x);
  auto high = hn::BitCast(ds, hn::Xor(x, hn::Set(d, 128)));
  V y = hn::Zero(d);
#pragma GCC unroll 8
  for (size_t k = 0; k < kHalf; ++k) {
    y = hn::Xor(y, hn::Xor(hn::TableLookupBytesOr0(tables.low[k], hn::BitCast(d, low)),
                           hn::TableLookupBytesOr0(tables.high[k], hn::BitCast(d, high))));
    low = hn::SaturatedSub(low, step);
    high = hn::SaturatedSub(high, step);
  }
  return y;
}

#endif

}  // namespace

void LookUpBytesSimd(const uint8_t* table, const uint8_t* x, uint8_t* y, int64_t count) {
  int64_t i = 0;
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR
  const D8 d;
  if (count >= kLanes) {
    const Tables tables = MakeTables(table);
    for (; i + kLanes <= count; i += kLanes) {
      hn::StoreU(LookedUp(tables, hn::LoadU(d, x + i)), d, y + i);
    }
  }
#elif HWY_TARGET == HWY_NEON && HWY_ARCH_ARM_A64
  // Indices out of a table's 64 bytes leave the sum as it is.
  const uint8x16x4_t first = vld1q_u8_x4(table);
  const uint8x16x4_t second = vld1q_u8_x4(table + 64);
  const uint8x16x4_t third = vld1q_u8_x4(table + 128);
  const uint8x16x4_t fourth = vld1q_u8_x4(table + 192);
  for (; i + 16 <= count; i += 16) {
    const uint8x16_t at = vld1q_u8(x + i);
    uint8x16_t sum = vqtbl4q_u8(first, at);
    sum = vqtbx4q_u8(sum, second, vsubq_u8(at, vdupq_n_u8(64)));
    sum = vqtbx4q_u8(sum, third, vsubq_u8(at, vdupq_n_u8(128)));
    vst1q_u8(y + i, vqtbx4q_u8(sum, fourth, vsubq_u8(at, vdupq_n_u8(192))));
  }
#endif
  for (; i < count; ++i) y[i] = table[x[i]];
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void LookUpBytes(const uint8_t* table256, const uint8_t* x, uint8_t* y, int64_t count) {
#if defined(__x86_64__)
  if (HasVbmi()) return vbmi::LookUpBytes(table256, x, y, count);
#endif
  MULLION_SIMD_CALL(LookUpBytesSimd)(table256, x, y, count);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
