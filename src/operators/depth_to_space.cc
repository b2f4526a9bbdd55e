// SPDX-License-Identifier: MIT
#include "operators/depth_to_space.h"

#include "base/str_cat.h"
#include "operators/int_list.h"
#include "operators/registry.h"

namespace mullion::operators {

Result<BlockParameters> BlockParametersOf(const Node& node) {
  BlockParameters parameters;
  parameters.block = node.IntAttribute("blocksize", 0);
  parameters.channels_last = node.IntAttribute("channels_last", 0) != 0;
  // No real block passes 2^15; the bound keeps its square from overflowing.
  if (parameters.block < 1 || parameters.block > (1 << 15)) {
    return node.Error(StatusCode::kInvalidModel, "attribute 'blocksize' is ", parameters.block,
                      " but must be 1 or more");
  }
  const std::string_view mode = node.StringAttribute("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") {
    return node.Error(StatusCode::kInvalidModel, "attribute 'mode' is '", mode,
                      "' but may only be DCR or CRD");
  }
  parameters.channel_first = mode == "CRD";
  return parameters;
}

namespace {

// Multiplies (or divides, when `up` is false) a dimension that may be unknown.
Status Scale(int64_t& dim, int64_t factor, bool up, const Shape& input) {
  if (dim < 0) {
    if (factor != 1) dim = kUnknownDim;
    return OkStatus();
  }
  const std::optional<int64_t> product = CheckedProduct(dim, factor);
  if (up && !product.has_value()) {
    return InvalidModel("shape ", input.ToString(), " times ", factor, " is too large");
  }
  if (!up && dim % factor != 0) {
    return InvalidModel("shape ", input.ToString(), " cannot be rearranged; its ", dim,
                        " is no multiple of ", factor);
  }
  dim = up ? *product : dim / factor;
  return OkStatus();
}

Result<Shape> Target(const Shape& input, const BlockParameters& parameters, bool to_space) {
  if (input.rank() != 4) {
    return InvalidModel("the input has shape ", input.ToString(), " but must have rank 4");
  }
  const int channel = parameters.channels_last ? 3 : 1;
  Shape shape = input;
  for (int i = 1; i < 4; ++i) {
    const int64_t factor = i == channel ? parameters.block * parameters.block : parameters.block;
    MULLION_RETURN_IF_ERROR(Scale(shape[i], factor, (i == channel) != to_space, input));
  }
  return shape;
}

Status Infer(InferenceContext& context, bool to_space) {
  const Result<BlockParameters> parameters = BlockParametersOf(context.node());
  if (!parameters.ok()) return parameters.status();
  const Shape* const input = context.InputShape(0);
  if (input == nullptr) {
    context.SetOutput(0, context.InputType(0), Shape::Filled(4, kUnknownDim));
    return OkStatus();
  }
  const Result<Shape> shape = Target(*input, *parameters, to_space);
  if (!shape.ok()) return context.Error(shape.status().message());
  context.SetOutput(0, context.InputType(0), *shape);
  return OkStatus();
}

Status InferDepthToSpace(InferenceContext& context) { return Infer(context, true); }
Status InferSpaceToDepth(InferenceContext& context) { return Infer(context, false); }

}  // namespace

Result<Shape> DepthToSpaceTarget(const Shape& input, const BlockParameters& parameters) {
  return Target(input, parameters, true);
}

Result<Shape> SpaceToDepthTarget(const Shape& input, const BlockParameters& parameters) {
  return Target(input, parameters, false);
}

void RegisterDepthToSpace(OperatorRegistry& registry) {
  registry.Add({.name = "DepthToSpace", .inputs = {1, 1}, .infer = InferDepthToSpace});
  registry.Add({.name = "SpaceToDepth", .inputs = {1, 1}, .infer = InferSpaceToDepth});
}

}  // namespace mullion::operators
