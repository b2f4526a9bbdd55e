// SPDX-License-Identifier: MIT
#include "operators/window_attributes.h"

#include <string_view>

#include "base/shape.h"
#include "base/str_cat.h"

namespace mullion::operators {

Result<AutoPad> ReadAutoPad(const Node& node) {
  const std::string_view name = node.StringAttribute("auto_pad", "NOTSET");
  if (name == "NOTSET" || name.empty()) return AutoPad::kNotSet;
  if (name == "SAME_UPPER") return AutoPad::kSameUpper;
  if (name == "SAME_LOWER") return AutoPad::kSameLower;
  if (name == "VALID") return AutoPad::kValid;
  return node.Error(StatusCode::kInvalidModel, "attribute 'auto_pad' is '", name,
                    "' but must be NOTSET, SAME_UPPER, SAME_LOWER or VALID");
}

Status ReadWindowSizes(const Node& node, const char* name, int count, int64_t fallback,
                       int64_t smallest, int64_t* sizes) {
  constexpr int64_t kLargest = int64_t{1} << 31;
  const std::span<const int64_t> values = node.IntsAttribute(name);
  if (!values.empty() && values.size() != static_cast<size_t>(count)) {
    return node.Error(StatusCode::kInvalidModel, "attribute '", name, "' has ", values.size(),
                      " elements but must have ", count, " for this rank");
  }
  for (int i = 0; i < count; ++i) {
    sizes[i] = values.empty() ? fallback : values[static_cast<size_t>(i)];
    if (sizes[i] < smallest || sizes[i] > kLargest) {
      return node.Error(StatusCode::kInvalidModel, "attribute '", name, "' holds ", sizes[i],
                        " but must be ", smallest, " or more, and at most ", kLargest);
    }
  }
  return OkStatus();
}

void WindowAxis::Resolve(AutoPad auto_pad) {
  if (auto_pad == AutoPad::kValid) pad_begin = pad_end = 0;
  output = kUnknownDim;
  if (input < 0 || kernel < 0) return;
  const int64_t extent = (kernel - 1) * dilation + 1;
  if (auto_pad == AutoPad::kSameUpper || auto_pad == AutoPad::kSameLower) {
    output = (input + stride - 1) / stride;
    const int64_t pads = std::max<int64_t>((output - 1) * stride + extent - input, 0);
    pad_begin = auto_pad == AutoPad::kSameUpper ? pads / 2 : pads - pads / 2;
    pad_end = pads - pad_begin;
    return;
  }
  const int64_t room = input + pad_begin + pad_end - extent;
  output = room < 0 ? 0 : room / stride + 1;
}

}  // namespace mullion::operators
