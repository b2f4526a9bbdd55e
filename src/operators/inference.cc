// SPDX-License-Identifier: MIT
#include "operators/inference.h"

#include "base/str_cat.h"

namespace mullion {

namespace {

using SmallIntegers =
    TypeList<int64_t, int32_t, int16_t, int8_t, uint8_t, uint16_t, uint32_t, uint64_t, bool>;

}  // namespace

std::optional<std::vector<int64_t>> InferenceContext::InputInts(int i) const {
  const TensorView* const data = InputData(i);
  if (data == nullptr) return std::nullopt;
  std::vector<int64_t> values;
  const bool known = DispatchType(SmallIntegers{}, data->type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto elements = data->span<T>();
    values.assign(elements.begin(), elements.end());
  });
  if (!known) return std::nullopt;
  return values;
}

std::optional<std::vector<float>> InferenceContext::InputFloats(int i) const {
  const TensorView* const data = InputData(i);
  if (data == nullptr) return std::nullopt;
  std::vector<float> values;
  const bool known = DispatchType(FloatTypes{}, data->type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (const T element : data->span<T>()) values.push_back(static_cast<float>(element));
  });
  if (!known) return std::nullopt;
  return values;
}

void InferenceContext::SetOutput(int i, TypeInfo info) {
  if (i < output_count()) outputs_[static_cast<size_t>(i)] = std::move(info);
}

std::string InferenceContext::DescribeInput(int i) const {
  const Value* const value = node_.input(i);
  std::string text = StrCat("input ", i);
  if (value != nullptr && !value->name().empty()) text += StrCat(" '", value->name(), "'");
  if (!HasInput(i)) return text + " is left out";
  TypeInfo info = InputInfo(i);
  if (InputShape(i) != nullptr && info.IsTensor()) {
    info.has_shape = true;
    info.shape = *InputShape(i);
  }
  return StrCat(text, " is ", info.ToString());
}

Status InferenceContext::RequireInput(int i) const {
  if (HasInput(i)) return OkStatus();
  return Error(StrCat("input ", i, " is required but left out; export the model again"));
}

Status InferenceContext::RequireRank(int i, int rank) const {
  const Shape* const shape = InputShape(i);
  if (shape == nullptr || shape->rank() == rank) return OkStatus();
  return Error(StrCat(DescribeInput(i), " but must have rank ", rank));
}

Status InferenceContext::RequireRankAtLeast(int i, int rank) const {
  const Shape* const shape = InputShape(i);
  if (shape == nullptr || shape->rank() >= rank) return OkStatus();
  return Error(StrCat(DescribeInput(i), " but must have rank ", rank, " or more"));
}

Status InferenceContext::RequireType(int i, ElementTypeSet allowed) const {
  if (!HasInput(i) || Contains(allowed, InputType(i))) return OkStatus();
  std::string names;
  for (int t = 1; t < kElementTypeCount; ++t) {
    if (!Contains(allowed, static_cast<ElementType>(t))) continue;
    names += StrCat(names.empty() ? "" : ", ", ElementTypeName(static_cast<ElementType>(t)));
  }
  return Error(StrCat(DescribeInput(i), " but may only be of type ", names));
}

Status InferenceContext::RequireSameType(int i, int j) const {
  if (!HasInput(i) || !HasInput(j) || InputType(i) == InputType(j)) return OkStatus();
  return Error(StrCat(DescribeInput(i), " and ", DescribeInput(j),
                      "; both must have the same element type, put a Cast in between"));
}

Result<int> InferenceContext::Axis(int64_t axis, int rank) const {
  const std::optional<int> normal = NormalizeAxis(axis, rank);
  if (normal.has_value()) return *normal;
  return Error(StrCat("axis ", axis, " is outside [-", rank, ", ", rank, ") for rank ", rank));
}

void SetLikeFirst(InferenceContext& context, ElementType type) {
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) {
    context.SetOutput(0, type);
  } else {
    context.SetOutput(0, type, *shape);
  }
}

TypeInfo WithoutShape(TypeInfo type) {
  type.has_shape = false;
  type.shape = Shape();
  return type;
}

Status InferSameAsFirst(InferenceContext& context) {
  context.SetOutput(0, context.InputInfo(0));
  const Shape* const shape = context.InputShape(0);
  if (shape != nullptr && context.InputInfo(0).IsTensor()) {
    context.SetOutput(0, context.InputType(0), *shape);
  }
  return OkStatus();
}

namespace {

Status InferBroadcastAs(InferenceContext& context, ElementType type) {
  for (int i = 1; i < context.input_count(); ++i) {
    MULLION_RETURN_IF_ERROR(context.RequireSameType(0, i));
  }
  Shape shape;
  for (int i = 0; i < context.input_count(); ++i) {
    const Shape* const input = context.InputShape(i);
    if (input == nullptr) {
      context.SetOutput(0, type);
      return OkStatus();
    }
    if (*input == shape) continue;  // most often, but for the first
    const std::optional<Shape> common = BroadcastShapes(shape, *input);
    if (!common.has_value()) {
      std::string inputs;
      for (int j = 0; j < context.input_count(); ++j) {
        inputs += StrCat(j == 0 ? "" : ", ", context.DescribeInput(j));
      }
      return context.Error(inputs,
                           "; the shapes do not broadcast: counted from the last, "
                           "dimensions must be equal or 1");
    }
    shape = *common;
  }
  context.SetOutput(0, type, shape);
  return OkStatus();
}

}  // namespace

Status InferBroadcast(InferenceContext& context) {
  return InferBroadcastAs(context, context.InputType(0));
}

Status InferCompare(InferenceContext& context) {
  return InferBroadcastAs(context, ElementType::kBool);
}

}  // namespace mullion
