// SPDX-License-Identifier: MIT
// CastMap: the values of a map with integer keys as a tensor.
#include "base/str_cat.h"
#include "operators/class_scores.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferCastMap(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(RequireMap(context, ElementType::kInt64));
  const Node& node = context.node();
  const std::string_view to = node.StringAttribute("cast_to", "TO_FLOAT");
  const std::string_view form = node.StringAttribute("map_form", "DENSE");
  const ElementType type = to == "TO_FLOAT"    ? ElementType::kFloat
                           : to == "TO_STRING" ? ElementType::kString
                           : to == "TO_INT64"  ? ElementType::kInt64
                                               : ElementType::kUndefined;
  if (type == ElementType::kUndefined) {
    return context.Error("attribute 'cast_to' is '", to,
                         "' but must be TO_FLOAT, TO_STRING or TO_INT64");
  }
  if (form != "DENSE" && form != "SPARSE") {
    return context.Error("attribute 'map_form' is '", form, "' but must be DENSE or SPARSE");
  }
  const int64_t most = node.IntAttribute("max_map", 1);
  if (form == "SPARSE" && most < 1) {
    return context.Error("attribute 'max_map' is ", most, " but must be positive");
  }
  context.SetOutput(0, type, Shape{1, form == "SPARSE" ? most : int64_t{kUnknownDim}});
  return OkStatus();
}

}  // namespace

void RegisterCastMap(OperatorRegistry& registry) {
  registry.Add({.name = "CastMap", .domain = kMlDomain, .inputs = {1, 1}, .infer = InferCastMap});
}

}  // namespace mullion::operators
