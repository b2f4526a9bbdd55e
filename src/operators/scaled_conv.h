// SPDX-License-Identifier: MIT
// ScaledConv: a ConvInteger with the float arithmetic behind it, an operator of the internal domain
// that the optimizer makes of dynamically quantized graphs.
//
//   y = activation(ConvInteger(x, w) * x_scale * w_scale + bias + residual)
//
// and the three outputs of DynamicQuantizeLinear(y). Attributes are those of Conv and of
// operators/epilogue.h.
#ifndef MULLION_OPERATORS_SCALED_CONV_H_
#define MULLION_OPERATORS_SCALED_CONV_H_

#include <string_view>

namespace mullion::operators {

inline constexpr std::string_view kScaledConv = "ScaledConv";

namespace scaled_conv {

enum Input {
  kX,
  kW,
  kXZero,
  kWZero,
  kXScale,
  kWScale,    // one, or one per output channel; optional
  kBias,      // one per output channel; optional
  kResidual,  // of the shape of y; optional
};

// Each may be left out.
enum Output { kY, kBytes, kScale, kZero };

}  // namespace scaled_conv

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_SCALED_CONV_H_
