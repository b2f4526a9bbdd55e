// SPDX-License-Identifier: MIT
// Sizes of a convolution, or of a transposed one, from a node's attributes and the shapes of its
// image and weights.
#ifndef MULLION_OPERATORS_CONVOLUTION_GEOMETRY_H_
#define MULLION_OPERATORS_CONVOLUTION_GEOMETRY_H_

#include <cstdint>
#include <string_view>

#include "base/axis_list.h"
#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"
#include "operators/channel_layout.h"
#include "operators/inference.h"
#include "operators/window_attributes.h"

namespace mullion::operators {

// Sizes beyond this cannot occur in data that fits into memory; below it products of two and sums
// of a few cannot overflow.
inline constexpr int64_t kLargestConvolution = int64_t{1} << 30;

// Attribute of a Conv with channels last: its image is [N, C, spatial...] all the same, as pictures
// mostly come.
inline constexpr std::string_view kReadsPlanes = "reads_planes";

// Attribute of a 1×1 Conv in four groups with channels last: channel g * n + j of n in a group is
// given out as channel 4 * j + g.
inline constexpr std::string_view kShufflesChannels = "shuffles_channels";

struct ConvolutionGeometry {
  // Checks attributes and shapes against each other as far as they are known. `weights` are
  // [M, C / group, kernel...]; `image` follows the node's layout, or has planes where it says so.
  static Result<ConvolutionGeometry> FromNode(const Node& node, const Shape& image,
                                              const Shape& weights);

  // What does not hang on which way the convolution goes: layout, batch, groups as the attribute
  // has them, which is not checked yet.
  static Result<ConvolutionGeometry> Begin(const Node& node, const Shape& image,
                                           const Shape& weights);

  // Makes it that of another image of the same layout, concrete and with sizes that FromNode would
  // take, whose pads are what `auto_pad` says. False where it would not take them: it has the
  // error.
  bool TakeImage(const Shape& image, AutoPad auto_pad);

  // The axes' sizes but for outputs and pads, with what every convolution asks of them.
  Status ReadAxes(const Node& node, const Shape& image, const Shape& weights);

  Shape OutputShape() const;

  ChannelLayout layout;  // of the output
  ChannelLayout image_layout;
  int spatial_rank = 0;
  int64_t batch = 1;
  int64_t groups = 1;
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  AxisList<WindowAxis> axes;
};

// Input 2 of Conv and ConvTranspose, when it is there, has one element per output channel.
Status CheckChannelBias(const InferenceContext& context, int64_t out_channels);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_CONVOLUTION_GEOMETRY_H_
