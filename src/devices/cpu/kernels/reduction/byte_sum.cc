// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/reduction/byte_sum.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/reduction/byte_sum.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <bool kSigned>
int32_t ValueOf(uint8_t byte) {
  return kSigned ? static_cast<int8_t>(byte) : byte;
}

#if HWY_TARGET != HWY_SCALAR

using D8 = hn::CappedTag<uint8_t, 64>;
using D16 = hn::Repartition<uint16_t, D8>;
using D32 = hn::Repartition<uint32_t, D8>;
using V32 = hn::Vec<D32>;
constexpr size_t kColumns = hn::MaxLanes(D8());

// The columns of one vector of bytes. Each lane of 32 bits holds four columns, which are summed in
// two vectors of 16 bits, the even and the odd ones, for as many rows as fit, then in four vectors.
// Signed bytes are read as if 128 were added.
template <bool kSigned>
void ColumnBlock(const uint8_t* x, size_t rows, size_t stride, int32_t* sums) {
  constexpr size_t kRowsIn16Bits = 257;  // 257 * 255 = 65535
  const D8 d8;
  const D16 d16;
  const D32 d32;
  const auto sign = hn::Set(d8, kSigned ? 0x80 : 0);
  const auto low = hn::Set(d16, 0xff);
  const V32 half = hn::Set(d32, 0xffff);
  V32 sum0 = hn::Zero(d32);
  V32 sum1 = sum0;
  V32 sum2 = sum0;
  V32 sum3 = sum0;
  for (size_t r = 0; r < rows;) {
    const size_t end = std::min(rows, r + kRowsIn16Bits);
    auto even = hn::Zero(d16);
    auto odd = even;
    for (; r < end; ++r) {
      const auto bytes = hn::BitCast(d16, hn::Xor(hn::LoadU(d8, x + r * stride), sign));
      even = hn::Add(even, hn::And(bytes, low));
      odd = hn::Add(odd, hn::ShiftRight<8>(bytes));
    }
    const V32 evens = hn::BitCast(d32, even);
    const V32 odds = hn::BitCast(d32, odd);
    sum0 = hn::Add(sum0, hn::And(evens, half));
    sum1 = hn::Add(sum1, hn::And(odds, half));
    sum2 = hn::Add(sum2, hn::ShiftRight<16>(evens));
    sum3 = hn::Add(sum3, hn::ShiftRight<16>(odds));
  }
  HWY_ALIGN uint32_t columns[kColumns];
  hn::StoreInterleaved4(sum0, sum1, sum2, sum3, d32, columns);
  const auto added = static_cast<uint32_t>(kSigned ? 128 * rows : 0);
  for (size_t i = 0; i < kColumns; ++i) sums[i] += static_cast<int32_t>(columns[i] - added);
}

template <bool kSigned>
int32_t RunSum(const uint8_t* x, size_t count) {
  const D8 d8;
  const hn::Repartition<uint64_t, D8> d64;
  const auto sign = hn::Set(d8, kSigned ? 0x80 : 0);
  const auto sum = [&](auto bytes) HWY_ATTR { return hn::SumsOf8(hn::Xor(bytes, sign)); };
  // Two of them, or the chain of additions would set the pace.
  auto even = hn::Zero(d64);
  auto odd = even;
  size_t i = 0;
  for (; i + 2 * kColumns <= count; i += 2 * kColumns) {
    even = hn::Add(even, sum(hn::LoadU(d8, x + i)));
    odd = hn::Add(odd, sum(hn::LoadU(d8, x + i + kColumns)));
  }
  for (; i < count; i += kColumns) {
    even = hn::Add(even, sum(LoadFirst(d8, x + i, std::min(kColumns, count - i))));
  }
  // Zeros behind the last element are added to as well.
  const auto added = static_cast<uint64_t>(kSigned ? 128 * i : 0);
  return static_cast<int32_t>(hn::GetLane(hn::SumOfLanes(d64, hn::Add(even, odd))) - added);
}

#endif

template <bool kSigned>
void SumRows(const void* x, size_t rows, size_t stride, size_t n, void* accumulators) {
  const auto* const from = static_cast<const uint8_t*>(x);
  auto* const sums = static_cast<int32_t*>(accumulators);
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; i + kColumns <= n; i += kColumns) {
    ColumnBlock<kSigned>(from + i, rows, stride, sums + i);
  }
#endif
  for (size_t r = 0; r < rows; ++r) {
    const uint8_t* const row = from + r * stride;
    for (size_t k = i; k < n; ++k) sums[k] += ValueOf<kSigned>(row[k]);
  }
}

template <bool kSigned>
void SumRun(const void* x, size_t count, void* accumulator) {
  const auto* const from = static_cast<const uint8_t*>(x);
#if HWY_TARGET != HWY_SCALAR
  const int32_t sum = RunSum<kSigned>(from, count);
#else
  int32_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += ValueOf<kSigned>(from[i]);
#endif
  *static_cast<int32_t*>(accumulator) += sum;
}

void Init(void* accumulators, size_t n) { std::fill_n(static_cast<int32_t*>(accumulators), n, 0); }

void Merge(const void* others, size_t n, void* accumulators) {
  auto* const sums = static_cast<int32_t*>(accumulators);
  for (size_t i = 0; i < n; ++i) sums[i] += static_cast<const int32_t*>(others)[i];
}

void Finish(const void* accumulators, size_t n, int64_t /*count*/, void* y) {
  std::memcpy(y, accumulators, n * sizeof(int32_t));
}

}  // namespace

ReduceFunctions ByteSumFunctionsSimd(bool is_signed) {
  ReduceFunctions functions;
  functions.accumulator_bytes = sizeof(int32_t);
  functions.init = Init;
  functions.rows = is_signed ? SumRows<true> : SumRows<false>;
  functions.run = is_signed ? SumRun<true> : SumRun<false>;
  functions.merge = Merge;
  functions.finish = Finish;
  return functions;
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

ReduceFunctions ByteSumFunctions(bool is_signed) {
  return MULLION_SIMD_CALL(ByteSumFunctionsSimd)(is_signed);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
