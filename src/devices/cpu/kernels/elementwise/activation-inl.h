// SPDX-License-Identifier: MIT
// Activations on vectors of float, for kernel files (see simd.h for their layout).

#if defined(MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_ACTIVATION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_ACTIVATION_INL_H_
#undef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_ACTIVATION_INL_H_
#else
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_ACTIVATION_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>

#include "devices/cpu/kernels/elementwise/activation.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"
#include "devices/cpu/kernels/simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

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
    return Silu(d, x, alpha);
  } else if constexpr (kKind == Kind::kHardSigmoid) {
    return AtMost(d, AtLeast(d, hn::MulAdd(alpha, x, beta), zero), one);
  } else if constexpr (kKind == Kind::kHardSwish) {
    const V gate = hn::MulAdd(x, hn::Set(d, 1.0f / 6.0f), hn::Set(d, 0.5f));
    return hn::Mul(x, AtMost(d, AtLeast(d, gate, zero), one));
  } else if constexpr (kKind == Kind::kElu) {
    return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(alpha, Expm1(d, x)), x);
  } else if constexpr (kKind == Kind::kGelu) {
    return Gelu(d, x);
  } else if constexpr (kKind == Kind::kGeluTanh) {
    return GeluTanh(d, x);
  } else {
    return x;
  }
}

// `kUnit`: alpha is known to be 1.
template <Activation::Kind kKind, bool kUnit = false>
void ActivateRowsAs(const Activation& activation, const ActivationRows& rows) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto alpha = hn::Set(d, kUnit ? 1.0f : activation.alpha);
  const auto beta = hn::Set(d, activation.beta);
  const float* x = rows.x;
  const float* residual = rows.residual;
  float* out = rows.out;
  for (int64_t row = 0; row < rows.count; ++row) {
    int64_t i = 0;
    for (; i + lanes <= rows.columns; i += lanes) {
      auto v = hn::LoadU(d, x + i);
      if (residual != nullptr) v = hn::Add(v, hn::LoadU(d, residual + i));
      hn::StoreU(Activate<kKind>(d, v, alpha, beta), d, out + i);
    }
    if (i < rows.columns) {
      const auto left = static_cast<size_t>(rows.columns - i);
      auto v = LoadFirst(d, x + i, left);
      if (residual != nullptr) v = hn::Add(v, LoadFirst(d, residual + i, left));
      StoreFirst(Activate<kKind>(d, v, alpha, beta), d, out + i, left);
    }
    x += rows.x_stride;
    out += rows.out_stride;
    if (residual != nullptr) residual += rows.residual_stride;
  }
}

// See ActivateRows.
inline void ActivateEach(const Activation& activation, ActivationRows rows) {
  using Kind = Activation::Kind;
  // Rows without gaps are one row.
  if (rows.x_stride == rows.columns && rows.out_stride == rows.columns &&
      (rows.residual == nullptr || rows.residual_stride == rows.columns)) {
    rows.columns *= rows.count;
    rows.count = 1;
  }
  const auto run = [&]() {
    switch (activation.kind) {
      case Kind::kNone:
        return &ActivateRowsAs<Kind::kNone>;
      case Kind::kRelu:
        return &ActivateRowsAs<Kind::kRelu>;
      case Kind::kLeakyRelu:
        return &ActivateRowsAs<Kind::kLeakyRelu>;
      case Kind::kClip:
        return &ActivateRowsAs<Kind::kClip>;
      case Kind::kSigmoid:
        return &ActivateRowsAs<Kind::kSigmoid>;
      case Kind::kTanh:
        return &ActivateRowsAs<Kind::kTanh>;
      case Kind::kSilu:
        return activation.alpha == 1.0f ? &ActivateRowsAs<Kind::kSilu, true>
                                        : &ActivateRowsAs<Kind::kSilu>;
      case Kind::kHardSigmoid:
        return &ActivateRowsAs<Kind::kHardSigmoid>;
      case Kind::kHardSwish:
        return &ActivateRowsAs<Kind::kHardSwish>;
      case Kind::kElu:
        return &ActivateRowsAs<Kind::kElu>;
      case Kind::kGelu:
        return &ActivateRowsAs<Kind::kGelu>;
      case Kind::kGeluTanh:
        return &ActivateRowsAs<Kind::kGeluTanh>;
    }
    return &ActivateRowsAs<Kind::kNone>;
  }();
  run(activation, rows);
}

// The same for one row.
inline void ActivateRow(const Activation& activation, const float* x, const float* residual,
                        float* out, size_t count) {
  ActivationRows row;
  row.x = x;
  row.residual = residual;
  row.out = out;
  row.count = 1;
  row.columns = static_cast<int64_t>(count);
  ActivateEach(activation, row);
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_ACTIVATION_INL_H_
