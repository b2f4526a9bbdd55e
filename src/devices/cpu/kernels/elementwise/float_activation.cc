// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/float_function.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/float_activation.cc"
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
HWY_INLINE V ApplyActivation(D d, V x, V alpha, V beta) {
  using Kind = Activation::Kind;
  const V zero = hn::Zero(d);
  if constexpr (kOp == Op::kRelu) {
    return Activate<Kind::kRelu>(d, x, alpha, beta);
  } else if constexpr (kOp == Op::kLeakyRelu) {
    return Activate<Kind::kLeakyRelu>(d, x, alpha, beta);
  } else if constexpr (kOp == Op::kElu) {
    return Activate<Kind::kElu>(d, x, alpha, beta);
  } else if constexpr (kOp == Op::kSelu) {
    const V negative = hn::Mul(hn::Mul(alpha, beta), Expm1(d, x));
    return hn::IfThenElse(hn::Gt(x, zero), hn::Mul(beta, x), negative);
  } else if constexpr (kOp == Op::kCelu) {
    return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(alpha, Expm1(d, hn::Div(x, alpha))), x);
  } else if constexpr (kOp == Op::kGelu) {
    return Activate<Kind::kGelu>(d, x, alpha, beta);
  } else if constexpr (kOp == Op::kGeluTanh) {
    return Activate<Kind::kGeluTanh>(d, x, alpha, beta);
  } else if constexpr (kOp == Op::kHardSigmoid) {
    return Activate<Kind::kHardSigmoid>(d, x, alpha, beta);
  } else if constexpr (kOp == Op::kHardSwish) {
    return Activate<Kind::kHardSwish>(d, x, alpha, beta);
  } else if constexpr (kOp == Op::kMish) {
    // tanh(log(1 + e)) = n / (n + 2) with n = e (e + 2), e = e^x. From 20 on it is 1 to the last
    // place, and the bound keeps e^2 finite.
    const V e = Exp(d, AtMost(d, x, hn::Set(d, 20.0f)));
    const V two = hn::Set(d, 2.0f);
    const V n = hn::Mul(e, hn::Add(e, two));
    return hn::Mul(x, hn::Div(n, hn::Add(n, two)));
  } else if constexpr (kOp == Op::kSoftplus) {
    // max(x, 0) + log(1 + e^-|x|), which does not overflow.
    return hn::Add(AtLeast(d, x, zero), Log1p(d, Exp(d, hn::Neg(hn::Abs(x)))));
  } else if constexpr (kOp == Op::kSoftsign) {
    return hn::Div(x, hn::Add(hn::Set(d, 1.0f), hn::Abs(x)));
  } else if constexpr (kOp == Op::kThresholdedRelu) {
    return hn::IfThenElseZero(hn::Gt(x, alpha), x);
  } else if constexpr (kOp == Op::kShrink) {
    const V above = hn::IfThenElseZero(hn::Gt(x, beta), hn::Sub(x, alpha));
    return hn::IfThenElse(hn::Lt(x, hn::Neg(beta)), hn::Add(x, alpha), above);
  } else if constexpr (kOp == Op::kSwish) {
    return Activate<Kind::kSilu>(d, x, alpha, beta);
  } else {
    static_assert(kOp == Op::kClip);
    return Activate<Kind::kClip>(d, x, alpha, beta);
  }
}

template <Op kOp>
void ActivationRow(float alpha_value, float beta_value, const float* x, float* y, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto alpha = hn::Set(d, alpha_value);
  const auto beta = hn::Set(d, beta_value);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(ApplyActivation<kOp>(d, hn::LoadU(d, x + i), alpha, beta), d, y + i);
  }
  if (i < count) {
    const auto part = ApplyActivation<kOp>(d, LoadFirst(d, x + i, count - i), alpha, beta);
    StoreFirst(part, d, y + i, count - i);
  }
}

void FloatActivation(Op op, float alpha, float beta, const float* x, float* y, size_t count) {
  switch (op) {
    case Op::kRelu:
      return ActivationRow<Op::kRelu>(alpha, beta, x, y, count);
    case Op::kLeakyRelu:
      return ActivationRow<Op::kLeakyRelu>(alpha, beta, x, y, count);
    case Op::kElu:
      return ActivationRow<Op::kElu>(alpha, beta, x, y, count);
    case Op::kSelu:
      return ActivationRow<Op::kSelu>(alpha, beta, x, y, count);
    case Op::kCelu:
      return ActivationRow<Op::kCelu>(alpha, beta, x, y, count);
    case Op::kGelu:
      return ActivationRow<Op::kGelu>(alpha, beta, x, y, count);
    case Op::kGeluTanh:
      return ActivationRow<Op::kGeluTanh>(alpha, beta, x, y, count);
    case Op::kHardSigmoid:
      return ActivationRow<Op::kHardSigmoid>(alpha, beta, x, y, count);
    case Op::kHardSwish:
      return ActivationRow<Op::kHardSwish>(alpha, beta, x, y, count);
    case Op::kMish:
      return ActivationRow<Op::kMish>(alpha, beta, x, y, count);
    case Op::kSoftplus:
      return ActivationRow<Op::kSoftplus>(alpha, beta, x, y, count);
    case Op::kSoftsign:
      return ActivationRow<Op::kSoftsign>(alpha, beta, x, y, count);
    case Op::kThresholdedRelu:
      return ActivationRow<Op::kThresholdedRelu>(alpha, beta, x, y, count);
    case Op::kShrink:
      return ActivationRow<Op::kShrink>(alpha, beta, x, y, count);
    case Op::kSwish:
      return ActivationRow<Op::kSwish>(alpha, beta, x, y, count);
    case Op::kClip:
      return ActivationRow<Op::kClip>(alpha, beta, x, y, count);
    default:
      return;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void FloatActivation(const operators::ElementwiseStep& step, const float* x, float* y,
                     size_t count) {
  MULLION_SIMD_CALL(FloatActivation)(step.op, step.alpha, step.beta, x, y, count);
}

}  // namespace mullion::cpu
#endif
