// SPDX-License-Identifier: MIT
#include "operators/int_list.h"

#include <algorithm>

#include "base/element_traits.h"
#include "base/str_cat.h"

namespace mullion {

IntList IntList::Iota(int count) {
  IntList list;
  for (int i = 0; i < count; ++i) list.Append(i);
  return list;
}

IntList IntList::Filled(int count, int64_t value) {
  IntList list;
  for (int i = 0; i < count; ++i) list.Append(value);
  return list;
}

int64_t IntAt(const TensorView& view, int64_t i) {
  switch (view.type) {
    case ElementType::kInt64:
      return view.as<int64_t>()[i];
    case ElementType::kInt32:
      return view.as<int32_t>()[i];
    case ElementType::kInt16:
      return view.as<int16_t>()[i];
    case ElementType::kInt8:
      return view.as<int8_t>()[i];
    case ElementType::kUint8:
    case ElementType::kBool:
      return view.as<uint8_t>()[i];
    case ElementType::kUint16:
      return view.as<uint16_t>()[i];
    case ElementType::kUint32:
      return view.as<uint32_t>()[i];
    case ElementType::kUint64:
      return static_cast<int64_t>(view.as<uint64_t>()[i]);
    default:
      return 0;
  }
}

int64_t NumberAt(const TensorView& view, int64_t i) {
  if (IsInteger(view.type)) return IntAt(view, i);
  double number = 0;
  DispatchType(FloatTypes{}, view.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    number = static_cast<double>(static_cast<ComputeType<T>>(view.as<T>()[i]));
  });
  if (number != number) return 0;
  return static_cast<int64_t>(std::clamp(number, -0x1p62, 0x1p62));
}

Result<IntList> ReadIntList(const TensorView& view, const char* what) {
  if (!IsInteger(view.type)) {
    return InvalidModel(what, " is ", Describe(view), " but must hold integers");
  }
  if (view.count() > IntList::kCapacity) {
    return InvalidModel(what, " has ", view.count(), " elements but at most ", IntList::kCapacity,
                        " are supported");
  }
  IntList list;
  for (int64_t i = 0; i < view.count(); ++i) list.Append(IntAt(view, i));
  return list;
}

Result<IntList> ToIntList(std::span<const int64_t> values, const char* what) {
  if (values.size() > static_cast<size_t>(IntList::kCapacity)) {
    return InvalidModel(what, " has ", values.size(), " elements but at most ", IntList::kCapacity,
                        " are supported");
  }
  IntList list;
  for (const int64_t value : values) list.Append(value);
  return list;
}

Status NormalizeAxes(IntList& axes, int rank) {
  std::array<bool, kMaxRank> seen{};
  for (int i = 0; i < axes.size(); ++i) {
    const std::optional<int> axis = NormalizeAxis(axes[i], rank);
    if (!axis.has_value()) {
      return InvalidModel("axis ", axes[i], " is outside [-", rank, ", ", rank, ") for rank ",
                          rank);
    }
    bool& taken = seen[static_cast<size_t>(*axis)];
    if (taken) return InvalidModel("axis ", axes[i], " is named twice");
    taken = true;
    axes[i] = *axis;
  }
  return OkStatus();
}

Result<std::optional<IntList>> KnownInts(const InferenceContext& context, int i, const char* what) {
  const TensorView* const data = context.InputData(i);
  if (data == nullptr) return std::optional<IntList>();
  const Result<IntList> list = ReadIntList(*data, what);
  if (!list.ok()) return context.Error(list.status().message());
  return std::optional<IntList>(*list);
}

Result<Shape> WithUnknownSizes(const InferenceContext& context, const Shape& input,
                               std::optional<IntList> axes) {
  if (!axes.has_value()) return Shape::Filled(input.rank(), kUnknownDim);
  const Status status = NormalizeAxes(*axes, input.rank());
  if (!status.ok()) return context.Error(status.message());
  Shape shape = input;
  for (const int64_t axis : *axes) shape[static_cast<int>(axis)] = kUnknownDim;
  return shape;
}

std::optional<int64_t> CheckedProduct(int64_t a, int64_t b) {
  constexpr int64_t kLimit = int64_t{1} << 62;
  if (b != 0 && a > kLimit / b) return std::nullopt;
  return a * b;
}

}  // namespace mullion
