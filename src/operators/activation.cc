// SPDX-License-Identifier: MIT
// Activation functions. Their formulas and attributes stand in operators/elementwise_op.
#include <limits>

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

struct ActivationForm {
  std::string_view name;
  int since;
  ElementTypeSet types = types::kAllFloats;
};

constexpr ActivationForm kActivationForms[] = {
    {"Relu", 1, types::kAllFloats | types::kSigned},
    {"LeakyRelu", 1},
    {"Elu", 1},
    {"Selu", 1},
    {"Celu", 12},
    {"HardSigmoid", 1},
    {"HardSwish", 14},
    {"Mish", 18},
    {"Softplus", 1},
    {"Softsign", 1},
    // Opset 10; files of earlier opsets have it as an experiment with the same meaning.
    {"ThresholdedRelu", 1},
    {"Shrink", 9, types::kNumeric},
    {"Swish", 24},
};

Status InferGelu(InferenceContext& context) {
  const std::string_view approximate = context.node().StringAttribute("approximate", "none");
  if (approximate != "none" && approximate != "tanh") {
    return context.Error("attribute approximate is '", approximate,
                         "' but must be 'none' or 'tanh'");
  }
  return InferSameAsFirst(context);
}

Status InferClip(InferenceContext& context) {
  for (const int bound : {1, 2}) {
    MULLION_RETURN_IF_ERROR(context.RequireSameType(0, bound));
    const Shape* const shape = context.InputShape(bound);
    // One element of any rank is taken: some exporters write [1].
    if (shape != nullptr && shape->IsConcrete() && shape->ElementCount() != 1) {
      return context.Error(context.DescribeInput(bound), " but must be a scalar");
    }
  }
  return InferSameAsFirst(context);
}

// Clip-1 and Clip-6 have their bounds as attributes.
Status UpgradeClip(Node& node) {
  const Value* const input = node.input(0);
  const ElementType type = input == nullptr ? ElementType::kFloat : input->type.element_type;
  const auto constant = [&](const char* name) {
    const float bound = node.FloatAttribute(name, 0.0f);
    if (type == ElementType::kDouble) return Tensor::Scalar<double>(bound);
    if (type == ElementType::kFloat16) return Tensor::Scalar(Float16(bound));
    return Tensor::Scalar(bound);
  };
  int place = 1;
  for (const char* const name : {"min", "max"}) {
    if (node.HasAttribute(name))
      node.SetInput(place, &node.graph().AddConstant(name, constant(name)));
    node.RemoveAttribute(name);
    ++place;
  }
  node.set_opset(11);
  return OkStatus();
}

Status InferSwiGlu(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(InferBroadcast(context));
  const Shape* const a = context.InputShape(0);
  const Shape* const b = context.InputShape(1);
  if (a == nullptr || b == nullptr) return OkStatus();
  if (a->rank() != b->rank() || (a->IsConcrete() && b->IsConcrete() && !(*a == *b))) {
    return context.Error(context.DescribeInput(0), " and ", context.DescribeInput(1),
                         "; both must have the same shape");
  }
  return OkStatus();
}

}  // namespace

void RegisterActivation(OperatorRegistry& registry) {
  for (const ActivationForm& form : kActivationForms) {
    registry.Add({.name = form.name,
                  .since = form.since,
                  .inputs = {1, 1},
                  .types = form.types,
                  .infer = InferSameAsFirst});
  }
  registry.Add({.name = "Gelu",
                .since = 20,
                .inputs = {1, 1},
                .types = types::kAllFloats,
                .infer = InferGelu});
  registry.Add({.name = "Clip", .inputs = {1, 1}, .upgrade = UpgradeClip});
  registry.Add({.name = "Clip",
                .since = 11,
                .inputs = {1, 3},
                .types = types::kNumeric,
                .infer = InferClip});
  registry.Add({.name = "SwiGLU",
                .since = 28,
                .inputs = {2, 2},
                .types = types::kAllFloats,
                .infer = InferSwiGlu});
}

}  // namespace mullion::operators
