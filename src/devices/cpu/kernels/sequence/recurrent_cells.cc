// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/sequence/recurrent_cells.h"

#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/sequence/recurrent_cells.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/elementwise/activation-inl.h"
#include "devices/cpu/kernels/simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
using operators::RecurrentActivation;
using Kind = RecurrentActivation::Kind;

HWY_INLINE V Clip(V x, V bound) {
  const D d;
  return AtLeast(d, AtMost(d, x, bound), hn::Neg(bound));
}

// Out of line: every use would otherwise carry all functions.
HWY_NOINLINE V Activate(const RecurrentActivation& activation, V x) {
  const D d;
  const V alpha = hn::Set(d, activation.alpha);
  const V beta = hn::Set(d, activation.beta);
  const V zero = hn::Zero(d);
  const V one = hn::Set(d, 1.0f);
  switch (activation.kind) {
    case Kind::kAffine:
      return hn::MulAdd(alpha, x, beta);
    case Kind::kRelu:
      return AtLeast(d, x, zero);
    case Kind::kLeakyRelu:
      return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(alpha, x), x);
    case Kind::kThresholdedRelu:
      return hn::IfThenElseZero(hn::Gt(x, alpha), x);
    case Kind::kTanh:
      return Tanh(d, x);
    case Kind::kScaledTanh:
      return hn::Mul(alpha, Tanh(d, hn::Mul(beta, x)));
    case Kind::kSigmoid:
      return Sigmoid(d, x);
    case Kind::kHardSigmoid:
      return AtLeast(d, AtMost(d, hn::MulAdd(alpha, x, beta), one), zero);
    case Kind::kElu:
      return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(alpha, Expm1(d, x)), x);
    case Kind::kSoftsign:
      return hn::Div(x, hn::Add(one, hn::Abs(x)));
    case Kind::kSoftplus:
      // log(1 + e^-|x|) + max(x, 0) does not overflow.
      return hn::Add(Log1p(d, Exp(d, hn::Neg(hn::Abs(x)))), hn::Max(x, zero));
  }
  return x;
}

// The default functions are inlined, all others called.
struct Sigmoids {
  HWY_INLINE V operator()(const RecurrentActivation& /*activation*/, V x) const {
    return Sigmoid(D(), x);
  }
};
struct Tanhs {
  HWY_INLINE V operator()(const RecurrentActivation& /*activation*/, V x) const {
    return Tanh(D(), x);
  }
};
struct AnyActivation {
  V operator()(const RecurrentActivation& activation, V x) const { return Activate(activation, x); }
};

template <class Gate, class Squash>
void LstmCellWith(const CellArguments<float>& a, const float* HWY_RESTRICT gates, float* cell,
                  float* hidden, Gate gate, Squash squash) {
  const D d;
  const V bound = hn::Set(d, a.clip);
  const V one = hn::Set(d, 1.0f);
  for (int64_t i = 0; i < a.width; i += static_cast<int64_t>(hn::MaxLanes(d))) {
    V input = hn::LoadU(d, gates + i);
    V output = hn::LoadU(d, gates + a.width + i);
    V forget = hn::LoadU(d, gates + 2 * a.width + i);
    const V fresh = squash(a.activations[1], Clip(hn::LoadU(d, gates + 3 * a.width + i), bound));
    const V old = hn::LoadU(d, cell + i);
    if (a.peepholes != nullptr) {
      input = hn::MulAdd(hn::LoadU(d, a.peepholes + i), old, input);
      forget = hn::MulAdd(hn::LoadU(d, a.peepholes + 2 * a.width + i), old, forget);
    }
    input = gate(a.activations[0], Clip(input, bound));
    forget = a.input_forget ? hn::Sub(one, input) : gate(a.activations[0], Clip(forget, bound));
    const V now = hn::MulAdd(forget, old, hn::Mul(input, fresh));
    if (a.peepholes != nullptr) {
      output = hn::MulAdd(hn::LoadU(d, a.peepholes + a.width + i), now, output);
    }
    output = gate(a.activations[0], Clip(output, bound));
    hn::StoreU(now, d, cell + i);
    hn::StoreU(hn::Mul(output, squash(a.activations[2], now)), d, hidden + i);
  }
}

}  // namespace

void LstmCellSimd(const CellArguments<float>& a, const float* gates, float* cell, float* hidden) {
  const bool usual = a.activations[0].kind == Kind::kSigmoid &&
                     a.activations[1].kind == Kind::kTanh && a.activations[2].kind == Kind::kTanh;
  if (usual) {
    LstmCellWith(a, gates, cell, hidden, Sigmoids(), Tanhs());
  } else {
    LstmCellWith(a, gates, cell, hidden, AnyActivation(), AnyActivation());
  }
}

void GruGatesSimd(const CellArguments<float>& a, float* gates, const float* hidden, float* scaled) {
  const D d;
  const int64_t step = static_cast<int64_t>(hn::MaxLanes(d));
  const V bound = hn::Set(d, a.clip);
  for (int64_t i = 0; i < 2 * a.width; i += step) {
    const V x = Clip(hn::LoadU(d, gates + i), bound);
    hn::StoreU(
        a.activations[0].kind == Kind::kSigmoid ? Sigmoid(d, x) : Activate(a.activations[0], x), d,
        gates + i);
  }
  if (scaled == nullptr) return;
  for (int64_t i = 0; i < a.width; i += step) {
    hn::StoreU(hn::Mul(hn::LoadU(d, gates + a.width + i), hn::LoadU(d, hidden + i)), d, scaled + i);
  }
}

void GruOutputSimd(const CellArguments<float>& a, const float* gates, const float* input,
                   const float* recurrent, float* hidden) {
  const D d;
  const V bound = hn::Set(d, a.clip);
  for (int64_t i = 0; i < a.width; i += static_cast<int64_t>(hn::MaxLanes(d))) {
    V x = hn::LoadU(d, input + i);
    if (recurrent != nullptr) {
      x = hn::MulAdd(hn::LoadU(d, gates + a.width + i), hn::LoadU(d, recurrent + i), x);
    }
    x = Clip(x, bound);
    const V fresh =
        a.activations[1].kind == Kind::kTanh ? Tanh(d, x) : Activate(a.activations[1], x);
    const V update = hn::LoadU(d, gates + i);
    const V old = hn::LoadU(d, hidden + i);
    // (1 - z) n + z h = n + z (h - n)
    hn::StoreU(hn::MulAdd(update, hn::Sub(old, fresh), fresh), d, hidden + i);
  }
}

void RnnCellSimd(const CellArguments<float>& a, const float* sums, float* hidden) {
  const D d;
  const V bound = hn::Set(d, a.clip);
  for (int64_t i = 0; i < a.width; i += static_cast<int64_t>(hn::MaxLanes(d))) {
    const V x = Clip(hn::LoadU(d, sums + i), bound);
    hn::StoreU(Activate(a.activations[0], x), d, hidden + i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void LstmCell(const CellArguments<float>& arguments, const float* gates, float* cell,
              float* hidden) {
  MULLION_SIMD_CALL(LstmCellSimd)(arguments, gates, cell, hidden);
}

void GruGates(const CellArguments<float>& arguments, float* gates, const float* hidden,
              float* scaled) {
  MULLION_SIMD_CALL(GruGatesSimd)(arguments, gates, hidden, scaled);
}

void GruOutput(const CellArguments<float>& arguments, const float* gates, const float* input,
               const float* recurrent, float* hidden) {
  MULLION_SIMD_CALL(GruOutputSimd)(arguments, gates, input, recurrent, hidden);
}

void RnnCell(const CellArguments<float>& arguments, const float* sums, float* hidden) {
  MULLION_SIMD_CALL(RnnCellSimd)(arguments, sums, hidden);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
