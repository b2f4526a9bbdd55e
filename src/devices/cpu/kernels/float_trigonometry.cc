// SPDX-License-Identifier: MIT
#include <cmath>

#include "devices/cpu/kernels/float_function.h"
#include "devices/cpu/kernels/number_unary.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/float_trigonometry.cc"
#include "devices/cpu/kernels/simd.h"

#include "devices/cpu/kernels/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The largest argument whose quarter turns are counted in 13 bits.
constexpr float kLargestAngle = 12800.0f;

// Sine for quarters = 0, cosine for quarters = 1, within two units of the last place of the result
// or 2^-25, whichever is more. |x| <= kLargestAngle.
template <class D, class V>
HWY_INLINE V SineFrom(D d, V x, int quarters) {
  const hn::RebindToSigned<D> di;
  // x = n pi/2 + r with |r| <= pi/4. The sum with 1.5 * 2^23 has n in its low bits.
  const V magic = hn::Set(d, 12582912.0f);
  const V shifted = hn::MulAdd(x, hn::Set(d, 0.636619772f), magic);
  const V n = hn::Sub(shifted, magic);
  // pi/2 in four parts, of which the first three have 8, 11 and 11 bits: their products with n are
  // exact, and so are the differences.
  V r = hn::NegMulAdd(n, hn::Set(d, 1.5703125f), x);
  r = hn::NegMulAdd(n, hn::Set(d, 0.000483751296997070312f), r);
  r = hn::NegMulAdd(n, hn::Set(d, 7.54953362047672271728e-08f), r);
  r = hn::NegMulAdd(n, hn::Set(d, 2.56334407e-12f), r);
  const V z = hn::Mul(r, r);
  // Minimax fits: sin r = r + r^3 P(r^2), error 4e-9; cos r = 1 - r^2/2 + r^4 Q(r^2), error 1e-10.
  V p = hn::MulAdd(hn::Set(d, -0.000195172347f), z, hn::Set(d, 0.00833217769f));
  p = hn::MulAdd(p, z, hn::Set(d, -0.166666549f));
  const V sine = hn::MulAdd(hn::Mul(p, z), r, r);
  V q = hn::MulAdd(hn::Set(d, 2.44383795e-05f), z, hn::Set(d, -0.00138873669f));
  q = hn::MulAdd(q, z, hn::Set(d, 0.0416666469f));
  const V half = hn::NegMulAdd(hn::Set(d, 0.5f), z, hn::Set(d, 1.0f));
  const V cosine = hn::MulAdd(hn::Mul(q, z), z, half);
  // Odd quarter turns exchange the two, and every second pair changes the sign.
  const auto turn = hn::Add(hn::BitCast(di, shifted), hn::Set(di, quarters));
  const auto odd = hn::TestBit(turn, hn::Set(di, 1));
  const auto sign = hn::ShiftLeft<30>(hn::And(turn, hn::Set(di, 2)));
  const V y = hn::IfThenElse(hn::RebindMask(d, odd), cosine, sine);
  return hn::Xor(y, hn::BitCast(d, sign));
}

// Writes the first `count` lanes. Larger angles are left to the standard library, lane by lane.
template <class D, class V>
HWY_INLINE void StoreSine(D d, V x, int quarters, float* to, size_t count) {
  const V bounded = hn::Min(hn::Max(x, hn::Set(d, -kLargestAngle)), hn::Set(d, kLargestAngle));
  StoreFirst(SineFrom(d, bounded, quarters), d, to, count);
  // NaN and infinities are not below the bound either.
  if (HWY_LIKELY(hn::AllTrue(d, hn::Le(hn::Abs(x), hn::Set(d, kLargestAngle))))) return;
  HWY_ALIGN float lanes[hn::MaxLanes(D())];
  hn::Store(x, d, lanes);
  for (size_t i = 0; i < count; ++i) {
    if (std::fabs(lanes[i]) <= kLargestAngle) continue;
    to[i] = quarters == 0 ? std::sin(lanes[i]) : std::cos(lanes[i]);
  }
}

void SineRow(int quarters, const float* x, float* y, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    StoreSine(d, hn::LoadU(d, x + i), quarters, y + i, lanes);
  }
  if (i < count) {
    StoreSine(d, LoadFirst(d, x + i, count - i), quarters, y + i, count - i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void FloatTrigonometry(const operators::ElementwiseStep& step, const float* x, float* y,
                       size_t count) {
  using Op = operators::ElementwiseOp;
  if (step.op == Op::kSin || step.op == Op::kCos) {
    MULLION_SIMD_CALL(SineRow)(step.op == Op::kSin ? 0 : 1, x, y, count);
  } else {
    PlainTrigonometry(step.op, x, y, count);
  }
}

}  // namespace mullion::cpu
#endif
