// SPDX-License-Identifier: MIT
// The parameters of Gemm: alpha * op(A) * op(B) + beta * C.
#ifndef MULLION_OPERATORS_GEMM_H_
#define MULLION_OPERATORS_GEMM_H_

#include <cstdint>

#include "base/shape.h"
#include "graph/graph.h"

namespace mullion::operators {

struct GemmParameters {
  explicit GemmParameters(const Node& node)
      : alpha(node.FloatAttribute("alpha", 1.0f)),
        beta(node.FloatAttribute("beta", 1.0f)),
        left_transposed(node.IntAttribute("transA", 0) != 0),
        right_transposed(node.IntAttribute("transB", 0) != 0) {}

  // Of matrices as they are given.
  int64_t Rows(const Shape& left) const { return left[left_transposed ? 1 : 0]; }
  int64_t LeftDepth(const Shape& left) const { return left[left_transposed ? 0 : 1]; }
  int64_t RightDepth(const Shape& right) const { return right[right_transposed ? 1 : 0]; }
  int64_t Columns(const Shape& right) const { return right[right_transposed ? 0 : 1]; }

  float alpha;
  float beta;
  bool left_transposed;
  bool right_transposed;
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_GEMM_H_
