// SPDX-License-Identifier: MIT
#include "operators/whole_output.h"

#include "base/str_cat.h"

namespace mullion::operators {

Status WidenToWhole(const InferenceContext& context, int whole_input, Shape& shape) {
  const int64_t channels = context.node().IntAttribute(kWholeChannels, 0);
  const int64_t first = context.node().IntAttribute(kFirstChannel, 0);
  const int64_t part = shape.rank() == 0 ? kUnknownDim : shape.Back(0);
  if (part < 0 || first < 0 || first > channels || part > channels - first) {
    return context.Error("channels [", first, ", ", first, " + ", part,
                         ") must be known and lie within ", channels);
  }
  shape[shape.rank() - 1] = channels;
  const Shape* const whole = context.InputShape(whole_input);
  if (whole == nullptr || !whole->IsConcrete() || !shape.IsConcrete() || *whole == shape) {
    return OkStatus();
  }
  return context.Error(context.DescribeInput(whole_input), " but must have shape ",
                       shape.ToString());
}

}  // namespace mullion::operators
