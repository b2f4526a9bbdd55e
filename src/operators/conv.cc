// SPDX-License-Identifier: MIT
// Conv.
#include "operators/convolution_geometry.h"
#include "operators/epilogue.h"
#include "operators/pool.h"
#include "operators/registry.h"
#include "operators/whole_output.h"

namespace mullion::operators {

namespace {

Status InferConv(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireInput(1));
  for (int i = 1; i <= kConvWhole; ++i) {
    MULLION_RETURN_IF_ERROR(context.RequireSameType(0, i));
  }
  const Shape* const image = context.InputShape(0);
  const Shape* const weights = context.InputShape(1);
  if (image == nullptr || weights == nullptr) {
    context.SetOutput(0, context.InputType(0));
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const ConvolutionGeometry geometry,
                           ConvolutionGeometry::FromNode(context.node(), *image, *weights));
  MULLION_RETURN_IF_ERROR(CheckChannelBias(context, geometry.out_channels));
  Shape output = geometry.OutputShape();
  MULLION_RETURN_IF_ERROR(CheckResidual(context, kResidualInput, output));
  if (geometry.layout.last && context.node().HasAttribute(kWholeChannels)) {
    MULLION_RETURN_IF_ERROR(WidenToWhole(context, kConvWhole, output));
  }
  MULLION_ASSIGN_OR_RETURN(const PoolParameters pool, PoolParameters::OfPooled(context.node()));
  if (output.rank() == pool.spatial_rank + 2) output = pool.OutputShape(output);
  context.SetOutput(0, context.InputType(0), output);
  return OkStatus();
}

}  // namespace

void RegisterConv(OperatorRegistry& registry) {
  // Conv-11 and Conv-22 only say more clearly what the defaults are and allow bfloat16.
  registry.Add({.name = "Conv",
                .inputs = {2, 5},
                .added_inputs = 2,
                .types = types::kAllFloats,
                .infer = InferConv});
}

}  // namespace mullion::operators
