// SPDX-License-Identifier: MIT
// QuantizeLinear and DequantizeLinear. Versions from 13 on added the axis, blocks, and types; the
// newest form takes what the older ones wrote. The operators of the same names in com.microsoft
// are older forms of the same meaning.
#include "operators/quantize_linear.h"

#include <string>

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

constexpr ElementTypeSet kQuantized =
    SetOf(ElementType::kUint8, ElementType::kInt8, ElementType::kUint16, ElementType::kInt16) |
    (types::kFloat8 & ~SetOf(ElementType::kFloat8E8M0)) | types::kSubByte;
constexpr ElementTypeSet kScales =
    types::kFloat | types::kHalfFloats | SetOf(ElementType::kInt32, ElementType::kFloat8E8M0);

std::string DescribeScale(const Shape& x, const Shape& scale) {
  return StrCat("input 1 (the scale) has shape ", scale.ToString(), " for an input 0 of shape ",
                x.ToString());
}

// An output type that the attribute names, or `fallback`.
Result<ElementType> NamedType(const InferenceContext& context, ElementType fallback,
                              ElementTypeSet allowed) {
  const int64_t type = context.node().IntAttribute("output_dtype", 0);
  if (type == 0) return fallback;
  if (type > 0 && type < kElementTypeCount && Contains(allowed, static_cast<ElementType>(type))) {
    return static_cast<ElementType>(type);
  }
  return context.Error("attribute 'output_dtype' is ", type,
                       ", which is no type that this operator can give");
}

// The shapes of scale and zero point, as far as they are known.
Status CheckParameters(const InferenceContext& context) {
  const Shape* const x = context.InputShape(0);
  const Shape* const scale = context.InputShape(1);
  const Shape* const zero_point = context.InputShape(2);
  if (x == nullptr || scale == nullptr || !x->IsConcrete() || !scale->IsConcrete()) {
    return OkStatus();
  }
  MULLION_RETURN_IF_ERROR(MakeQuantizationGrid(context.node(), *x, *scale).status());
  if (zero_point == nullptr || !zero_point->IsConcrete()) return OkStatus();
  if (zero_point->ElementCount() == scale->ElementCount()) return OkStatus();
  return context.Error(context.DescribeInput(2), " but must have the shape of input 1, ",
                       scale->ToString());
}

Status InferQuantizeLinear(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, kScales));
  MULLION_RETURN_IF_ERROR(context.RequireType(2, kQuantized));
  MULLION_RETURN_IF_ERROR(CheckParameters(context));
  MULLION_ASSIGN_OR_RETURN(ElementType type, NamedType(context, ElementType::kUint8, kQuantized));
  if (context.HasInput(2)) {
    const bool named = context.node().IntAttribute("output_dtype", 0) != 0;
    if (named && type != context.InputType(2)) {
      return context.Error("attribute 'output_dtype' says ", ElementTypeName(type), " but ",
                           context.DescribeInput(2), "; both must name the same type");
    }
    type = context.InputType(2);
  }
  SetLikeFirst(context, type);
  return OkStatus();
}

Status InferDequantizeLinear(InferenceContext& context) {
  constexpr ElementTypeSet kOutputs = types::kFloat | types::kHalfFloats;
  MULLION_RETURN_IF_ERROR(context.RequireType(1, kScales & ~SetOf(ElementType::kInt32)));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(0, 2));
  MULLION_RETURN_IF_ERROR(CheckParameters(context));
  const ElementType scale = context.InputType(1);
  const ElementType fallback = Contains(kOutputs, scale) ? scale : ElementType::kFloat;
  MULLION_ASSIGN_OR_RETURN(const ElementType type, NamedType(context, fallback, kOutputs));
  SetLikeFirst(context, type);
  return OkStatus();
}

// These divide in float, whatever the scale's type is.
Status UpgradeMicrosoftQuantization(Node& node) {
  if (node.operator_name() == "QuantizeLinear") {
    node.SetAttribute("precision", static_cast<int64_t>(ElementType::kFloat));
  }
  node.SetOperator("", node.operator_name(), kNewestOpset);
  return OkStatus();
}

}  // namespace

Result<QuantizationGrid> MakeQuantizationGrid(const Node& node, const Shape& x,
                                              const Shape& scale) {
  const int64_t block = node.IntAttribute("block_size", 0);
  if (block < 0) {
    return node.Error(StatusCode::kInvalidModel, "attribute 'block_size' must not be negative");
  }
  QuantizationGrid grid;
  if (block == 0 && scale.rank() <= 1 && scale.ElementCount() == 1) {
    grid.inner = x.ElementCount();
    return grid;
  }
  const int64_t wanted = node.IntAttribute("axis", 1);
  // A vector has one axis only, whatever the default says.
  const std::optional<int> axis = NormalizeAxis(x.rank() == 1 ? 0 : wanted, x.rank());
  if (!axis.has_value()) {
    return node.Error(StatusCode::kInvalidModel, "axis ", wanted, " is outside [-", x.rank(), ", ",
                      x.rank(), ") for an input of rank ", x.rank());
  }
  grid.outer = x.Product(0, *axis);
  grid.extent = x[*axis];
  grid.inner = x.Product(*axis + 1, x.rank());
  if (block == 0) {
    grid.blocks = grid.extent;
    if (scale.rank() == 1 && scale[0] == grid.extent) return grid;
    return node.Error(StatusCode::kInvalidModel, DescribeScale(x, scale), "; on axis ", *axis,
                      " it must have one element, or ", grid.extent);
  }
  grid.block = block;
  grid.blocks = grid.extent / block + (grid.extent % block != 0 ? 1 : 0);
  grid.blocked = true;
  Shape fitting = x;
  fitting[*axis] = grid.blocks;
  if (scale == fitting) return grid;
  return node.Error(StatusCode::kInvalidModel, DescribeScale(x, scale), "; for blocks of ", block,
                    " on axis ", *axis, " it must have shape ", fitting.ToString());
}

void RegisterQuantizeLinear(OperatorRegistry& registry) {
  constexpr ElementTypeSet kReal = types::kFloat | types::kHalfFloats | SetOf(ElementType::kInt32);
  OperatorDefinition quantize{.name = "QuantizeLinear",
                              .since = 10,
                              .inputs = {2, 3},
                              .types = kReal,
                              .infer = InferQuantizeLinear};
  OperatorDefinition dequantize{.name = "DequantizeLinear",
                                .since = 10,
                                .inputs = {2, 3},
                                .types = kQuantized | SetOf(ElementType::kInt32),
                                .infer = InferDequantizeLinear};
  registry.Add(quantize);
  registry.Add(dequantize);
  for (OperatorDefinition form : {quantize, dequantize}) {
    form.domain = "com.microsoft";
    form.since = 1;
    form.infer = nullptr;
    form.upgrade = UpgradeMicrosoftQuantization;
    registry.Add(form);
  }
}

}  // namespace mullion::operators
