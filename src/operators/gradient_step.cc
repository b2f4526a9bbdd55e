// SPDX-License-Identifier: MIT
// Adagrad, Adam and Momentum of ai.onnx.preview.training: one step of an optimizer for several
// tensors. Inputs are the rate R and the count of updates T, then all tensors X, all gradients G
// and all states; outputs are the new X and the new states.
#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

template <int kStates>
Status InferGradientStep(InferenceContext& context) {
  constexpr int kLists = 2 + kStates;
  const int tensors = (context.input_count() - 2) / kLists;
  if (tensors < 1 || context.input_count() != 2 + kLists * tensors ||
      context.output_count() > (1 + kStates) * tensors) {
    return context.Error("it has ", context.input_count(), " inputs and ", context.output_count(),
                         " outputs, but must have 2 inputs and ", kLists, " for each tensor, and ",
                         1 + kStates, " outputs for each");
  }
  MULLION_RETURN_IF_ERROR(context.RequireType(1, SetOf(ElementType::kInt64)));
  for (int i = 2; i < context.input_count(); ++i) {
    const int tensor = 2 + (i - 2) % tensors;
    MULLION_RETURN_IF_ERROR(context.RequireInput(i));
    MULLION_RETURN_IF_ERROR(context.RequireType(i, types::kFloatDouble));
    MULLION_RETURN_IF_ERROR(context.RequireSameType(tensor, i));
    const Shape* const a = context.InputShape(tensor);
    const Shape* const b = context.InputShape(i);
    if (a != nullptr && b != nullptr && a->IsConcrete() && b->IsConcrete() && !(*a == *b)) {
      return context.Error(context.DescribeInput(i), " but must have the shape of ",
                           context.DescribeInput(tensor));
    }
  }
  for (int i = 0; i < (1 + kStates) * tensors; ++i) {
    context.SetOutput(i, context.InputInfo(2 + i % tensors));
  }
  return OkStatus();
}

Status InferMomentum(InferenceContext& context) {
  const std::string_view mode = context.node().StringAttribute("mode", "");
  if (mode != "standard" && mode != "nesterov") {
    return context.Error("the attribute 'mode' is '", mode,
                         "' but must be 'standard' or 'nesterov'");
  }
  return InferGradientStep<1>(context);
}

}  // namespace

void RegisterGradientStep(OperatorRegistry& registry) {
  constexpr std::string_view kDomain = "ai.onnx.preview.training";
  registry.Add({.name = "Adagrad",
                .domain = kDomain,
                .inputs = {3, kVariadic},
                .outputs = {1, kVariadic},
                .types = types::kFloatDouble,
                .infer = InferGradientStep<1>});
  registry.Add({.name = "Adam",
                .domain = kDomain,
                .inputs = {3, kVariadic},
                .outputs = {1, kVariadic},
                .types = types::kFloatDouble,
                .infer = InferGradientStep<2>});
  registry.Add({.name = "Momentum",
                .domain = kDomain,
                .inputs = {3, kVariadic},
                .outputs = {1, kVariadic},
                .types = types::kFloatDouble,
                .infer = InferMomentum});
}

}  // namespace mullion::operators
