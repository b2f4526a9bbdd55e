// SPDX-License-Identifier: MIT
#include "base/str_cat.h"
#include "operators/int_list.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferTopK(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, SetOf(ElementType::kInt64)));
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 1));
  const ElementType type = context.InputType(0);
  const Shape* const input = context.InputShape(0);
  if (input == nullptr) {
    context.SetOutput(0, type);
    context.SetOutput(1, ElementType::kInt64);
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const int axis,
                           context.Axis(context.node().IntAttribute("axis", -1), input->rank()));
  MULLION_ASSIGN_OR_RETURN(const auto k, KnownInts(context, 1, "input 'K'"));
  Shape shape = *input;
  shape[axis] = kUnknownDim;
  if (k.has_value()) {
    if (k->size() != 1) return context.Error("input 'K' must have one element");
    if ((*k)[0] < 0 || ((*input)[axis] >= 0 && (*k)[0] > (*input)[axis])) {
      return context.Error("input 'K' asks for ", (*k)[0], " elements along axis ", axis, ", but ",
                           context.DescribeInput(0));
    }
    shape[axis] = (*k)[0];
  }
  context.SetOutput(0, type, shape);
  context.SetOutput(1, ElementType::kInt64, shape);
  return OkStatus();
}

// TopK-10 takes K as an input.
Status UpgradeTopK(Node& node) {
  const int64_t k = node.IntAttribute("k", -1);
  if (k < 0) {
    return node.Error(StatusCode::kInvalidModel,
                      "attribute 'k' is required and must be 0 or more; export the model again");
  }
  node.SetInput(1, &node.graph().AddConstant("K", Tensor::Vector(std::span(&k, 1))));
  node.RemoveAttribute("k");
  node.set_opset(10);
  return OkStatus();
}

}  // namespace

void RegisterTopK(OperatorRegistry& registry) {
  registry.Add({.name = "TopK", .inputs = {1, 1}, .outputs = {1, 2}, .upgrade = UpgradeTopK});
  registry.Add({.name = "TopK",
                .since = 10,
                .inputs = {2, 2},
                .outputs = {1, 2},
                .types = types::kNumeric,
                .infer = InferTopK});
}

}  // namespace mullion::operators
