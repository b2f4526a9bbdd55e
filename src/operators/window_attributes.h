// SPDX-License-Identifier: MIT
// What operators with sliding windows share: attributes of one number per spatial axis, auto_pad,
// and windows along one axis.
#ifndef MULLION_OPERATORS_WINDOW_ATTRIBUTES_H_
#define MULLION_OPERATORS_WINDOW_ATTRIBUTES_H_

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

enum class AutoPad : uint8_t { kNotSet, kSameUpper, kSameLower, kValid };

Result<AutoPad> ReadAutoPad(const Node& node);

// The `count` numbers of attribute `name`, or `fallback` for each when it is absent. Every one must
// be in [smallest, 2^31]: larger sizes cannot occur in data that fits into memory, and sums of
// smaller ones cannot overflow.
Status ReadWindowSizes(const Node& node, const char* name, int count, int64_t fallback,
                       int64_t smallest, int64_t* sizes);

// A window along one axis, for a concrete or unknown size of the input.
struct WindowAxis {
  int64_t input = 1;   // negative when not known
  int64_t output = 1;  // kUnknownDim when it hangs on sizes that are not known
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad_begin = 0;
  int64_t pad_end = 0;

  // Sets the output, and the pads that `auto_pad` decides. Windows that would reach beyond the
  // input and its pads are left out.
  void Resolve(AutoPad auto_pad);

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

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_WINDOW_ATTRIBUTES_H_
