// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/integer_finish.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/integer_finish.cc"
#include "devices/cpu/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D32 = hn::CappedTag<int32_t, 16>;
using DF = hn::RebindToFloat<D32>;
using V32 = hn::Vec<D32>;
using VF = hn::Vec<DF>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D32()));

HWY_INLINE V32 Corrected(const IntegerFinish& f, V32 sum, int64_t row, int64_t column) {
  const D32 d;
  if (f.left_zeros != nullptr) {
    const V32 sums = hn::LoadU(d, f.column_sums + column);
    sum = hn::Sub(sum, hn::Mul(hn::Set(d, f.left_zeros[row]), sums));
  }
  if (f.row_sums != nullptr) {
    const V32 zeros = hn::LoadU(d, f.right_zeros + column);
    sum = hn::Sub(sum, hn::Mul(hn::Set(d, f.row_sums[row]), zeros));
  }
  return sum;
}

template <typename T, class V>
HWY_INLINE void StorePart(V v, T* out, int64_t count) {
  using D = hn::DFromV<V>;
  if (count >= kLanes) {
    hn::StoreU(v, D(), out);
    return;
  }
  HWY_ALIGN T lanes[kLanes];
  hn::Store(v, D(), lanes);
  std::memcpy(out, lanes, static_cast<size_t>(count) * sizeof(T));
}

struct ToInt32 {
  using T = int32_t;
  explicit ToInt32(const IntegerFinish& /*finish*/) {}
  HWY_INLINE V32 operator()(V32 sum, int64_t /*column*/) const { return sum; }
};

struct ToFloat {
  using T = float;
  explicit ToFloat(const IntegerFinish& finish) : f(finish) {}
  HWY_INLINE VF operator()(V32 sum, int64_t column) const {
    const DF d;
    const VF scaled = hn::Mul(hn::ConvertTo(d, sum), hn::LoadU(d, f.scales + column));
    return f.biases == nullptr ? scaled : hn::Add(scaled, hn::LoadU(d, f.biases + column));
  }
  const IntegerFinish& f;
};

// Clamped before rounding, so that no sum is out of the range of the conversion.
template <typename Byte>
struct ToBytes {
  using T = Byte;
  explicit ToBytes(const IntegerFinish& finish)
      : f(finish),
        low(hn::Set(DF(), static_cast<float>(std::numeric_limits<Byte>::min()) - f.zero_point)),
        high(hn::Set(DF(), static_cast<float>(std::numeric_limits<Byte>::max()) - f.zero_point)),
        zero(hn::Set(D32(), static_cast<int32_t>(f.zero_point))) {}
  HWY_INLINE auto operator()(V32 sum, int64_t column) const {
    const DF d;
    const VF scaled = hn::Mul(hn::ConvertTo(d, sum), hn::LoadU(d, f.scales + column));
    const VF clamped = hn::Min(hn::Max(scaled, low), high);
    return hn::DemoteTo(hn::Rebind<Byte, D32>(), hn::Add(hn::NearestInt(clamped), zero));
  }
  const IntegerFinish& f;
  VF low;
  VF high;
  V32 zero;
};

template <class To>
void FinishAs(const IntegerFinish& f, const int32_t* sums, int64_t sums_stride, int64_t rows,
              int64_t columns, void* out, int64_t out_stride) {
  const To to(f);
  auto* const first = static_cast<typename To::T*>(out);
  for (int64_t r = 0; r < rows; ++r) {
    const int32_t* const row = sums + r * sums_stride;
    auto* const out_row = first + r * out_stride;
    for (int64_t c = 0; c < columns; c += kLanes) {
      const V32 sum = Corrected(f, hn::LoadU(D32(), row + c), r, c);
      StorePart(to(sum, c), out_row + c, columns - c);
    }
  }
}

}  // namespace

void FinishIntegersSimd(const IntegerFinish& f, const int32_t* sums, int64_t sums_stride,
                        int64_t rows, int64_t columns, void* out, int64_t out_stride) {
  const auto finish = f.output == IntegerOutput::kInt32   ? FinishAs<ToInt32>
                      : f.output == IntegerOutput::kFloat ? FinishAs<ToFloat>
                      : f.output == IntegerOutput::kUint8 ? FinishAs<ToBytes<uint8_t>>
                                                          : FinishAs<ToBytes<int8_t>>;
  finish(f, sums, sums_stride, rows, columns, out, out_stride);
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void FinishIntegers(const IntegerFinish& finish, const int32_t* sums, int64_t sums_stride,
                    int64_t rows, int64_t columns, void* out, int64_t out_stride) {
  MULLION_SIMD_CALL(FinishIntegersSimd)(finish, sums, sums_stride, rows, columns, out, out_stride);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
