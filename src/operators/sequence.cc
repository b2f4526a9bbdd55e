// SPDX-License-Identifier: MIT
// Sequences of tensors: making, taking apart, changing.
//
// Types of sequences carry no shapes: items may differ in shape, and who takes an item out learns
// its shape when it runs.
#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

TypeInfo SequenceOf(ElementType type) { return TypeInfo::Sequence(TypeInfo::Tensor(type)); }

// The element type of the sequence that input 0 is.
Result<ElementType> ItemType(const InferenceContext& context) {
  const TypeInfo& info = context.InputInfo(0);
  if (info.kind == ValueKind::kSequence && info.element != nullptr && info.element->IsTensor()) {
    return info.element->element_type;
  }
  return context.Error(context.DescribeInput(0), " but must be a sequence of tensors");
}

Status InferConstruct(InferenceContext& context) {
  for (int i = 0; i < context.input_count(); ++i) {
    MULLION_RETURN_IF_ERROR(context.RequireInput(i));
    MULLION_RETURN_IF_ERROR(context.RequireSameType(0, i));
  }
  context.SetOutput(0, SequenceOf(context.InputType(0)));
  return OkStatus();
}

Status InferEmpty(InferenceContext& context) {
  const int64_t type =
      context.node().IntAttribute("dtype", static_cast<int64_t>(ElementType::kFloat));
  if (type <= 0 || type >= kElementTypeCount) {
    return context.Error("attribute 'dtype' is ", type, ", which is no element type");
  }
  context.SetOutput(0, SequenceOf(static_cast<ElementType>(type)));
  return OkStatus();
}

Status InferAt(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const ElementType type, ItemType(context));
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kIndices));
  context.SetOutput(0, type);
  return OkStatus();
}

Status InferInsert(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const ElementType type, ItemType(context));
  MULLION_RETURN_IF_ERROR(context.RequireType(2, types::kIndices));
  if (context.InputType(1) != type) {
    return context.Error(context.DescribeInput(1), " but must be of the same type as the ",
                         "items: ", context.DescribeInput(0));
  }
  context.SetOutput(0, SequenceOf(type));
  return OkStatus();
}

Status InferErase(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const ElementType type, ItemType(context));
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kIndices));
  context.SetOutput(0, SequenceOf(type));
  return OkStatus();
}

Status InferLength(InferenceContext& context) {
  const Result<ElementType> type = ItemType(context);
  if (!type.ok()) return type.status();
  context.SetOutput(0, ElementType::kInt64, Shape{});
  return OkStatus();
}

Status InferConcatFromSequence(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const ElementType type, ItemType(context));
  if (!context.node().HasAttribute("axis")) {
    return context.Error("attribute 'axis' is required; export the model again");
  }
  context.SetOutput(0, type);
  return OkStatus();
}

Status InferSplitToSequence(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kIndices));
  const Shape* const input = context.InputShape(0);
  if (input != nullptr) {
    const Result<int> axis = context.Axis(context.node().IntAttribute("axis", 0), input->rank());
    if (!axis.ok()) return axis.status();
  }
  context.SetOutput(0, SequenceOf(context.InputType(0)));
  return OkStatus();
}

}  // namespace

void RegisterSequence(OperatorRegistry& registry) {
  registry.Add({.name = "SequenceConstruct",
                .since = 11,
                .inputs = {1, kVariadic},
                .infer = InferConstruct});
  registry.Add({.name = "SequenceEmpty", .since = 11, .inputs = {0, 0}, .infer = InferEmpty});
  registry.Add({.name = "SequenceAt", .since = 11, .inputs = {2, 2}, .infer = InferAt});
  registry.Add({.name = "SequenceInsert", .since = 11, .inputs = {2, 3}, .infer = InferInsert});
  registry.Add({.name = "SequenceErase", .since = 11, .inputs = {1, 2}, .infer = InferErase});
  registry.Add({.name = "SequenceLength", .since = 11, .inputs = {1, 1}, .infer = InferLength});
  registry.Add({.name = "ConcatFromSequence",
                .since = 11,
                .inputs = {1, 1},
                .infer = InferConcatFromSequence});
  registry.Add(
      {.name = "SplitToSequence", .since = 11, .inputs = {1, 2}, .infer = InferSplitToSequence});
}

}  // namespace mullion::operators
