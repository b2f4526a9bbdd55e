// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/convert_direct.h"

#include <cstring>

#include "base/element_traits.h"
#include "devices/cpu/kernels/elementwise/half.h"
#include "devices/cpu/kernels/simd/for_elements.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/convert_direct.cc"
#include "devices/cpu/kernels/elementwise/convert_value.h"
#include "devices/cpu/kernels/simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Plain loops, compiled for each instruction set: the compiler makes vector code of all of them.
template <typename From, typename To>
void ConvertRow(const From* x, To* y, size_t count) {
  ForElements(count, [=](size_t i) { y[i] = ConvertValue<To, From>(x[i]); });
}

#if HWY_TARGET != HWY_SCALAR
// The plain loop spends twice the time of the memory on what is out of range.
inline void ConvertRow(const float* x, int32_t* y, size_t count) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<int32_t, decltype(d)> di;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = hn::LoadU(d, x + i);
    // Beyond the ends is the nearer one.
    hn::StoreU(hn::ConvertTo(di, hn::IfThenElseZero(hn::Eq(v, v), v)), di, y + i);
  }
  for (; i < count; ++i) y[i] = ConvertValue<int32_t, float>(x[i]);
}
#endif

using Sources = TypeList<float, double, int32_t, int64_t, uint8_t, int8_t>;

bool ConvertCommon(ElementType from, const void* x, ElementType to, void* y, size_t count) {
  bool done = false;
  DispatchType(Sources{}, from, [&](auto from_tag) {
    using From = typename decltype(from_tag)::type;
    using Targets = std::conditional_t<
        sizeof(From) == 1, TypeList<float, int32_t, int64_t, bool>,
        std::conditional_t<std::is_same_v<From, double>, TypeList<float, int32_t, int64_t>,
                           TypeList<float, double, int32_t, int64_t, uint8_t, bool>>>;
    done = DispatchType(Targets{}, to, [&](auto to_tag) {
      using To = typename decltype(to_tag)::type;
      ConvertRow(static_cast<const From*>(x), static_cast<To*>(y), count);
    });
  });
  return done;
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

bool ConvertDirectly(ElementType from, const void* x, ElementType to, void* y, size_t count) {
  if (to == ElementType::kFloat && Contains(types::kHalfFloats, from)) {
    WidenToFloat(from, x, static_cast<float*>(y), count);
    return true;
  }
  if (from == ElementType::kFloat && Contains(types::kHalfFloats, to)) {
    NarrowFromFloat(static_cast<const float*>(x), to, y, count);
    return true;
  }
  // A bool is a byte of 0 or 1. Of what becomes a byte the low bits are taken, signed or not.
  if (from == ElementType::kBool) from = ElementType::kUint8;
  if (to == ElementType::kInt8) to = ElementType::kUint8;
  if (to == ElementType::kUint8 && (from == ElementType::kUint8 || from == ElementType::kInt8)) {
    std::memcpy(y, x, count);
    return true;
  }
  return MULLION_SIMD_CALL(ConvertCommon)(from, x, to, y, count);
}

}  // namespace mullion::cpu
#endif
