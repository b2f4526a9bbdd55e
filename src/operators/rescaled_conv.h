// SPDX-License-Identifier: MIT
// RescaledConv: a QLinearConv whose bytes are scaled and shifted by channel, added to others, and
// quantized again; an operator of the internal domain that the optimizer makes of what stands
// between the two quantizations.
//
//   q = QLinearConv(x, w) - its zero point
//   y = clamp(round(q * factor + shift + residual * residual_factor) + zero)
//
// Attributes are those of Conv, and `rectified`: y is `zero` at least.
#ifndef MULLION_OPERATORS_RESCALED_CONV_H_
#define MULLION_OPERATORS_RESCALED_CONV_H_

#include <string_view>

namespace mullion::operators {

inline constexpr std::string_view kRescaledConv = "RescaledConv";

namespace rescaled_conv {

// Before kFactors, the inputs of QLinearConv.
enum Input {
  kX,
  kXScale,
  kXZero,
  kW,
  kWScale,
  kWZero,
  kQScale,
  kQZero,
  kBias,     // optional
  kFactors,  // one per output channel, as kShifts and kResidualFactors
  kShifts,
  kZero,      // of the type of y
  kResidual,  // bytes of the shape of y; optional, with its factors
  kResidualFactors,
};

inline constexpr std::string_view kRectified = "rectified";

}  // namespace rescaled_conv

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_RESCALED_CONV_H_
