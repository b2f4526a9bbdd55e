// SPDX-License-Identifier: MIT
#include "operators/tile.h"

#include <cmath>

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

Result<Shape> TileTarget(const Shape& input, const IntList& repeats) {
  if (repeats.size() != input.rank()) {
    return InvalidModel("input 'repeats' has ", repeats.size(), " elements but the input has rank ",
                        input.rank());
  }
  Shape shape;
  for (int i = 0; i < input.rank(); ++i) {
    if (repeats[i] < 0) return InvalidModel("a repeat of ", repeats[i], " makes no sense");
    if (input[i] < 0) {
      shape.Append(repeats[i] == 1 ? input[i] : repeats[i] == 0 ? 0 : kUnknownDim);
      continue;
    }
    const std::optional<int64_t> dim = CheckedProduct(input[i], repeats[i]);
    if (!dim.has_value()) {
      return InvalidModel("a dimension of ", input[i], " repeated ", repeats[i],
                          " times is too large");
    }
    shape.Append(*dim);
  }
  return shape;
}

namespace {

Status InferTile(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, SetOf(ElementType::kInt64)));
  const ElementType type = context.InputType(0);
  const Shape* const input = context.InputShape(0);
  MULLION_ASSIGN_OR_RETURN(const auto repeats, KnownInts(context, 1, "input 'repeats'"));
  if (input == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  if (!repeats.has_value()) {
    context.SetOutput(0, type, Shape::Filled(input->rank(), kUnknownDim));
    return OkStatus();
  }
  const Result<Shape> shape = TileTarget(*input, *repeats);
  if (!shape.ok()) return context.Error(shape.status().message());
  context.SetOutput(0, type, *shape);
  return OkStatus();
}

// The one element of a constant in Tile-1, whose numbers have the type of the data.
std::optional<int64_t> ConstantNumber(const Value* value) {
  if (value == nullptr || !value->IsConstant() || value->constant.count() != 1) {
    return std::nullopt;
  }
  const TensorView view = value->constant.view();
  if (IsInteger(view.type)) return IntAt(view, 0);
  std::optional<int64_t> number;
  DispatchType(FloatTypes{}, view.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto real = static_cast<double>(static_cast<ComputeType<T>>(*view.as<T>()));
    if (std::abs(real) < 0x1p40) number = static_cast<int64_t>(real);
  });
  return number;
}

// Tile-1 repeats along one axis; Tile-6 takes a repeat for each axis.
Status UpgradeTile(Node& node) {
  const std::optional<int64_t> tiles = ConstantNumber(node.input(1));
  const std::optional<int64_t> number = ConstantNumber(node.input(2));
  const TypeInfo& type = node.input(0)->type;
  const std::optional<int> axis = number.has_value() && type.has_shape
                                      ? NormalizeAxis(*number, type.shape.rank())
                                      : std::nullopt;
  if (!tiles.has_value() || !axis.has_value()) {
    return node.Error(StatusCode::kUnsupported,
                      "inputs 'tiles' and 'axis' of Tile-1 must be constants of one element, and "
                      "the input's rank known; export the model with opset 6 or later");
  }
  IntList repeats = IntList::Filled(type.shape.rank(), 1);
  repeats[*axis] = *tiles;
  node.ResizeInputs(1);
  node.SetInput(1, &node.graph().AddConstant("repeats", Tensor::Vector(repeats.span())));
  node.set_opset(6);
  return OkStatus();
}

}  // namespace

void RegisterTile(OperatorRegistry& registry) {
  registry.Add({.name = "Tile", .inputs = {3, 3}, .upgrade = UpgradeTile});
  registry.Add({.name = "Tile", .since = 6, .inputs = {2, 2}, .infer = InferTile});
}

}  // namespace mullion::operators
