// SPDX-License-Identifier: MIT
#include "operators/cast.h"

#include <string>

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

void SetShapedOutput(InferenceContext& context, ElementType type) {
  if (context.InputShape(0) != nullptr) {
    context.SetOutput(0, type, *context.InputShape(0));
  } else {
    context.SetOutput(0, type);
  }
}

constexpr ElementTypeSet kComplex = SetOf(ElementType::kComplex64, ElementType::kComplex128);

Result<ElementType> TargetType(InferenceContext& context, ElementTypeSet excluded) {
  if (!context.node().HasAttribute("to")) {
    return context.Error("attribute 'to' is missing; export the model again");
  }
  const int64_t to = context.node().IntAttribute("to", 0);
  if (to <= 0 || to >= kElementTypeCount || Contains(excluded, static_cast<ElementType>(to))) {
    return context.Error("attribute 'to' is ", to,
                         ", which is not the number of an element type it can make");
  }
  return static_cast<ElementType>(to);
}

Status CheckRounding(InferenceContext& context) {
  const std::string_view mode = context.node().StringAttribute("round_mode", "up");
  if (mode == "up" || mode == "down" || mode == "nearest") return OkStatus();
  return context.Error("attribute 'round_mode' is '", mode,
                       "' but must be 'up', 'down' or 'nearest'");
}

Status InferCast(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(CheckRounding(context));
  MULLION_ASSIGN_OR_RETURN(const ElementType to, TargetType(context, kComplex));
  SetShapedOutput(context, to);
  return OkStatus();
}

Status InferCastLike(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(CheckRounding(context));
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kAll & ~kComplex));
  SetShapedOutput(context, context.InputType(1));
  return OkStatus();
}

Status InferBitCast(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const ElementType to, TargetType(context, types::kString));
  if (ElementBits(to) != ElementBits(context.InputType(0))) {
    return context.Error(context.DescribeInput(0), ", whose elements have not as many bits as ",
                         ElementTypeName(to));
  }
  SetShapedOutput(context, to);
  return OkStatus();
}

// Cast-1 names the type: "FLOAT", "INT64".
Status UpgradeCast(Node& node) {
  std::string name(node.StringAttribute("to", ""));
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const ElementType to = ElementTypeFromName(name);
  if (to == ElementType::kUndefined && !node.HasAttribute("to")) {
    return node.Error(StatusCode::kInvalidModel,
                      "attribute 'to' is missing; export the model again");
  }
  // Some writers of that time put the number already.
  if (to != ElementType::kUndefined) node.SetAttribute("to", static_cast<int64_t>(to));
  node.set_opset(6);
  return OkStatus();
}

}  // namespace

CastParameters CastParametersOf(const Node& node) {
  CastParameters parameters;
  parameters.to = static_cast<ElementType>(node.IntAttribute("to", 0));
  parameters.saturate = node.IntAttribute("saturate", 1) != 0;
  const std::string_view mode = node.StringAttribute("round_mode", "up");
  if (mode == "down") parameters.rounding = ScaleRounding::kDown;
  if (mode == "nearest") parameters.rounding = ScaleRounding::kNearest;
  return parameters;
}

void RegisterCast(OperatorRegistry& registry) {
  registry.Add({.name = "Cast", .inputs = {1, 1}, .upgrade = UpgradeCast});
  registry.Add({.name = "Cast",
                .since = 6,
                .inputs = {1, 1},
                .types = types::kAll & ~kComplex,
                .infer = InferCast});
  registry.Add({.name = "CastLike",
                .since = 15,
                .inputs = {2, 2},
                .types = types::kAll & ~kComplex,
                .infer = InferCastLike});
  registry.Add({.name = "BitCast",
                .since = 26,
                .inputs = {1, 1},
                .types = types::kAll & ~types::kString,
                .infer = InferBitCast});
}

}  // namespace mullion::operators
