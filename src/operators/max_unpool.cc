// SPDX-License-Identifier: MIT
// MaxUnpool: puts the results of MaxPool back to where its indices say they came from.
#include "operators/max_unpool.h"

#include "base/str_cat.h"
#include "operators/pool.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferMaxUnpool(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, SetOf(ElementType::kInt64)));
  MULLION_RETURN_IF_ERROR(context.RequireType(2, SetOf(ElementType::kInt64)));
  MULLION_ASSIGN_OR_RETURN(const PoolParameters parameters,
                           PoolParameters::FromNode(context.node()));
  const Shape* const shape = context.InputShape(0);
  const Shape* const indices = context.InputShape(1);
  if (shape != nullptr)
    MULLION_RETURN_IF_ERROR(context.RequireRank(0, parameters.spatial_rank + 2));
  if (shape != nullptr && indices != nullptr && shape->IsConcrete() && indices->IsConcrete() &&
      !(*shape == *indices)) {
    return context.Error(context.DescribeInput(1), " but must have the shape of ",
                         context.DescribeInput(0));
  }
  if (context.HasInput(2)) {
    MULLION_ASSIGN_OR_RETURN(const std::optional<IntList> sizes,
                             KnownInts(context, 2, "input 2 'output_shape'"));
    if (sizes.has_value() && shape != nullptr && shape->IsConcrete()) {
      const Result<Shape> output = MaxUnpoolShape(parameters, *shape, &*sizes);
      if (!output.ok()) return context.Error(output.status().message());
      context.SetOutput(0, context.InputType(0), *output);
    } else if (shape != nullptr) {
      context.SetOutput(0, context.InputType(0), Shape::Filled(shape->rank(), kUnknownDim));
    } else {
      context.SetOutput(0, context.InputType(0));
    }
    return OkStatus();
  }
  if (shape == nullptr) {
    context.SetOutput(0, context.InputType(0));
    return OkStatus();
  }
  const Result<Shape> output = MaxUnpoolShape(parameters, *shape, nullptr);
  if (!output.ok()) return context.Error(output.status().message());
  context.SetOutput(0, context.InputType(0), *output);
  return OkStatus();
}

}  // namespace

Result<Shape> MaxUnpoolShape(const PoolParameters& parameters, const Shape& input,
                             const IntList* sizes) {
  if (sizes != nullptr) {
    if (sizes->size() != input.rank()) {
      return InvalidModel("input 2 'output_shape' has ", sizes->size(), " elements but must have ",
                          input.rank());
    }
    Shape output(sizes->span());
    bool fits = output[0] == input[0] && output[1] == input[1] && output.IsConcrete();
    if (fits && output.CheckedElementCount().has_value()) return output;
    return InvalidModel("input 2 'output_shape' is ", output.ToString(),
                        " but must keep the first two dimensions of ", input.ToString(),
                        " and have no negative ones");
  }
  Shape output = input;
  for (int i = 0; i < parameters.spatial_rank; ++i) {
    const WindowAxis& window = parameters.windows[static_cast<size_t>(i)];
    int64_t& dim = output[i + 2];
    if (dim < 0) {
      dim = kUnknownDim;
      continue;
    }
    dim = dim == 0 ? 0
                   : (dim - 1) * window.stride - window.pad_begin - window.pad_end +
                         (window.kernel - 1) * window.dilation + 1;
    if (dim < 0) {
      return InvalidModel("attribute 'pads' takes more than the unpooled image has");
    }
  }
  return output;
}

void RegisterMaxUnpool(OperatorRegistry& registry) {
  registry.Add({.name = "MaxUnpool",
                .since = 9,
                .inputs = {2, 3},
                .types = types::kAllFloats,
                .infer = InferMaxUnpool});
}

}  // namespace mullion::operators
