// SPDX-License-Identifier: MIT
// The axes of QLinearSoftmax of com.microsoft.
#ifndef MULLION_OPERATORS_QLINEAR_SOFTMAX_H_
#define MULLION_OPERATORS_QLINEAR_SOFTMAX_H_

#include <cstdint>
#include <optional>

#include "base/shape.h"
#include "graph/graph.h"

namespace mullion::operators {

// The attribute `opset` says which Softmax of ai.onnx is meant: before 13 the axes from `axis` to
// the last are one, from then on `axis` stands alone. Unless named it is the last one in both,
// unlike in ai.onnx.
struct QlinearSoftmaxAxes {
  explicit QlinearSoftmaxAxes(const Node& node)
      : alone(node.IntAttribute("opset", 13) >= 13), axis(node.IntAttribute("axis", -1)) {}

  struct Range {
    int first;
    int last;  // one after
  };
  // Nothing when the axis is outside the rank.
  std::optional<Range> Of(int rank) const {
    const std::optional<int> normal = NormalizeAxis(axis, rank);
    if (!normal.has_value()) return std::nullopt;
    return Range{*normal, alone ? *normal + 1 : rank};
  }

  bool alone;
  int64_t axis;
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_QLINEAR_SOFTMAX_H_
