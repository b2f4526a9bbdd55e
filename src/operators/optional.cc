// SPDX-License-Identifier: MIT
// Optional, OptionalHasElement, OptionalGetElement.
#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferOptional(InferenceContext& context) {
  if (context.HasInput(0)) {
    context.SetOutput(0, TypeInfo::Optional(WithoutShape(context.InputInfo(0))));
    return OkStatus();
  }
  const AttributeValue* const type = context.node().FindAttribute("type");
  if (type == nullptr || !std::holds_alternative<TypeInfo>(*type)) {
    return context.Error("it has neither an input nor attribute 'type'; export the model again");
  }
  context.SetOutput(0, TypeInfo::Optional(WithoutShape(std::get<TypeInfo>(*type))));
  return OkStatus();
}

Status InferHasElement(InferenceContext& context) {
  context.SetOutput(0, ElementType::kBool, Shape{});
  return OkStatus();
}

Status InferGetElement(InferenceContext& context) {
  const TypeInfo& info = context.InputInfo(0);
  if (info.kind == ValueKind::kOptional && info.element == nullptr) {
    return context.Error(context.DescribeInput(0), ", of which nothing more is known");
  }
  if (info.kind == ValueKind::kTensor) return InferSameAsFirst(context);
  context.SetOutput(0, WithoutShape(info.kind == ValueKind::kOptional ? *info.element : info));
  return OkStatus();
}

}  // namespace

void RegisterOptional(OperatorRegistry& registry) {
  registry.Add({.name = "Optional", .since = 15, .inputs = {0, 1}, .infer = InferOptional});
  // The input may be left out, and need not be an optional, since opset 18.
  registry.Add(
      {.name = "OptionalHasElement", .since = 15, .inputs = {0, 1}, .infer = InferHasElement});
  registry.Add(
      {.name = "OptionalGetElement", .since = 15, .inputs = {1, 1}, .infer = InferGetElement});
}

}  // namespace mullion::operators
