// SPDX-License-Identifier: MIT
// RoiAlign. Opset 16 shifted regions by half a pixel by default; in opset 10 they were not.
#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status CheckAttributes(const InferenceContext& context) {
  const Node& node = context.node();
  const std::string_view mode = node.StringAttribute("mode", "avg");
  if (mode != "avg" && mode != "max") {
    return context.Error("attribute 'mode' is '", mode, "' but must be avg or max");
  }
  const std::string_view coordinates =
      node.StringAttribute("coordinate_transformation_mode", "half_pixel");
  if (coordinates != "half_pixel" && coordinates != "output_half_pixel") {
    return context.Error("attribute 'coordinate_transformation_mode' is '", coordinates,
                         "' but must be half_pixel or output_half_pixel");
  }
  for (const char* const name : {"output_height", "output_width"}) {
    const int64_t size = node.IntAttribute(name, 1);
    if (size < 1 || size > (int64_t{1} << 20)) {
      return context.Error("attribute '", name, "' is ", size, " but must be 1 or more");
    }
  }
  const int64_t ratio = node.IntAttribute("sampling_ratio", 0);
  if (ratio < 0 || ratio > 1024) {
    return context.Error("attribute 'sampling_ratio' is ", ratio, " but must be in [0, 1024]");
  }
  return OkStatus();
}

Status InferRoiAlign(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(CheckAttributes(context));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(1, 0));
  MULLION_RETURN_IF_ERROR(context.RequireType(2, SetOf(ElementType::kInt64)));
  MULLION_RETURN_IF_ERROR(context.RequireRank(0, 4));
  MULLION_RETURN_IF_ERROR(context.RequireRank(1, 2));
  MULLION_RETURN_IF_ERROR(context.RequireRank(2, 1));
  const Shape* const image = context.InputShape(0);
  const Shape* const regions = context.InputShape(1);
  const Shape* const images = context.InputShape(2);
  if (regions != nullptr && (*regions)[1] >= 0 && (*regions)[1] != 4) {
    return context.Error(context.DescribeInput(1), " but must have 4 columns");
  }
  if (regions != nullptr && images != nullptr && (*regions)[0] >= 0 && (*images)[0] >= 0 &&
      (*regions)[0] != (*images)[0]) {
    return context.Error(context.DescribeInput(2), " but must have one element for each of ",
                         (*regions)[0], " regions");
  }
  const int64_t count = regions != nullptr ? (*regions)[0] : kUnknownDim;
  context.SetOutput(0, context.InputType(0),
                    Shape{count, image != nullptr ? (*image)[1] : kUnknownDim,
                          context.node().IntAttribute("output_height", 1),
                          context.node().IntAttribute("output_width", 1)});
  return OkStatus();
}

Status UpgradeRoiAlign(Node& node) {
  node.SetAttribute("coordinate_transformation_mode", std::string("output_half_pixel"));
  node.set_opset(16);
  return OkStatus();
}

}  // namespace

void RegisterRoiAlign(OperatorRegistry& registry) {
  registry.Add({.name = "RoiAlign",
                .since = 10,
                .inputs = {3, 3},
                .types = types::kAllFloats,
                .upgrade = UpgradeRoiAlign});
  registry.Add({.name = "RoiAlign",
                .since = 16,
                .inputs = {3, 3},
                .types = types::kAllFloats,
                .infer = InferRoiAlign});
}

}  // namespace mullion::operators
