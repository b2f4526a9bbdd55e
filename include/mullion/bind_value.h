// SPDX-License-Identifier: MIT
// Plain C++ objects as values for a feature: numbers, strings, containers of them, maps.
#ifndef MULLION_BIND_VALUE_H_
#define MULLION_BIND_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "mullion/map_value.h"
#include "mullion/sequence_value.h"
#include "mullion/tensor.h"
#include "mullion/tensor_string.h"

namespace mullion::detail {

template <typename T>
concept FeatureValueLike = std::is_base_of_v<ILearningModelFeatureValue, std::remove_cvref_t<T>>;
template <typename T>
concept StringLike = std::is_convertible_v<const T&, std::string_view>;
template <typename T>
concept ScalarLike = std::is_arithmetic_v<T> || StringLike<T>;
template <typename T>
concept MapLike = requires {
  typename T::mapped_type;
};

// The type that elements of T are stored as: int is int32_t, long is int64_t where it has 64 bits.
template <typename T>
struct ElementOf {
  using type = T;
};
template <typename T>
requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) struct ElementOf<T> {
  template <typename Signed, typename Unsigned>
  using Pick = std::conditional_t<std::is_signed_v<T>, Signed, Unsigned>;
  using type = std::conditional_t<
      sizeof(T) == 1, Pick<int8_t, uint8_t>,
      std::conditional_t<
          sizeof(T) == 2, Pick<int16_t, uint16_t>,
          std::conditional_t<sizeof(T) == 4, Pick<int32_t, uint32_t>, Pick<int64_t, uint64_t>>>>;
};
template <StringLike T>
struct ElementOf<T> {
  using type = std::string;
};

// The feature that values are made for: what an optional would hold.
inline const MullionFeature* Content(const MullionFeature* feature) {
  return MullionFeature_Kind(feature) == MULLION_FEATURE_OPTIONAL ? MullionFeature_Element(feature)
                                                                  : feature;
}

// The feature's shape for `count` elements; one free dimension is worked out.
// ErrorCode::SizeMismatch when that cannot be.
inline std::vector<int64_t> ShapeFor(const MullionFeature* feature, size_t count) {
  const int rank = MullionFeature_Rank(feature);
  if (rank < 0) return {static_cast<int64_t>(count)};
  std::vector<int64_t> shape;
  int free = 0;
  for (int axis = 0; axis < rank; ++axis) {
    shape.push_back(MullionFeature_Dimension(feature, axis));
    free += shape.back() < 0 ? 1 : 0;
  }
  if (free > 1 && count == 1) {
    for (int64_t& dim : shape) dim = dim < 0 ? 1 : dim;
  }
  try {
    return SolveShape(shape, count);
  } catch (const Error&) {
    throw Error(ErrorCode::SizeMismatch,
                std::to_string(count) + " elements do not fill '" + MullionFeature_Name(feature) +
                    "', or it has several free dimensions; bind a tensor with a shape");
  }
}

// A tensor of the feature's kind and shape with a copy of the elements.
template <typename Element, typename Range>
ITensor TensorFor(const MullionFeature* feature, const Range& range, size_t count) {
  const std::vector<int64_t> shape = ShapeFor(feature, count);
  const MullionTensorKind kind = MullionFeature_TensorKind(feature);
  if constexpr (std::is_same_v<Element, float>) {
    // As in Windows ML: float for float16, and the bits of uint8 for int8.
    if (kind == MULLION_TENSOR_FLOAT16) return TensorFloat16Bit::CreateFromIterable(shape, range);
  }
  if constexpr (std::is_same_v<Element, uint8_t>) {
    if (kind == MULLION_TENSOR_INT8) return TensorInt8Bit::CreateFromIterable(shape, range);
  }
  return TensorOf<Element>::type::CreateFromIterable(shape, range);
}

// A value of the shape and kind of `feature` that holds a copy of `object`. Kinds that do not fit
// are refused when the value is bound.
template <typename T>
ILearningModelFeatureValue ToValue(const MullionFeature* feature, const T& object) {
  if constexpr (FeatureValueLike<T>) {
    return object;
  } else if constexpr (ScalarLike<T>) {
    using Element = typename ElementOf<T>::type;
    const std::vector<Element> one(1, static_cast<Element>(object));
    return TensorFor<Element>(Content(feature), one, 1);
  } else if constexpr (MapLike<T>) {
    return MapValue::CreateFromMap(object);
  } else {
    static_assert(std::ranges::forward_range<const T&>,
                  "bind a value of Mullion, a number, a string, a container of them, or a map");
    using Item = std::ranges::range_value_t<const T&>;
    if constexpr (ScalarLike<Item>) {
      const auto count = static_cast<size_t>(std::ranges::distance(object));
      return TensorFor<typename ElementOf<Item>::type>(Content(feature), object, count);
    } else {
      const MullionFeature* const element = MullionFeature_Element(Content(feature));
      std::vector<ILearningModelFeatureValue> items;
      for (const Item& item : object) items.push_back(ToValue(element, item));
      return SequenceValue::CreateFromIterable(items);
    }
  }
}

}  // namespace mullion::detail

#endif  // MULLION_BIND_VALUE_H_
