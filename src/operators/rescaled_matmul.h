// SPDX-License-Identifier: MIT
// RescaledMatMul: a QLinearMatMul with a bias, and bytes that may be scaled and shifted by column
// and quantized again; an operator of the internal domain that the optimizer makes of a matrix
// product and what stands between its quantization and the next.
//
//   q = QLinearMatMul(a, b) with the bias added to its sums, less its zero point
//   y = q + zero point, or clamp(round(q * factor + shift) + zero) where there are factors
//
// Right operands are matrices of two axes, and scales are one for all but those of their columns.
// Stacks of matrices, of as many axes as y, may have shifts for each index of their first axis, of
// the shape [stacks, 1, ..., 1, columns] or with one for all columns. A product of one column is
// repeated for as many shifts as there are.
// With the attribute `rectified` y is `zero` at least.
#ifndef MULLION_OPERATORS_RESCALED_MATMUL_H_
#define MULLION_OPERATORS_RESCALED_MATMUL_H_

#include <string_view>

namespace mullion::operators {

inline constexpr std::string_view kRescaledMatMul = "RescaledMatMul";

namespace rescaled_matmul {

// Before kBias, the inputs of QLinearMatMul.
enum Input {
  kA,
  kAScale,
  kAZero,
  kB,
  kBScale,
  kBZero,
  kQScale,
  kQZero,
  kBias,     // int32, one per column, as kFactors and kShifts; optional
  kFactors,  // or one for all, as kShifts; optional, with what follows
  kShifts,
  kZero,  // of the type of y
};

inline constexpr std::string_view kRectified = "rectified";

}  // namespace rescaled_matmul

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_RESCALED_MATMUL_H_
