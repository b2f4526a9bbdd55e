// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/compare.h"

#include <algorithm>
#include <type_traits>

#include "base/element_traits.h"
#include "devices/cpu/kernels/elementwise/half.h"
#include "devices/cpu/kernels/elementwise/spread_operand.h"
#include "devices/cpu/kernels/simd/for_elements.h"

#define MULLION_SCALAR_IN_USE
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/compare.cc"
#include "devices/cpu/kernels/simd/simd.h"
#include "devices/cpu/kernels/simd/two_copies.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if MULLION_IS_OF_TWO_COPIES
// Elements of up to 32 bits.
template <typename T, typename Function>
HWY_INLINE void CompareNarrowRow(const T* a, const T* b, bool* y, size_t count, Function function) {
  ForElements(count, [=](size_t i) { y[i] = function(a[i], b[i]); });
}

template <typename T>
void CompareNarrow(CompareOp op, const T* a, const T* b, bool* y, size_t count) {
  switch (op) {
    case CompareOp::kEqual:
      return CompareNarrowRow(a, b, y, count, [](T v, T w) { return v == w; });
    case CompareOp::kLess:
      return CompareNarrowRow(a, b, y, count, [](T v, T w) { return v < w; });
    case CompareOp::kLessOrEqual:
      return CompareNarrowRow(a, b, y, count, [](T v, T w) { return v <= w; });
  }
}
#endif

// Elements of 64 bits, which compilers find no way from to bytes. Some of the bits of integers are
// changed first.
template <typename T, typename Function>
HWY_INLINE void CompareWide(uint64_t flipped, const T* a, const T* b, bool* y, size_t count,
                            Function function) {
  const hn::ScalableTag<T> d;
  const hn::RebindToUnsigned<hn::ScalableTag<T>> du;
  const hn::Rebind<uint8_t, hn::ScalableTag<T>> bytes;
  const size_t lanes = hn::Lanes(d);
  const auto flip = hn::BitCast(d, hn::Set(du, flipped));
  const auto compare = [=](hn::Vec<hn::ScalableTag<T>> p, hn::Vec<hn::ScalableTag<T>> q) HWY_ATTR {
    if constexpr (std::is_integral_v<T>) {
      p = hn::Xor(p, flip);
      q = hn::Xor(q, flip);
    }
    const auto mask = hn::BitCast(du, hn::VecFromMask(d, function(p, q)));
    return hn::TruncateTo(bytes, hn::And(mask, hn::Set(du, 1)));
  };
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(compare(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), bytes,
               reinterpret_cast<uint8_t*>(y + i));
  }
  if (i == count) return;
  HWY_ALIGN uint8_t last[hn::MaxLanes(hn::ScalableTag<uint8_t>())];
  hn::StoreU(compare(LoadFirst(d, a + i, count - i), LoadFirst(d, b + i, count - i)), bytes, last);
  for (size_t k = 0; k < count - i; ++k) y[i + k] = last[k] != 0;
}

template <typename T>
HWY_INLINE void CompareWideRows(CompareOp op, uint64_t flip, const T* a, const T* b, bool* y,
                                size_t count) {
  switch (op) {
    case CompareOp::kEqual:
      return CompareWide(flip, a, b, y, count, [](auto p, auto q) { return hn::Eq(p, q); });
    case CompareOp::kLess:
      return CompareWide(flip, a, b, y, count, [](auto p, auto q) { return hn::Lt(p, q); });
    case CompareOp::kLessOrEqual:
      return CompareWide(flip, a, b, y, count, [](auto p, auto q) {
        if constexpr (std::is_integral_v<T>) {
          return hn::Not(hn::Lt(q, p));
        } else {
          return hn::Le(p, q);
        }
      });
  }
}

void CompareDoubles(CompareOp op, const double* a, const double* b, bool* y, size_t count) {
#if HWY_HAVE_FLOAT64
  CompareWideRows(op, 0, a, b, y, count);
#else  // wasm
  for (size_t i = 0; i < count; ++i) {
    y[i] = op == CompareOp::kEqual  ? a[i] == b[i]
           : op == CompareOp::kLess ? a[i] < b[i]
                                    : a[i] <= b[i];
  }
#endif
}
void CompareIntegers(CompareOp op, uint64_t flip, const int64_t* a, const int64_t* b, bool* y,
                     size_t count) {
  CompareWideRows(op, flip, a, b, y, count);
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

namespace {

template <typename T>
void CompareRows(CompareOp op, Operand<T> a, Operand<T> b, bool* y, size_t count) {
  ForContiguousParts(a, b, count, [=](const T* p, const T* q, size_t begin, size_t n) {
    MULLION_TWO_COPIES_CALL(CompareNarrow<T>)(op, p, q, y + begin, n);
  });
}

Operand<float> WidenOperand(ElementType type, AnyOperand from, size_t begin, size_t count,
                            float* tile) {
  const size_t first = from.step == 0 ? 0 : begin;
  WidenToFloat(type, static_cast<const uint16_t*>(from.data) + first, tile,
               from.step == 0 ? 1 : count);
  return {tile, from.step};
}

void CompareHalves(CompareOp op, ElementType type, AnyOperand a, AnyOperand b, bool* y,
                   size_t count) {
  constexpr size_t kTile = 512;
  float tile_a[kTile];
  float tile_b[kTile];
  for (size_t begin = 0; begin < count; begin += kTile) {
    const size_t n = std::min(kTile, count - begin);
    CompareRows(op, WidenOperand(type, a, begin, n, tile_a),
                WidenOperand(type, b, begin, n, tile_b), y + begin, n);
  }
}

using NarrowTypes = TypeList<float, int8_t, int16_t, int32_t, uint8_t, uint16_t, uint32_t>;

void CompareOfEightBytes(CompareOp op, ElementType type, AnyOperand a, AnyOperand b, bool* y,
                         size_t count) {
  if (type == ElementType::kDouble) {
    ForContiguousParts(a.As<double>(), b.As<double>(), count,
                       [=](const double* p, const double* q, size_t begin, size_t n) {
                         MULLION_SIMD_CALL(CompareDoubles)(op, p, q, y + begin, n);
                       });
    return;
  }
  // Unsigned numbers order as signed ones without their highest bit.
  const uint64_t flip = type == ElementType::kUint64 ? uint64_t{1} << 63 : 0;
  ForContiguousParts(a.As<int64_t>(), b.As<int64_t>(), count,
                     [=](const int64_t* p, const int64_t* q, size_t begin, size_t n) {
                       MULLION_SIMD_CALL(CompareIntegers)(op, flip, p, q, y + begin, n);
                     });
}

}  // namespace

void CompareElements(CompareOp op, ElementType type, AnyOperand a, AnyOperand b, bool* y,
                     size_t count) {
  if (Contains(types::kHalfFloats, type)) return CompareHalves(op, type, a, b, y, count);
  if (ElementBits(type) == 64) return CompareOfEightBytes(op, type, a, b, y, count);
  if (type == ElementType::kBool) type = ElementType::kUint8;
  DispatchType(NarrowTypes{}, type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    CompareRows(op, a.As<T>(), b.As<T>(), y, count);
  });
}

}  // namespace mullion::cpu
#endif
