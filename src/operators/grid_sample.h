// SPDX-License-Identifier: MIT
#ifndef MULLION_OPERATORS_GRID_SAMPLE_H_
#define MULLION_OPERATORS_GRID_SAMPLE_H_

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

struct GridSampleParameters {
  enum class Mode { kNearest, kLinear, kCubic };
  enum class Padding { kZeros, kBorder, kReflection };

  static Result<GridSampleParameters> FromNode(const Node& node);

  Mode mode = Mode::kLinear;
  Padding padding = Padding::kZeros;
  bool align_corners = false;
};

// [N, C, grid...] for an input [N, C, spatial...] and a grid [N, grid..., spatial rank].
Result<Shape> GridSampleShape(const Shape& input, const Shape& grid);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_GRID_SAMPLE_H_
