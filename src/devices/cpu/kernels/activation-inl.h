// SPDX-License-Identifier: MIT
// Activations on vectors of float, for kernel files (see simd.h for their layout).

#if defined(MULLION_DEVICES_CPU_KERNELS_ACTIVATION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MULLION_DEVICES_CPU_KERNELS_ACTIVATION_INL_H_
#undef MULLION_DEVICES_CPU_KERNELS_ACTIVATION_INL_H_
#else
#define MULLION_DEVICES_CPU_KERNELS_ACTIVATION_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>

#include "devices/cpu/kernels/activation.h"

#include "devices/cpu/kernels/partial_vector-inl.h"
#include "devices/cpu/kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

// Whether Max and Min keep a NaN of their second operand. The x86 instructions give that operand
// when either is NaN, wasm's give NaN; NEON's (vmaxnm, vminnm) and the plain targets' give the
// other.
#if (HWY_ARCH_X86 || HWY_ARCH_WASM) && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
inline constexpr bool kMaxKeepsNaN = true;
#else
inline constexpr bool kMaxKeepsNaN = false;
#endif

// max(x, low) and min(x, high) in which a NaN of x stays NaN.
template <class D, class V>
HWY_INLINE V AtLeast([[maybe_unused]] D d, V x, V low) {
  namespace hn = hwy::HWY_NAMESPACE;
  if constexpr (kMaxKeepsNaN) {
    return hn::Max(low, x);
  } else {
    return hn::IfThenElse(hn::Lt(x, low), low, x);
  }
}
template <class D, class V>
HWY_INLINE V AtMost([[maybe_unused]] D d, V x, V high) {
  namespace hn = hwy::HWY_NAMESPACE;
  if constexpr (kMaxKeepsNaN) {
    return hn::Min(high, x);
  } else {
    return hn::IfThenElse(hn::Gt(x, high), high, x);
  }
}

template <Activation::Kind kKind, class D, class V>
HWY_INLINE V Activate(D d, V x, [[maybe_unused]] V alpha, [[maybe_unused]] V beta) {
  namespace hn = hwy::HWY_NAMESPACE;
  using Kind = Activation::Kind;
  const V zero = hn::Zero(d);
  const V one = hn::Set(d, 1.0f);
  if constexpr (kKind == Kind::kRelu) {
    return AtLeast(d, x, zero);
  } else if constexpr (kKind == Kind::kLeakyRelu) {
    return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(alpha, x), x);
  } else if constexpr (kKind == Kind::kClip) {
    return AtMost(d, AtLeast(d, x, alpha), beta);
  } else if constexpr (kKind == Kind::kSigmoid) {
    return Sigmoid(d, x);
  } else if constexpr (kKind == Kind::kTanh) {
    return Tanh(d, x);
  } else if constexpr (kKind == Kind::kSilu) {
    return hn::Mul(x, Sigmoid(d, hn::Mul(alpha, x)));
  } else if constexpr (kKind == Kind::kHardSigmoid) {
    return AtMost(d, AtLeast(d, hn::MulAdd(alpha, x, beta), zero), one);
  } else if constexpr (kKind == Kind::kHardSwish) {
    const V gate = hn::MulAdd(x, hn::Set(d, 1.0f / 6.0f), hn::Set(d, 0.5f));
    return hn::Mul(x, AtMost(d, AtLeast(d, gate, zero), one));
  } else if constexpr (kKind == Kind::kElu) {
    return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(alpha, Expm1(d, x)), x);
  } else if constexpr (kKind == Kind::kGelu) {
    const V half = hn::Mul(x, hn::Set(d, 0.5f));
    return hn::MulAdd(half, Erf(d, hn::Mul(x, hn::Set(d, 0.707106781f))), half);
  } else if constexpr (kKind == Kind::kGeluTanh) {
    const V half = hn::Mul(x, hn::Set(d, 0.5f));
    const V cubic = hn::MulAdd(hn::Mul(x, x), hn::Set(d, 0.044715f), one);
    const V inner = hn::Mul(hn::Mul(x, hn::Set(d, 0.797884561f)), cubic);
    return hn::MulAdd(half, Tanh(d, inner), half);
  } else {
    return x;
  }
}

// out = activation(x + residual) for `count` floats; `residual` may be null. `x` and `out` may be
// the same.
template <Activation::Kind kKind>
void ActivateRowAs(const Activation& activation, const float* x, const float* residual, float* out,
                   size_t count) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto alpha = hn::Set(d, activation.alpha);
  const auto beta = hn::Set(d, activation.beta);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    auto v = hn::LoadU(d, x + i);
    if (residual != nullptr) v = hn::Add(v, hn::LoadU(d, residual + i));
    hn::StoreU(Activate<kKind>(d, v, alpha, beta), d, out + i);
  }
  if (i < count) {
    auto v = LoadFirst(d, x + i, count - i);
    if (residual != nullptr) v = hn::Add(v, LoadFirst(d, residual + i, count - i));
    StoreFirst(Activate<kKind>(d, v, alpha, beta), d, out + i, count - i);
  }
}

inline void ActivateRow(const Activation& activation, const float* x, const float* residual,
                        float* out, size_t count) {
  using Kind = Activation::Kind;
  const auto run = [&]() {
    switch (activation.kind) {
      case Kind::kNone:
        return &ActivateRowAs<Kind::kNone>;
      case Kind::kRelu:
        return &ActivateRowAs<Kind::kRelu>;
      case Kind::kLeakyRelu:
        return &ActivateRowAs<Kind::kLeakyRelu>;
      case Kind::kClip:
        return &ActivateRowAs<Kind::kClip>;
      case Kind::kSigmoid:
        return &ActivateRowAs<Kind::kSigmoid>;
      case Kind::kTanh:
        return &ActivateRowAs<Kind::kTanh>;
      case Kind::kSilu:
        return &ActivateRowAs<Kind::kSilu>;
      case Kind::kHardSigmoid:
        return &ActivateRowAs<Kind::kHardSigmoid>;
      case Kind::kHardSwish:
        return &ActivateRowAs<Kind::kHardSwish>;
      case Kind::kElu:
        return &ActivateRowAs<Kind::kElu>;
      case Kind::kGelu:
        return &ActivateRowAs<Kind::kGelu>;
      case Kind::kGeluTanh:
        return &ActivateRowAs<Kind::kGeluTanh>;
    }
    return &ActivateRowAs<Kind::kNone>;
  }();
  run(activation, x, residual, out, count);
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif  // MULLION_DEVICES_CPU_KERNELS_ACTIVATION_INL_H_
