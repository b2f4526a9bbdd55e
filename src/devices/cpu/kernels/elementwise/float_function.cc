// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/float_function.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/float_function.cc"
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
HWY_INLINE V Function(D d, V x) {
  if constexpr (kOp == Op::kAbs) {
    return hn::Abs(x);
  } else if constexpr (kOp == Op::kNeg) {
    return hn::Neg(x);
  } else if constexpr (kOp == Op::kSign) {
    const V zero = hn::Zero(d);
    const V negative = hn::IfThenElse(hn::Lt(x, zero), hn::Set(d, -1.0f), x);  // NaN stays
    return hn::IfThenElse(hn::Gt(x, zero), hn::Set(d, 1.0f), negative);
  } else if constexpr (kOp == Op::kCeil) {
    return hn::Ceil(x);
  } else if constexpr (kOp == Op::kFloor) {
    return hn::Floor(x);
  } else if constexpr (kOp == Op::kRound) {
    return hn::Round(x);
  } else if constexpr (kOp == Op::kSqrt) {
    return hn::Sqrt(x);
  } else if constexpr (kOp == Op::kReciprocal) {
    return hn::Div(hn::Set(d, 1.0f), x);
  } else if constexpr (kOp == Op::kExp) {
    return Exp(d, x);
  } else if constexpr (kOp == Op::kLog) {
    return Log(d, x);
  } else if constexpr (kOp == Op::kErf) {
    return Erf(d, x);
  } else if constexpr (kOp == Op::kTanh) {
    return Tanh(d, x);
  } else {
    static_assert(kOp == Op::kSigmoid);
    // Not the quicker Sigmoid, which is as exact: quantized models round these to bytes, and one
    // byte that differs from what others computed grows from layer to layer.
    const V one = hn::Set(d, 1.0f);
    const V e = Exp<true>(d, hn::Neg(hn::Abs(x)));
    return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
  }
}

template <Op kOp>
void FunctionRow(const float* x, float* y, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(Function<kOp>(d, hn::LoadU(d, x + i)), d, y + i);
  }
  if (i < count) {
    StoreFirst(Function<kOp>(d, LoadFirst(d, x + i, count - i)), d, y + i, count - i);
  }
}

void FloatFunction(Op op, const float* x, float* y, size_t count) {
  switch (op) {
    case Op::kAbs:
      return FunctionRow<Op::kAbs>(x, y, count);
    case Op::kNeg:
      return FunctionRow<Op::kNeg>(x, y, count);
    case Op::kSign:
      return FunctionRow<Op::kSign>(x, y, count);
    case Op::kCeil:
      return FunctionRow<Op::kCeil>(x, y, count);
    case Op::kFloor:
      return FunctionRow<Op::kFloor>(x, y, count);
    case Op::kRound:
      return FunctionRow<Op::kRound>(x, y, count);
    case Op::kSqrt:
      return FunctionRow<Op::kSqrt>(x, y, count);
    case Op::kReciprocal:
      return FunctionRow<Op::kReciprocal>(x, y, count);
    case Op::kExp:
      return FunctionRow<Op::kExp>(x, y, count);
    case Op::kLog:
      return FunctionRow<Op::kLog>(x, y, count);
    case Op::kErf:
      return FunctionRow<Op::kErf>(x, y, count);
    case Op::kTanh:
      return FunctionRow<Op::kTanh>(x, y, count);
    case Op::kSigmoid:
      return FunctionRow<Op::kSigmoid>(x, y, count);
    default:
      return;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void FloatFunction(const operators::ElementwiseStep& step, const float* x, float* y, size_t count) {
  MULLION_SIMD_CALL(FloatFunction)(step.op, x, y, count);
}

}  // namespace mullion::cpu
#endif
