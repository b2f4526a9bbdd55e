// SPDX-License-Identifier: MIT
// Sizes of a convolution, from a node's attributes and the shapes of its image and weights.
#ifndef MULLION_OPERATORS_CONVOLUTION_GEOMETRY_H_
#define MULLION_OPERATORS_CONVOLUTION_GEOMETRY_H_

#include <array>
#include <cstdint>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"
#include "operators/channel_layout.h"
#include "operators/inference.h"

namespace mullion::operators {

// Sizes beyond this cannot occur in data that fits into memory; below it products of two and sums
// of a few cannot overflow.
inline constexpr int64_t kLargestConvolution = int64_t{1} << 30;

struct ConvolutionGeometry {
  struct Axis {
    int64_t input = 1;   // negative when not known
    int64_t output = 1;  // kUnknownDim when the input's or the kernel's size is not known
    int64_t kernel = 1;
    int64_t stride = 1;
    int64_t dilation = 1;
    int64_t pad_begin = 0;
    int64_t pad_end = 0;
  };

  // Checks attributes and shapes against each other as far as they are known. `weights` are
  // [M, C / group, kernel...]; `image` follows the node's layout.
  static Result<ConvolutionGeometry> FromNode(const Node& node, const Shape& image,
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

// Input 2 of Conv and ConvTranspose, when it is there, has one element per output channel.
Status CheckChannelBias(const InferenceContext& context, int64_t out_channels);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_CONVOLUTION_GEOMETRY_H_
