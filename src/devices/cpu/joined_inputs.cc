// SPDX-License-Identifier: MIT
#include "devices/cpu/joined_inputs.h"

#include <optional>

#include "operators/concat.h"

namespace mullion::cpu {

Result<JoinedInputs> JoinInputs(const RunContext& context, int64_t axis, int first, int step) {
  JoinedInputs joined;
  joined.shape = context.Input(first).shape;
  const std::optional<int> normal = NormalizeAxis(axis, joined.shape.rank());
  if (!normal.has_value()) return context.Error("attribute 'axis' is outside the inputs' rank");
  joined.axis = *normal;
  for (int i = first + step; i < context.input_count(); i += step) {
    const Status status = operators::JoinShapes(joined.shape, context.Input(i).shape, joined.axis);
    if (!status.ok()) return context.Error(status.message());
  }
  return joined;
}

}  // namespace mullion::cpu
