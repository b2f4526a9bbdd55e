// SPDX-License-Identifier: MIT
#include "operators/matrix_shape.h"

#include <optional>

#include "base/str_cat.h"

namespace mullion::operators {

Result<MatrixShape> MatrixShape::FromShapes(const Node& node, const Shape& left,
                                            const Shape& right) {
  const auto wrong = [&](const char* why) {
    return node.Error(StatusCode::kInvalidModel, "a product of shapes ", left.ToString(), " and ",
                      right.ToString(), ": ", why);
  };
  if (left.rank() == 0 || right.rank() == 0) return wrong("both must have rank 1 or more");
  MatrixShape shape;
  const int64_t right_depth = right.rank() == 1 ? right[0] : right.Back(1);
  shape.depth = left.Back(0);
  if (shape.depth >= 0 && right_depth >= 0 && shape.depth != right_depth) {
    return wrong("the last axis of the left one must be as long as the last but one of the right");
  }
  if (shape.depth < 0) shape.depth = right_depth;
  if (left.rank() > 1) shape.rows = left.Back(1);
  if (right.rank() > 1) shape.columns = right.Back(0);
  for (int i = 0; i < left.rank() - 2; ++i) shape.left_batch.Append(left[i]);
  for (int i = 0; i < right.rank() - 2; ++i) shape.right_batch.Append(right[i]);
  const std::optional<Shape> batch = BroadcastShapes(shape.left_batch, shape.right_batch);
  if (!batch.has_value()) return wrong("the axes before the last two do not broadcast");
  shape.batch = *batch;
  shape.output = *batch;
  if (left.rank() > 1) shape.output.Append(shape.rows);
  if (right.rank() > 1) shape.output.Append(shape.columns);
  return shape;
}

int64_t MatrixShape::Matrix(const Shape& operand, int64_t index) const {
  int64_t matrix = 0;
  int64_t stride = 1;
  for (int i = 0; i < batch.rank(); ++i) {
    const int64_t position = index % batch.Back(i);
    index /= batch.Back(i);
    if (i >= operand.rank()) continue;
    if (operand.Back(i) != 1) matrix += position * stride;
    stride *= operand.Back(i);
  }
  return matrix;
}

}  // namespace mullion::operators
