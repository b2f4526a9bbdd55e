// SPDX-License-Identifier: MIT
// The activations that the epilogue of a kernel can apply to its sums.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_ACTIVATION_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_ACTIVATION_H_

#include <cstdint>

namespace mullion::cpu {

struct Activation {
  enum class Kind : uint8_t {
    kNone,
    kRelu,         // max(x, 0)
    kLeakyRelu,    // x < 0 ? alpha x : x
    kClip,         // min(max(x, alpha), beta)
    kSigmoid,      // 1 / (1 + e^-x)
    kTanh,         //
    kSilu,         // x sigmoid(alpha x): Swish
    kHardSigmoid,  // min(max(alpha x + beta, 0), 1)
    kHardSwish,    // x min(max(x / 6 + 1/2, 0), 1)
    kElu,          // x < 0 ? alpha (e^x - 1) : x
    kGelu,         // x/2 (1 + erf(x / sqrt(2)))
    kGeluTanh,     // x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
  };
  Kind kind = Kind::kNone;
  float alpha = 0.0f;
  float beta = 0.0f;
};

struct ActivationRows {
  const float* x = nullptr;
  int64_t x_stride = 0;
  const float* residual = nullptr;  // may be null
  int64_t residual_stride = 0;
  float* out = nullptr;  // may be `x`
  int64_t out_stride = 0;
  int64_t count = 0;
  int64_t columns = 0;
};

// out = activation(x + residual), row by row.
void ActivateRows(const Activation& activation, const ActivationRows& rows);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_ACTIVATION_H_
