// SPDX-License-Identifier: MIT
// The parameters of MaxPool, AveragePool, LpPool: windows that slide along the spatial axes.
#ifndef MULLION_OPERATORS_POOL_H_
#define MULLION_OPERATORS_POOL_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"
#include "operators/channel_layout.h"
#include "operators/window_attributes.h"

namespace mullion::operators {

// A window along one axis, for a concrete or unknown size of the input.
struct PoolAxis {
  int64_t input = 1;
  int64_t output = 1;  // kUnknownDim when the input's is not known
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad_begin = 0;
  int64_t pad_end = 0;

  // Where the window for output `o` begins: negative within the padding.
  int64_t Start(int64_t o) const { return o * stride - pad_begin; }
  // Kernel positions [first, last) of the window that begins at `start` lie in the input.
  int64_t FirstTap(int64_t start) const {
    return start >= 0 ? 0 : std::min(kernel, (-start + dilation - 1) / dilation);
  }
  int64_t LastTap(int64_t start) const {
    if (start + (kernel - 1) * dilation < input) return kernel;  // most often, and no division
    if (start >= input) return 0;
    return std::min(kernel, (input - start + dilation - 1) / dilation);
  }
  // Windows [first, second) lie within the input.
  std::pair<int64_t, int64_t> Inside() const {
    const int64_t low = std::min(output, (pad_begin + stride - 1) / stride);
    const int64_t room = input + pad_begin - ((kernel - 1) * dilation + 1);
    return {low, room < 0 ? low : std::max(low, std::min(output, room / stride + 1))};
  }
  // How many of its positions lie in the input or the padding; with ceil_mode windows may reach
  // beyond that.
  int64_t PaddedTaps(int64_t start) const {
    if (start + (kernel - 1) * dilation < input + pad_end) return kernel;
    return std::min(kernel, (input + pad_end - start + dilation - 1) / dilation);
  }
};

struct PoolParameters {
  // Checks the attributes' values; needs `kernel_shape`.
  static Result<PoolParameters> FromNode(const Node& node);

  // The axes for an input of this shape, whose rank must be spatial_rank + 2.
  std::array<PoolAxis, kMaxRank> Axes(const Shape& input) const;
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
  std::array<PoolAxis, kMaxRank> windows;
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_POOL_H_
