// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/float_binary.h"

#include <cmath>
#include <limits>

#include "devices/cpu/kernels/elementwise/double_function.h"
#include "devices/cpu/kernels/elementwise/float_function.h"
#include "devices/cpu/kernels/elementwise/number_binary.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/float_binary.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/elementwise/activation-inl.h"
#include "devices/cpu/kernels/simd/partial_vector-inl.h"
#include "devices/cpu/kernels/simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Op = operators::ElementwiseOp;

template <Op kOp, class D, class V>
HWY_INLINE V Combine(D d, V a, V b, V alpha) {
  if constexpr (kOp == Op::kAdd) {
    return hn::Add(a, b);
  } else if constexpr (kOp == Op::kSub) {
    return hn::Sub(a, b);
  } else if constexpr (kOp == Op::kMul) {
    return hn::Mul(a, b);
  } else if constexpr (kOp == Op::kDiv) {
    return hn::Div(a, b);
  } else if constexpr (kOp == Op::kMin) {
    // As numpy's minimum: NaN of either operand wins.
    return hn::IfThenElse(hn::IsNaN(b), b, AtMost(d, a, b));
  } else if constexpr (kOp == Op::kMax) {
    return hn::IfThenElse(hn::IsNaN(b), b, AtLeast(d, a, b));
  } else if constexpr (kOp == Op::kPRelu) {
    return hn::IfThenElse(hn::Lt(a, hn::Zero(d)), hn::Mul(a, b), a);
  } else {
    static_assert(kOp == Op::kSwiGlu);
    return hn::Mul(Silu(d, a, alpha), b);
  }
}

template <Op kOp, bool kRepeatA, bool kRepeatB>
void CombineRow(float alpha_value, const float* a, const float* b, float* y, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto alpha = hn::Set(d, alpha_value);
  const auto one_a = hn::Set(d, *a);
  const auto one_b = hn::Set(d, *b);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto va = kRepeatA ? one_a : hn::LoadU(d, a + i);
    const auto vb = kRepeatB ? one_b : hn::LoadU(d, b + i);
    hn::StoreU(Combine<kOp>(d, va, vb, alpha), d, y + i);
  }
  if (i < count) {
    const auto va = kRepeatA ? one_a : LoadFirst(d, a + i, count - i);
    const auto vb = kRepeatB ? one_b : LoadFirst(d, b + i, count - i);
    StoreFirst(Combine<kOp>(d, va, vb, alpha), d, y + i, count - i);
  }
}

template <Op kOp>
void CombineRows(float alpha, Operand<float> a, Operand<float> b, float* y, size_t count) {
  if (a.step == 0) return CombineRow<kOp, true, false>(alpha, a.data, b.data, y, count);
  if (b.step == 0) return CombineRow<kOp, false, true>(alpha, a.data, b.data, y, count);
  return CombineRow<kOp, false, false>(alpha, a.data, b.data, y, count);
}

void FloatBinary(Op op, float alpha, Operand<float> a, Operand<float> b, float* y, size_t count) {
  switch (op) {
    case Op::kAdd:
      return CombineRows<Op::kAdd>(alpha, a, b, y, count);
    case Op::kSub:
      return CombineRows<Op::kSub>(alpha, a, b, y, count);
    case Op::kMul:
      return CombineRows<Op::kMul>(alpha, a, b, y, count);
    case Op::kDiv:
      return CombineRows<Op::kDiv>(alpha, a, b, y, count);
    case Op::kMin:
      return CombineRows<Op::kMin>(alpha, a, b, y, count);
    case Op::kMax:
      return CombineRows<Op::kMax>(alpha, a, b, y, count);
    case Op::kPRelu:
      return CombineRows<Op::kPRelu>(alpha, a, b, y, count);
    case Op::kSwiGlu:
      return CombineRows<Op::kSwiGlu>(alpha, a, b, y, count);
    default:
      return;
  }
}

// The remainder with the dividend's sign, exact. With a fused multiply-add: where the rounded
// quotient is below 2^22, its whole part q is right or one too large, the latter only where the
// quotient was rounded up to an integer; so x - q y is exact, and so is y more.
void RemainderRow(Operand<float> a, Operand<float> b, float* y, size_t count) {
#if HWY_NATIVE_FMA
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto one_a = hn::Set(d, *a.data);
  const auto one_b = hn::Set(d, *b.data);
  const auto least = hn::Set(d, std::numeric_limits<float>::min());
  const auto most = hn::Set(d, std::numeric_limits<float>::max());
  for (size_t i = 0; i < count; i += lanes) {
    const size_t n = HWY_MIN(lanes, count - i);
    const auto p = a.step == 0 ? one_a : LoadFirst(d, a.data + i, n);
    const auto q = b.step == 0 ? one_b : LoadFirstOr(d, b.data + i, n, most);
    const auto x = hn::Abs(p);
    const auto by = hn::Abs(q);
    const auto quotient = hn::Div(x, by);
    auto r = hn::NegMulAdd(hn::Trunc(quotient), by, x);
    r = hn::IfThenElse(hn::Lt(r, hn::Zero(d)), hn::Add(r, by), r);
    const auto usual = hn::And(hn::Lt(quotient, hn::Set(d, 4194304.0f)),
                               hn::And(hn::Ge(by, least), hn::Le(by, most)));
    if (HWY_LIKELY(hn::AllTrue(d, usual))) {
      StoreFirst(hn::CopySign(r, p), d, y + i, n);
      continue;
    }
    HWY_ALIGN float left[hn::MaxLanes(hn::ScalableTag<float>())];
    HWY_ALIGN float right[hn::MaxLanes(hn::ScalableTag<float>())];
    hn::Store(p, d, left);
    hn::Store(q, d, right);
    for (size_t lane = 0; lane < n; ++lane) y[i + lane] = std::fmod(left[lane], right[lane]);
  }
#else
  NumberBinary({operators::ElementwiseOp::kFmod}, ElementType::kFloat, {a.data, a.step},
               {b.data, b.step}, y, count);
#endif
}

// x^n by repeated squaring: at most six roundings for n <= 8.
template <class D, class V>
HWY_INLINE V SmallPower(D d, V x, unsigned n) {
  V power = hn::Set(d, 1.0f);
  for (V square = x;; square = hn::Mul(square, square)) {
    if ((n & 1) != 0) power = hn::Mul(power, square);
    n >>= 1;
    if (n == 0) return power;
  }
}

void SmallPowerRow(int exponent, const float* x, float* y, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto n = static_cast<unsigned>(exponent < 0 ? -exponent : exponent);
  const auto one = hn::Set(d, 1.0f);
  for (size_t i = 0; i < count; i += lanes) {
    const bool whole = i + lanes <= count;
    auto v = SmallPower(d, whole ? hn::LoadU(d, x + i) : LoadFirst(d, x + i, count - i), n);
    if (exponent < 0) v = hn::Div(one, v);
    if (whole) {
      hn::StoreU(v, d, y + i);
    } else {
      StoreFirst(v, d, y + i, count - i);
    }
  }
}

// y = x^0.5, or x^-0.5 if `inverse`: the root, but 0 of -0 and infinity of -infinity.
void RootRow(bool inverse, const float* x, float* y, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto infinity = hn::Inf(d);
  for (size_t i = 0; i < count; i += lanes) {
    const size_t n = HWY_MIN(lanes, count - i);
    const auto v = LoadFirst(d, x + i, n);
    // -0 + 0 is 0.
    const auto root =
        hn::IfThenElse(hn::Eq(v, hn::Neg(infinity)), infinity, hn::Sqrt(hn::Add(v, hn::Zero(d))));
    StoreFirst(inverse ? hn::Div(hn::Set(d, 1.0f), root) : root, d, y + i, n);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

namespace {

// Powers that models ask for by a constant: squares, cubes, roots, reciprocals. Says whether the
// exponent was one of them.
bool ConstantPower(const float* x, float exponent, float* y, size_t count) {
  if (exponent == 0.5f || exponent == -0.5f) {
    MULLION_SIMD_CALL(RootRow)(exponent < 0, x, y, count);
    return true;
  }
  if (!(exponent >= -8 && exponent <= 8) || exponent != std::floor(exponent)) return false;
  MULLION_SIMD_CALL(SmallPowerRow)(static_cast<int>(exponent), x, y, count);
  return true;
}

}  // namespace

void FloatBinary(const operators::ElementwiseStep& step, Operand<float> a, Operand<float> b,
                 float* y, size_t count) {
  using Op = operators::ElementwiseOp;
  if (count == 0) return;
  if (step.op == Op::kPow && b.step == 0 && ConstantPower(a.data, *b.data, y, count)) return;
  if (step.op == Op::kPow) {
    if (FloatPower(a, b, y, count)) return;
    return NumberBinary(step, ElementType::kFloat, {a.data, a.step}, {b.data, b.step}, y, count);
  }
  if (step.op == Op::kFmod) return MULLION_SIMD_CALL(RemainderRow)(a, b, y, count);
  MULLION_SIMD_CALL(FloatBinary)(step.op, step.alpha, a, b, y, count);
}

}  // namespace mullion::cpu
#endif
