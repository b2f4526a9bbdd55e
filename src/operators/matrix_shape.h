// SPDX-License-Identifier: MIT
// Sizes of a matrix product of stacks of matrices, as numpy's matmul defines it.
#ifndef MULLION_OPERATORS_MATRIX_SHAPE_H_
#define MULLION_OPERATORS_MATRIX_SHAPE_H_

#include <cstdint>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

// [..., rows, depth] x [..., depth, columns]; a vector on the left is one row, on the right one
// column, and that axis is left out of the output. Dimensions may be unknown.
struct MatrixShape {
  static Result<MatrixShape> FromShapes(const Node& node, const Shape& left, const Shape& right);

  int64_t rows = 1;
  int64_t depth = 0;
  int64_t columns = 1;
  Shape left_batch;
  Shape right_batch;
  Shape batch;  // the two broadcast
  Shape output;

  // For concrete shapes: which matrix of an operand product `index` of the batch reads.
  int64_t LeftMatrix(int64_t index) const { return Matrix(left_batch, index); }
  int64_t RightMatrix(int64_t index) const { return Matrix(right_batch, index); }

 private:
  int64_t Matrix(const Shape& operand, int64_t index) const;
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_MATRIX_SHAPE_H_
