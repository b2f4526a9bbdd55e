// SPDX-License-Identifier: MIT
// How kernels that bound their sums in registers finish pixels: with an epilogue of more than
// bounds they store plain sums and finish what they have stored.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_FINISH_PIXELS_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_FINISH_PIXELS_H_

#include <cstdint>
#include <limits>

#include "devices/cpu/kernels/elementwise/activation.h"
#include "devices/cpu/kernels/matrix/matrix_kernel.h"

namespace mullion::cpu {

// Whether the epilogue, but for its bias, is a comparison with bounds. Infinite ones are set where
// it is not.
inline bool BoundsOf(const Epilogue& epilogue, float& low, float& high) {
  low = -std::numeric_limits<float>::infinity();
  high = std::numeric_limits<float>::infinity();
  if (epilogue.residual != nullptr) return false;
  switch (epilogue.activation.kind) {
    case Activation::Kind::kNone:
      return true;
    case Activation::Kind::kRelu:
      low = 0.0f;
      return true;
    case Activation::Kind::kClip:
      low = epilogue.activation.alpha;
      high = epilogue.activation.beta;
      return true;
    default:
      return false;
  }
}

// Residual and activation, in place, of pixels [first, first + count) of `columns` channels each.
inline void FinishPixels(const Epilogue& epilogue, float* out, int64_t out_stride, int64_t first,
                         int64_t count, int64_t columns) {
  ActivationRows rows;
  rows.x = rows.out = out + first * out_stride;
  rows.x_stride = rows.out_stride = out_stride;
  if (epilogue.residual != nullptr) {
    rows.residual = epilogue.residual + first * epilogue.residual_stride;
    rows.residual_stride = epilogue.residual_stride;
  }
  rows.count = count;
  rows.columns = columns;
  ActivateRows(epilogue.activation, rows);
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_FINISH_PIXELS_H_
