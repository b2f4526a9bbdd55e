// SPDX-License-Identifier: MIT
#include "operators/reshape.h"

#include <algorithm>

#include "base/str_cat.h"
#include "operators/attribute_inputs.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

std::string ListText(const IntList& list) {
  std::string text = "[";
  for (int i = 0; i < list.size(); ++i) text += StrCat(i == 0 ? "" : ",", list[i]);
  return text + "]";
}

// A product of dimensions of which at most one is unknown.
struct Volume {
  int64_t known = 1;
  int unknown_count = 0;
  int64_t unknown = kUnknownDim;  // the one, when the count is 1
  bool overflow = false;

  void Multiply(int64_t dim) {
    if (dim < 0) {
      ++unknown_count;
      unknown = dim;
      return;
    }
    const std::optional<int64_t> product = CheckedProduct(known, dim);
    overflow |= !product.has_value();
    known = product.value_or(0);
  }
};

Status Mismatch(const Shape& input, const IntList& target) {
  return InvalidModel("shape ", input.ToString(), " cannot be reshaped to ", ListText(target),
                      "; both must have the same number of elements");
}

// The dimension that -1 stands for. Dimensions that zeros copied are already left out of both
// volumes, so that [?,12,64] reshaped to [0,-1] is [?,768].
Result<int64_t> RestOf(const Volume& input, const Volume& target, const Shape& shape,
                       const IntList& list) {
  if (input.overflow || target.overflow) return Mismatch(shape, list);
  if (input.unknown_count > 1) return kUnknownDim;
  if (input.unknown_count == 1) {
    return input.known == target.known ? input.unknown : kUnknownDim;
  }
  if (target.known == 0) {
    if (input.known == 0) return 0;
    return Mismatch(shape, list);
  }
  if (input.known % target.known != 0) return Mismatch(shape, list);
  return input.known / target.known;
}

}  // namespace

Result<Shape> ReshapeTarget(const Shape& input, const IntList& target, bool allow_zero) {
  if (target.size() > kMaxRank) {
    return InvalidModel("shape ", ListText(target), " has more than ", kMaxRank,
                        " dimensions, which is not supported");
  }
  Shape shape;
  Volume left, right;
  int rest = -1;
  for (int i = 0; i < target.size(); ++i) {
    const int64_t dim = target[i];
    const bool copied = dim == 0 && !allow_zero;
    if (dim < -1 || (dim == -1 && rest >= 0) || (copied && i >= input.rank())) {
      return InvalidModel("shape ", ListText(target), " does not fit the input's shape ",
                          input.ToString(),
                          "; one -1 may stand for the rest, and a 0 copies the dimension at "
                          "its place");
    }
    if (dim == -1) rest = i;
    shape.Append(copied ? input[i] : dim);
    if (dim > 0 || (dim == 0 && allow_zero)) right.Multiply(dim);
  }
  if (allow_zero && rest >= 0 && right.known == 0) {
    return InvalidModel("shape ", ListText(target),
                        " has both a 0 and a -1, which allowzero=1 forbids");
  }
  for (int i = 0; i < input.rank(); ++i) {
    const bool copied = i < target.size() && target[i] == 0 && !allow_zero;
    if (!copied) left.Multiply(input[i]);
  }
  if (rest >= 0) {
    MULLION_ASSIGN_OR_RETURN(shape[rest], RestOf(left, right, input, target));
  } else if (left.unknown_count == 0 &&
             (left.overflow || right.overflow || left.known != right.known)) {
    // A copied dimension of 0 makes any two shapes agree.
    const std::optional<int64_t> a = input.CheckedElementCount();
    const std::optional<int64_t> b = shape.CheckedElementCount();
    if (!a.has_value() || !b.has_value() || *a != *b) return Mismatch(input, target);
  }
  return shape;
}

Result<Shape> FlattenTarget(const Shape& input, int64_t axis) {
  const int rank = input.rank();
  if (axis < -rank || axis > rank) {
    return InvalidModel("axis ", axis, " is outside [-", rank, ", ", rank, "] for rank ", rank);
  }
  const int split = static_cast<int>(axis < 0 ? axis + rank : axis);
  const auto volume = [&](int first, int last) {
    Volume product;
    for (int i = first; i < last; ++i) product.Multiply(input[i]);
    if (product.unknown_count == 0) return product.known;
    return product.unknown_count == 1 && product.known == 1 ? product.unknown : kUnknownDim;
  };
  return Shape{volume(0, split), volume(split, rank)};
}

Result<Shape> SqueezeTarget(const Shape& input, IntList axes) {
  std::array<bool, kMaxRank> removed{};
  if (axes.size() == 0) {
    for (int i = 0; i < input.rank(); ++i) removed[static_cast<size_t>(i)] = input[i] == 1;
  }
  MULLION_RETURN_IF_ERROR(NormalizeAxes(axes, input.rank()));
  for (const int64_t axis : axes) {
    if (input[static_cast<int>(axis)] > 1 || input[static_cast<int>(axis)] == 0) {
      return InvalidModel("axis ", axis, " of shape ", input.ToString(),
                          " cannot be squeezed; its dimension is not 1");
    }
    removed[static_cast<size_t>(axis)] = true;
  }
  Shape shape;
  for (int i = 0; i < input.rank(); ++i) {
    if (!removed[static_cast<size_t>(i)]) shape.Append(input[i]);
  }
  return shape;
}

Result<Shape> UnsqueezeTarget(const Shape& input, IntList axes) {
  const int rank = input.rank() + axes.size();
  if (rank > kMaxRank) {
    return InvalidModel("the output has rank ", rank, " but at most ", kMaxRank, " is supported");
  }
  MULLION_RETURN_IF_ERROR(NormalizeAxes(axes, rank));
  Shape shape;
  int next = 0;
  for (int i = 0; i < rank; ++i) {
    const bool added = std::find(axes.begin(), axes.end(), i) != axes.end();
    shape.Append(added ? 1 : input[next++]);
  }
  return shape;
}

namespace {

// Ends an inference whose only question was the shape.
Status Finish(InferenceContext& context, const Result<Shape>& shape) {
  if (!shape.ok()) return context.Error(shape.status().message());
  context.SetOutput(0, context.InputType(0), *shape);
  return OkStatus();
}

Status InferReshape(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireInput(1));
  MULLION_RETURN_IF_ERROR(context.RequireType(1, SetOf(ElementType::kInt64)));
  const Shape* const input = context.InputShape(0);
  MULLION_ASSIGN_OR_RETURN(const std::optional<IntList> target,
                           KnownInts(context, 1, "input 'shape'"));
  const bool allow_zero = context.node().IntAttribute("allowzero", 0) != 0;
  if (target.has_value() && input != nullptr) {
    return Finish(context, ReshapeTarget(*input, *target, allow_zero));
  }
  context.SetOutput(0, context.InputType(0));
  const Shape* const length = context.InputShape(1);
  if (!target.has_value() && length != nullptr && length->rank() == 1 && (*length)[0] >= 0 &&
      (*length)[0] <= kMaxRank) {
    const int rank = static_cast<int>((*length)[0]);
    context.SetOutput(0, context.InputType(0), Shape::Filled(rank, kUnknownDim));
  }
  return OkStatus();
}

Status InferFlatten(InferenceContext& context) {
  const Shape* const input = context.InputShape(0);
  if (input == nullptr) {
    context.SetOutput(0, context.InputType(0), Shape{kUnknownDim, kUnknownDim});
    return OkStatus();
  }
  return Finish(context, FlattenTarget(*input, context.node().IntAttribute("axis", 1)));
}

Status InferSqueeze(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kIndices));
  const Shape* const input = context.InputShape(0);
  MULLION_ASSIGN_OR_RETURN(const std::optional<IntList> axes,
                           KnownInts(context, 1, "input 'axes'"));
  const bool all = !context.HasInput(1) || (axes.has_value() && axes->size() == 0);
  if (input == nullptr || (!all && !axes.has_value()) || (all && !input->IsConcrete())) {
    context.SetOutput(0, context.InputType(0));
    return OkStatus();
  }
  return Finish(context, SqueezeTarget(*input, axes.value_or(IntList())));
}

Status InferUnsqueeze(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireInput(1));
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kIndices));
  const Shape* const input = context.InputShape(0);
  MULLION_ASSIGN_OR_RETURN(const std::optional<IntList> axes,
                           KnownInts(context, 1, "input 'axes'"));
  if (input == nullptr || !axes.has_value()) {
    context.SetOutput(0, context.InputType(0));
    return OkStatus();
  }
  return Finish(context, UnsqueezeTarget(*input, *axes));
}

// Reshape-5 takes the shape as an input.
Status UpgradeReshape(Node& node) {
  MoveIntsToInput(node, "shape", 1);
  node.RemoveAttribute("consumed_inputs");
  node.set_opset(5);
  return OkStatus();
}

// Squeeze-13 and Unsqueeze-13 take the axes as an input.
Status UpgradeAxes(Node& node) {
  MoveIntsToInput(node, "axes", 1);
  node.set_opset(13);
  return OkStatus();
}

}  // namespace

void RegisterReshape(OperatorRegistry& registry) {
  registry.Add({.name = "Reshape", .inputs = {1, 2}, .upgrade = UpgradeReshape});
  registry.Add({.name = "Reshape", .since = 5, .inputs = {2, 2}, .infer = InferReshape});
  registry.Add({.name = "Flatten", .inputs = {1, 1}, .infer = InferFlatten});
  registry.Add({.name = "Squeeze", .inputs = {1, 1}, .upgrade = UpgradeAxes});
  registry.Add({.name = "Squeeze", .since = 13, .inputs = {1, 2}, .infer = InferSqueeze});
  registry.Add({.name = "Unsqueeze", .inputs = {1, 1}, .upgrade = UpgradeAxes});
  registry.Add({.name = "Unsqueeze", .since = 13, .inputs = {2, 2}, .infer = InferUnsqueeze});
}

}  // namespace mullion::operators
