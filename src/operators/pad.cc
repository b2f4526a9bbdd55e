// SPDX-License-Identifier: MIT
#include "operators/pad.h"

#include <algorithm>

#include "base/str_cat.h"
#include "operators/attribute_inputs.h"
#include "operators/registry.h"

namespace mullion::operators {

Result<PadMode> PadModeOf(const Node& node) {
  const std::string_view mode = node.StringAttribute("mode", "constant");
  if (mode == "constant") return PadMode::kConstant;
  if (mode == "reflect") return PadMode::kReflect;
  if (mode == "edge") return PadMode::kEdge;
  if (mode == "wrap") return PadMode::kWrap;
  return node.Error(StatusCode::kInvalidModel, "attribute 'mode' is '", mode,
                    "' but may only be constant, reflect, edge or wrap");
}

Result<Pads> ResolvePads(int rank, const IntList& pads, const IntList* axes) {
  IntList normal = axes != nullptr ? *axes : IntList::Iota(rank);
  MULLION_RETURN_IF_ERROR(NormalizeAxes(normal, rank));
  const int count = normal.size();
  if (pads.size() != 2 * count) {
    return InvalidModel("there are ", pads.size(), " pads for ", count,
                        " axes; each axis needs one at its begin and one at its end");
  }
  Pads result;
  result.rank = rank;
  for (int i = 0; i < count; ++i) {
    // No real pad passes 2^40; the bound keeps the arithmetic from overflowing.
    constexpr int64_t kMost = int64_t{1} << 40;
    const auto passes = [](int64_t pad) { return pad < -kMost || pad > kMost; };
    if (passes(pads[i]) || passes(pads[count + i])) {
      return InvalidModel("pads of ", pads[i], " and ", pads[count + i], " are too large");
    }
    result.begin[static_cast<size_t>(normal[i])] = pads[i];
    result.end[static_cast<size_t>(normal[i])] = pads[count + i];
  }
  return result;
}

Result<Shape> PadTarget(const Shape& input, const Pads& pads, PadMode mode) {
  Shape shape;
  for (int i = 0; i < input.rank(); ++i) {
    const int64_t begin = pads.begin[static_cast<size_t>(i)];
    const int64_t end = pads.end[static_cast<size_t>(i)];
    if (input[i] < 0) {
      shape.Append(begin == 0 && end == 0 ? input[i] : kUnknownDim);
      continue;
    }
    const int64_t dim = input[i] + begin + end;
    if (dim < 0) {
      return InvalidModel("pads of ", begin, " and ", end, " leave less than nothing of axis ", i,
                          ", whose dimension is ", input[i]);
    }
    if (dim > 0 && input[i] == 0 && mode != PadMode::kConstant) {
      return InvalidModel("axis ", i, " is empty; only mode constant can pad it");
    }
    shape.Append(dim);
  }
  return shape;
}

int64_t PadSource(PadMode mode, int64_t i, int64_t dim) {
  if (i >= 0 && i < dim) return i;
  switch (mode) {
    case PadMode::kConstant:
      return -1;
    case PadMode::kEdge:
      return i < 0 ? 0 : dim - 1;
    case PadMode::kWrap: {
      const int64_t rest = i % dim;
      return rest < 0 ? rest + dim : rest;
    }
    default: {
      // The mirror images repeat with a period of twice the distance between the ends.
      if (dim == 1) return 0;
      const int64_t period = 2 * (dim - 1);
      int64_t rest = i % period;
      if (rest < 0) rest += period;
      return rest < dim ? rest : period - rest;
    }
  }
}

namespace {

Status InferPad(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, SetOf(ElementType::kInt64)));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(0, 2));
  MULLION_RETURN_IF_ERROR(context.RequireType(3, types::kIndices));
  const Result<PadMode> mode = PadModeOf(context.node());
  if (!mode.ok()) return mode.status();
  const ElementType type = context.InputType(0);
  const Shape* const input = context.InputShape(0);
  MULLION_ASSIGN_OR_RETURN(const auto pads, KnownInts(context, 1, "input 'pads'"));
  MULLION_ASSIGN_OR_RETURN(auto axes, KnownInts(context, 3, "input 'axes'"));
  if (input == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  if (pads.has_value() && (axes.has_value() || !context.HasInput(3))) {
    const Result<Pads> resolved = ResolvePads(input->rank(), *pads, axes ? &*axes : nullptr);
    if (!resolved.ok()) return context.Error(resolved.status().message());
    const Result<Shape> shape = PadTarget(*input, *resolved, *mode);
    if (!shape.ok()) return context.Error(shape.status().message());
    context.SetOutput(0, type, *shape);
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const Shape shape, WithUnknownSizes(context, *input, axes));
  context.SetOutput(0, type, shape);
  return OkStatus();
}

// Pad-2 renamed the pads.
Status UpgradePad1(Node& node) {
  const std::span<const int64_t> pads = node.IntsAttribute("paddings");
  node.SetAttribute("pads", std::vector<int64_t>(pads.begin(), pads.end()));
  node.RemoveAttribute("paddings");
  node.set_opset(2);
  return OkStatus();
}

// A scalar of one of the types that Pad-2 allows.
Tensor FloatScalar(ElementType type, float value) {
  switch (type) {
    case ElementType::kDouble:
      return Tensor::Scalar(static_cast<double>(value));
    case ElementType::kFloat16:
      return Tensor::Scalar(Float16(value));
    default:
      return Tensor::Scalar(value);
  }
}

// Pad-11 takes the pads and the constant as inputs. A constant of 0 needs no input, which also
// keeps files right that use other types than Pad-2 allows.
Status UpgradePad2(Node& node) {
  if (!node.HasAttribute("pads")) {
    return node.Error(StatusCode::kInvalidModel,
                      "attribute 'pads' is required; export the model again");
  }
  MoveIntsToInput(node, "pads", 1);
  const float value = node.FloatAttribute("value", 0.0f);
  if (value != 0.0f) {
    const ElementType type = node.input(0)->type.element_type;
    node.SetInput(2, &node.graph().AddConstant("constant_value", FloatScalar(type, value)));
  }
  node.RemoveAttribute("value");
  node.set_opset(11);
  return OkStatus();
}

}  // namespace

void RegisterPad(OperatorRegistry& registry) {
  registry.Add({.name = "Pad", .inputs = {1, 1}, .upgrade = UpgradePad1});
  registry.Add({.name = "Pad", .since = 2, .inputs = {1, 1}, .upgrade = UpgradePad2});
  registry.Add({.name = "Pad", .since = 11, .inputs = {2, 4}, .infer = InferPad});
}

}  // namespace mullion::operators
