// SPDX-License-Identifier: MIT
// Where the channels of an image-like tensor are: [N, C, spatial...] as ONNX has it, or
// [N, spatial..., C] for nodes that the layout pass gave the attribute `channels_last` = 1.
#ifndef MULLION_OPERATORS_CHANNEL_LAYOUT_H_
#define MULLION_OPERATORS_CHANNEL_LAYOUT_H_

#include <cstdint>

#include "base/shape.h"
#include "graph/graph.h"

namespace mullion::operators {

struct ChannelLayout {
  bool last = false;

  ChannelLayout() = default;
  explicit ChannelLayout(const Node& node) : last(node.IntAttribute("channels_last", 0) != 0) {}

  int ChannelAxis(int rank) const { return last ? rank - 1 : 1; }
  // The axis of spatial dimension i.
  int SpatialAxis(int i) const { return last ? i + 1 : i + 2; }

  // The spatial axes of a tensor of at least rank 2, as bits.
  uint32_t SpatialAxes(int rank) const {
    return ((uint32_t{1} << (rank - 2)) - 1) << SpatialAxis(0);
  }
  // What is left of such a shape when one window covers all of them.
  Shape Pooled(Shape shape) const {
    for (int i = 0; i < shape.rank() - 2; ++i) shape[SpatialAxis(i)] = 1;
    return shape;
  }

  // Sizes of a concrete shape. A tensor of rank 1 has one channel.
  int64_t Batch(const Shape& shape) const { return shape.rank() == 0 ? 1 : shape[0]; }
  int64_t Channels(const Shape& shape) const {
    return shape.rank() < 2 ? 1 : shape[ChannelAxis(shape.rank())];
  }
  int64_t Spatial(const Shape& shape) const {
    if (shape.rank() <= 2) return 1;
    return last ? shape.Product(1, shape.rank() - 1) : shape.Product(2, shape.rank());
  }
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_CHANNEL_LAYOUT_H_
