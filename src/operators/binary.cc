// SPDX-License-Identifier: MIT
// Arithmetic of two operands, and of any number: Min, Max, Sum, Mean.
#include "base/str_cat.h"
#include "operators/legacy_broadcast.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// The base gives the type; the exponent may have another one since Pow-12.
Status InferPow(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kNumeric));
  const Shape* const base = context.InputShape(0);
  const Shape* const exponent = context.InputShape(1);
  if (base == nullptr || exponent == nullptr) {
    context.SetOutput(0, context.InputType(0));
    return OkStatus();
  }
  const std::optional<Shape> shape = BroadcastShapes(*base, *exponent);
  if (!shape.has_value()) {
    return context.Error(context.DescribeInput(0), ", ", context.DescribeInput(1),
                         "; the shapes do not broadcast");
  }
  context.SetOutput(0, context.InputType(0), *shape);
  return OkStatus();
}

Status InferMod(InferenceContext& context) {
  const int64_t fmod = context.node().IntAttribute("fmod", 0);
  if (fmod == 0 && Contains(types::kAllFloats, context.InputType(0))) {
    return context.Error(context.DescribeInput(0),
                         "; floating-point remainders need attribute fmod = 1");
  }
  return InferBroadcast(context);
}

// The slope is broadcast to the input, never the other way.
Status InferPRelu(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(InferBroadcast(context));
  const Shape* const x = context.InputShape(0);
  const TypeInfo& output = context.OutputInfo(0);
  if (x == nullptr || !output.has_shape) return OkStatus();
  if (output.shape.rank() != x->rank() ||
      (x->IsConcrete() && output.shape.IsConcrete() && !(output.shape == *x))) {
    return context.Error(context.DescribeInput(1), " does not broadcast to ",
                         context.DescribeInput(0));
  }
  return InferSameAsFirst(context);
}

// Until opset 6 a slope of one axis belongs to axis 1, the channels.
Status UpgradePRelu(Node& node) {
  node.set_opset(7);
  if (node.input(0) == nullptr || node.input(1) == nullptr) return OkStatus();
  const TypeInfo& x = node.input(0)->type;
  const TypeInfo& slope = node.input(1)->type;
  if (!slope.has_shape || slope.shape.rank() != 1 || slope.shape[0] == 1) return OkStatus();
  if (!x.has_shape) {
    return node.Error(
        StatusCode::kUnsupported,
        "a slope for each channel needs an input of known rank; export the model with "
        "opset 7 or later");
  }
  const int behind = x.shape.rank() - 2;
  return behind <= 0 ? OkStatus() : AppendUnitAxes(node, 1, behind);
}

struct BinaryForm {
  std::string_view name;
  ElementTypeSet types;
  Status (*infer)(InferenceContext&);
};

constexpr BinaryForm kLegacyBinaryForms[] = {
    {"Add", types::kNumeric, InferBroadcast}, {"Sub", types::kNumeric, InferBroadcast},
    {"Mul", types::kNumeric, InferBroadcast}, {"Div", types::kNumeric, InferBroadcast},
    {"Pow", types::kNumeric, InferPow},
};

// Opset 8 gave them broadcasting, which is all that changed.
constexpr BinaryForm kVariadicForms[] = {
    {"Min", types::kNumeric, InferBroadcast},
    {"Max", types::kNumeric, InferBroadcast},
    {"Sum", types::kAllFloats, InferBroadcast},
    {"Mean", types::kAllFloats, InferBroadcast},
};

}  // namespace

void RegisterBinary(OperatorRegistry& registry) {
  for (const BinaryForm& form : kLegacyBinaryForms) {
    registry.Add({.name = form.name, .inputs = {2, 2}, .upgrade = UpgradeLegacyBroadcast});
    registry.Add({.name = form.name,
                  .since = 7,
                  .inputs = {2, 2},
                  .types = form.types,
                  .infer = form.infer});
  }
  for (const BinaryForm& form : kVariadicForms) {
    registry.Add(
        {.name = form.name, .inputs = {1, kVariadic}, .types = form.types, .infer = form.infer});
  }
  registry.Add(
      {.name = "Mod", .since = 10, .inputs = {2, 2}, .types = types::kNumeric, .infer = InferMod});
  registry.Add({.name = "PRelu", .inputs = {2, 2}, .upgrade = UpgradePRelu});
  registry.Add({.name = "PRelu",
                .since = 7,
                .inputs = {2, 2},
                .types = types::kNumeric,
                .infer = InferPRelu});
}

}  // namespace mullion::operators
