// SPDX-License-Identifier: MIT
// How close two tensors are, by the rules of `verify` and `conformance`.
#ifndef MULLION_TOOLS_COMPARE_H_
#define MULLION_TOOLS_COMPARE_H_

#include <string>

#include "base/tensor.h"

namespace mullion::tools {

// |a - b| <= atol + atol_range * (max - min of the expected finite values) + rtol * |b|.
struct Tolerance {
  double rtol = 1e-3;
  double atol = 1e-7;
  double atol_range = 0;
};

struct Comparison {
  bool ok = true;
  double max_abs = 0;  // over elements that are finite in both
  double max_rel = 0;
  std::string detail;  // the first thing that is wrong; empty when ok
};

// Types and shapes must be equal. Floating-point types of 16 bits and more go by the tolerance; all
// others, strings included, must be equal. NaN equals NaN; infinities must agree in sign.
Comparison CompareTensors(const TensorView& actual, const TensorView& expected,
                          const Tolerance& tolerance);

}  // namespace mullion::tools

#endif  // MULLION_TOOLS_COMPARE_H_
