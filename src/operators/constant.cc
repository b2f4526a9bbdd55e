// SPDX-License-Identifier: MIT
// Constant, ConstantOfShape, Range, EyeLike: tensors made from little or nothing.
#include "operators/constant.h"

#include <cmath>

#include "base/str_cat.h"
#include "operators/int_list.h"
#include "operators/registry.h"

namespace mullion::operators {

Result<Tensor> ConstantValue(const Node& node) {
  if (const Tensor* const tensor = node.TensorAttribute("value")) return *tensor;
  if (const Tensor* const tensor = node.TensorAttribute("sparse_value")) return *tensor;
  for (const Attribute& attribute : node.attributes()) {
    const AttributeValue& value = attribute.value;
    if (const auto* const number = std::get_if<int64_t>(&value)) return Tensor::Scalar(*number);
    if (const auto* const number = std::get_if<float>(&value)) return Tensor::Scalar(*number);
    if (const auto* const text = std::get_if<std::string>(&value)) return Tensor::Scalar(*text);
    if (const auto* const list = std::get_if<std::vector<int64_t>>(&value)) {
      return Tensor::Vector(std::span<const int64_t>(*list));
    }
    if (const auto* const list = std::get_if<std::vector<float>>(&value)) {
      return Tensor::Vector(std::span<const float>(*list));
    }
    if (const auto* const list = std::get_if<std::vector<std::string>>(&value)) {
      return Tensor::Vector(std::span<const std::string>(*list));
    }
  }
  return node.Error(StatusCode::kInvalidModel, "it has no value; export the model again");
}

int64_t RangeCount(double start, double limit, double delta) {
  if (!(delta != 0.0)) return -1;
  const double count = std::ceil((limit - start) / delta);
  if (std::isnan(count) || count > 0x1p62) return -1;
  return count > 0 ? static_cast<int64_t>(count) : 0;
}

int64_t RangeCount(int64_t start, int64_t limit, int64_t delta) {
  if (delta == 0) return -1;
  if (delta > 0 ? start >= limit : start <= limit) return 0;
  // The distance may pass the largest int64, but not the largest uint64.
  const auto from = static_cast<uint64_t>(start);
  const auto to = static_cast<uint64_t>(limit);
  const uint64_t distance = delta > 0 ? to - from : from - to;
  const uint64_t step =
      delta > 0 ? static_cast<uint64_t>(delta) : uint64_t{0} - static_cast<uint64_t>(delta);
  const uint64_t count = (distance - 1) / step + 1;
  return count > (uint64_t{1} << 62) ? -1 : static_cast<int64_t>(count);
}

namespace {

Status InferConstant(InferenceContext& context) {
  const Result<Tensor> value = ConstantValue(context.node());
  if (!value.ok()) return value.status();
  context.SetOutput(0, value->type(), value->shape());
  return OkStatus();
}

Status InferConstantOfShape(InferenceContext& context) {
  ElementType type = ElementType::kFloat;
  if (const Tensor* const value = context.node().TensorAttribute("value")) {
    if (value->count() != 1) return context.Error("attribute 'value' must have one element");
    type = value->type();
  }
  const Shape* const length = context.InputShape(0);
  if (context.InputData(0) != nullptr) {
    MULLION_ASSIGN_OR_RETURN(const auto dims, KnownInts(context, 0, "input 'input'"));
    const Shape shape = dims->size() <= kMaxRank ? Shape(dims->span()) : Shape{kUnknownDim};
    if (!shape.IsConcrete()) {
      return context.Error("input 'input' must hold up to ", kMaxRank,
                           " dimensions that are 0 or more");
    }
    context.SetOutput(0, type, shape);
  } else if (length != nullptr && length->rank() == 1 && (*length)[0] >= 0 &&
             (*length)[0] <= kMaxRank) {
    context.SetOutput(0, type, Shape::Filled(static_cast<int>((*length)[0]), kUnknownDim));
  } else {
    context.SetOutput(0, type);
  }
  return OkStatus();
}

Status InferRange(InferenceContext& context) {
  const ElementType type = context.InputType(0);
  for (int i = 0; i < 3; ++i) {
    MULLION_RETURN_IF_ERROR(context.RequireSameType(0, i));
    const Shape* const shape = context.InputShape(i);
    if (shape != nullptr && shape->IsConcrete() && shape->ElementCount() != 1) {
      return context.Error(context.DescribeInput(i), " but must be a scalar");
    }
  }
  int64_t count = kUnknownDim;
  if (context.InputData(0) != nullptr && context.InputData(1) != nullptr &&
      context.InputData(2) != nullptr) {
    count = RangeCount(*context.InputData(0), *context.InputData(1), *context.InputData(2));
    if (count < 0) return context.Error(std::string(kRangeProblem));
  }
  context.SetOutput(0, type, Shape{count});
  return OkStatus();
}

Status InferEyeLike(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireRank(0, 2));
  const int64_t wanted =
      context.node().IntAttribute("dtype", static_cast<int64_t>(context.InputType(0)));
  if (wanted <= 0 || wanted >= kElementTypeCount ||
      !Contains(types::kNumeric | types::kBool, static_cast<ElementType>(wanted))) {
    return context.Error("attribute 'dtype' is ", wanted, " but must name a number type");
  }
  const Shape* const shape = context.InputShape(0);
  context.SetOutput(0, static_cast<ElementType>(wanted),
                    shape != nullptr ? *shape : Shape{kUnknownDim, kUnknownDim});
  return OkStatus();
}

}  // namespace

int64_t RangeCount(const TensorView& start, const TensorView& limit, const TensorView& delta) {
  int64_t count = -1;
  DispatchType(RangeTypes{}, start.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Wide = std::conditional_t<std::is_integral_v<T>, int64_t, double>;
    const auto widen = [](const TensorView& view) {
      return static_cast<Wide>(static_cast<ComputeType<T>>(*view.as<T>()));
    };
    count = RangeCount(widen(start), widen(limit), widen(delta));
  });
  return count;
}

void RegisterConstant(OperatorRegistry& registry) {
  registry.Add({.name = "Constant", .inputs = {0, 0}, .infer = InferConstant});
  registry.Add({.name = "ConstantOfShape",
                .since = 9,
                .inputs = {1, 1},
                .types = SetOf(ElementType::kInt64),
                .infer = InferConstantOfShape});
  registry.Add({.name = "Range",
                .since = 11,
                .inputs = {3, 3},
                .types = RangeTypes::kSet,
                .infer = InferRange});
  registry.Add({.name = "EyeLike",
                .since = 9,
                .inputs = {1, 1},
                .types = types::kNumeric | types::kBool,
                .infer = InferEyeLike,
                .shape_only = true});
}

}  // namespace mullion::operators
