// SPDX-License-Identifier: MIT
// The parameters of MaxPool, AveragePool, LpPool: windows that slide along the spatial axes.
#ifndef MULLION_OPERATORS_POOL_H_
#define MULLION_OPERATORS_POOL_H_

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/axis_list.h"
#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"
#include "operators/channel_layout.h"
#include "operators/window_attributes.h"

namespace mullion::operators {

// Attribute of a Conv of two spatial axes with channels last, which then gives out the maxima of
// windows of what it makes: kernel, strides and pads, as MaxPool has them.
inline constexpr std::string_view kMaxPooled = "max_pooled";

struct PoolParameters {
  // Checks the attributes' values; needs `kernel_shape`.
  static Result<PoolParameters> FromNode(const Node& node);
  // What kMaxPooled says of a Conv; spatial_rank is 0 where it is absent.
  static Result<PoolParameters> OfPooled(const Node& conv);

  // The axes for an input of this shape, whose rank must be spatial_rank + 2.
  AxisList<WindowAxis> Axes(const Shape& input) const;
  // The shape of output 0 for such an input. Dimensions are 0 or more, or unknown.
  Shape OutputShape(const Shape& input) const;

  ChannelLayout layout;
  int spatial_rank = 0;
  AutoPad auto_pad = AutoPad::kNotSet;
  bool ceil_mode = false;
  bool count_include_pad = false;     // AveragePool
  bool column_major_indices = false;  // MaxPool: storage_order = 1
  int64_t p = 2;                      // LpPool
  // Sizes and pads as the attributes give them; input and output of each are unset.
  AxisList<WindowAxis> windows;
};

// LpPool and GlobalLpPool had a float for `p` in opset 1.
Status UpgradeFloatP(Node& node);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_POOL_H_
