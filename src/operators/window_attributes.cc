// SPDX-License-Identifier: MIT
#include "operators/window_attributes.h"

#include <string_view>

#include "base/str_cat.h"

namespace mullion::operators {

Result<AutoPad> ReadAutoPad(const Node& node) {
  const std::string_view name = node.StringAttribute("auto_pad", "NOTSET");
  if (name == "NOTSET" || name.empty()) return AutoPad::kNotSet;
  if (name == "SAME_UPPER") return AutoPad::kSameUpper;
  if (name == "SAME_LOWER") return AutoPad::kSameLower;
  if (name == "VALID") return AutoPad::kValid;
  return node.Error(StatusCode::kInvalidModel,
                    StrCat("attribute 'auto_pad' is '", name,
                           "' but must be NOTSET, SAME_UPPER, SAME_LOWER or VALID"));
}

Status ReadWindowSizes(const Node& node, const char* name, int count, int64_t fallback,
                       int64_t smallest, int64_t* sizes) {
  constexpr int64_t kLargest = int64_t{1} << 31;
  const std::span<const int64_t> values = node.IntsAttribute(name);
  if (!values.empty() && values.size() != static_cast<size_t>(count)) {
    return node.Error(StatusCode::kInvalidModel,
                      StrCat("attribute '", name, "' has ", values.size(),
                             " elements but must have ", count, " for this rank"));
  }
  for (int i = 0; i < count; ++i) {
    sizes[i] = values.empty() ? fallback : values[static_cast<size_t>(i)];
    if (sizes[i] < smallest || sizes[i] > kLargest) {
      return node.Error(StatusCode::kInvalidModel,
                        StrCat("attribute '", name, "' holds ", sizes[i], " but must be ", smallest,
                               " or more, and at most ", kLargest));
    }
  }
  return OkStatus();
}

}  // namespace mullion::operators
