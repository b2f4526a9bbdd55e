// SPDX-License-Identifier: MIT
// Sizes of a transposed convolution, from a node's attributes and the shapes of its image and
// weights.
#ifndef MULLION_OPERATORS_CONV_TRANSPOSE_H_
#define MULLION_OPERATORS_CONV_TRANSPOSE_H_

#include <array>
#include <cstdint>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"
#include "operators/channel_layout.h"

namespace mullion::operators {

struct ConvTransposeGeometry {
  // Output pixel o gets input pixel i through kernel position k where
  // o = i * stride - pad + k * dilation.
  struct Axis {
    int64_t input = 1;   // negative when not known
    int64_t output = 1;  // kUnknownDim when it hangs on unknown sizes
    int64_t kernel = 1;
    int64_t stride = 1;
    int64_t dilation = 1;
    int64_t pad = 0;
  };

  // Checks attributes and shapes against each other as far as they are known. `weights` are
  // [C, M / group, kernel...]; `image` follows the node's layout.
  static Result<ConvTransposeGeometry> FromNode(const Node& node, const Shape& image,
                                                const Shape& weights);

  Shape OutputShape() const;

  ChannelLayout layout;
  int spatial_rank = 0;
  int64_t batch = 1;
  int64_t groups = 1;
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  std::array<Axis, kMaxRank> axes;
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_CONV_TRANSPOSE_H_
