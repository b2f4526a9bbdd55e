// SPDX-License-Identifier: MIT
#ifndef MULLION_OPERATORS_DEFORM_CONV_H_
#define MULLION_OPERATORS_DEFORM_CONV_H_

#include <array>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

// Sizes of a DeformConv, whose kernel positions are moved by offsets that are data.
struct DeformConvGeometry {
  static constexpr int kMaxSpatialRank = 3;
  struct Axis {
    int64_t input = 1;
    int64_t output = 1;
    int64_t kernel = 1;
    int64_t stride = 1;
    int64_t dilation = 1;
    int64_t pad = 0;
  };

  // Checks everything against everything; shapes must be concrete. `offsets` and `mask` may be null
  // where they are not known or left out.
  static Result<DeformConvGeometry> Make(const Node& node, const Shape& image, const Shape& weights,
                                         const Shape* offsets, const Shape* mask);

  Shape output;  // [N, M, spatial...]
  int rank = 2;
  int64_t groups = 1;
  int64_t offset_groups = 1;
  int64_t taps = 1;  // kernel positions
  std::array<Axis, kMaxSpatialRank> axes;
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_DEFORM_CONV_H_
