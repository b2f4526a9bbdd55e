// SPDX-License-Identifier: MIT
// CausalConvWithState: a convolution of each channel over the present and the past.
#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// Sets `dim` to what an axis has, or says that it must have `dim`.
Status Meet(const InferenceContext& context, int input, int axis, int64_t& dim) {
  const Shape* const shape = context.InputShape(input);
  if (shape == nullptr || (*shape)[axis] < 0) return OkStatus();
  if (dim < 0) dim = (*shape)[axis];
  if ((*shape)[axis] == dim) return OkStatus();
  return context.Error(context.DescribeInput(input), " but its axis ", axis, " must have ", dim,
                       " elements");
}

// Input [batch, channels, length], weight [channels, 1, taps], bias [channels], past state
// [batch, channels, taps - 1].
Status InferCausalConvWithState(InferenceContext& context) {
  for (int i = 0; i < context.input_count(); ++i) {
    if (!context.HasInput(i)) continue;
    MULLION_RETURN_IF_ERROR(context.RequireSameType(0, i));
    MULLION_RETURN_IF_ERROR(context.RequireRank(i, i == 2 ? 1 : 3));
  }
  const std::string_view activation = context.node().StringAttribute("activation", "none");
  if (activation != "none" && activation != "silu" && activation != "swish") {
    return context.Error("the attribute 'activation' is '", activation,
                         "' but must be 'silu', 'swish' or 'none'");
  }
  int64_t batch = kUnknownDim;
  int64_t channels = kUnknownDim;
  int64_t one = 1;
  int64_t taps = kUnknownDim;
  MULLION_RETURN_IF_ERROR(Meet(context, 0, 0, batch));
  MULLION_RETURN_IF_ERROR(Meet(context, 0, 1, channels));
  MULLION_RETURN_IF_ERROR(Meet(context, 1, 0, channels));
  MULLION_RETURN_IF_ERROR(Meet(context, 1, 1, one));
  MULLION_RETURN_IF_ERROR(Meet(context, 1, 2, taps));
  MULLION_RETURN_IF_ERROR(Meet(context, 2, 0, channels));
  if (taps == 0) return context.Error("its weight has no taps; there must be one or more");
  int64_t past = taps < 0 ? kUnknownDim : taps - 1;
  MULLION_RETURN_IF_ERROR(Meet(context, 3, 0, batch));
  MULLION_RETURN_IF_ERROR(Meet(context, 3, 1, channels));
  MULLION_RETURN_IF_ERROR(Meet(context, 3, 2, past));
  const Shape* const input = context.InputShape(0);
  context.SetOutput(0, context.InputType(0),
                    Shape{batch, channels, input == nullptr ? kUnknownDim : (*input)[2]});
  context.SetOutput(1, context.InputType(0), Shape{batch, channels, past});
  return OkStatus();
}

}  // namespace

void RegisterCausalConvWithState(OperatorRegistry& registry) {
  registry.Add({.name = "CausalConvWithState",
                .since = 27,
                .inputs = {2, 4},
                .outputs = {1, 2},
                .types = types::kAllFloats,
                .infer = InferCausalConvWithState});
}

}  // namespace mullion::operators
