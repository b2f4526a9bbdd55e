// SPDX-License-Identifier: MIT
// In which precision a product may be computed. The optimizer marks Conv, Gemm and MatMul nodes of
// float, whose tensors stay float, when the caller of the session asked for half precision and a
// device has it:
//   half_precision   1: operands may be rounded to float16 and products be summed in it
#ifndef MULLION_OPERATORS_PRECISION_H_
#define MULLION_OPERATORS_PRECISION_H_

#include <string_view>

#include "graph/graph.h"

namespace mullion::operators {

inline constexpr std::string_view kHalfPrecision = "half_precision";

inline bool AllowsHalfPrecision(const Node& node) {
  return node.IntAttribute(kHalfPrecision, 0) != 0;
}

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_PRECISION_H_
