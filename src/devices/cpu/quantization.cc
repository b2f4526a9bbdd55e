// SPDX-License-Identifier: MIT
#include "devices/cpu/quantization.h"

#include <memory>
#include <utility>

#include "devices/cpu/kernels/elementwise/convert.h"

namespace mullion::cpu {

Status BindQuantization(BindContext& context) {
  auto state = std::make_unique<BoundQuantization>();
  MULLION_ASSIGN_OR_RETURN(state->grid,
                           operators::MakeQuantizationGrid(context.node(), context.input(0)->shape,
                                                           context.input(1)->shape));
  context.RequestScratch(static_cast<size_t>(2 * state->grid.scale_count()) * sizeof(float));
  context.SetState(std::move(state));
  return OkStatus();
}

QuantizationParameters WidenParameters(const RunContext& context) {
  const TensorView& scale = context.Input(1);
  const auto count = static_cast<size_t>(scale.count());
  auto* const scales = static_cast<float*>(context.scratch());
  float* const zero_points = scales + count;
  ConvertElements(scale.type, scale.data, ElementType::kFloat, scales, count);
  if (context.HasInput(2)) {
    const TensorView& zero_point = context.Input(2);
    ConvertElements(zero_point.type, zero_point.data, ElementType::kFloat, zero_points, count);
  } else {
    std::fill_n(zero_points, count, 0.0f);
  }
  return {scales, zero_points};
}

}  // namespace mullion::cpu
