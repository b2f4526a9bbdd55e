// SPDX-License-Identifier: MIT
// Ties C++ types to element types, and turns a run-time element type into a template argument.
#ifndef MULLION_BASE_ELEMENT_TRAITS_H_
#define MULLION_BASE_ELEMENT_TRAITS_H_

#include <complex>
#include <cstdint>
#include <string>

#include "base/element_type.h"
#include "base/small_float.h"

namespace mullion {

template <typename T>
inline constexpr ElementType kElementTypeOf = ElementType::kUndefined;
template <>
inline constexpr ElementType kElementTypeOf<float> = ElementType::kFloat;
template <>
inline constexpr ElementType kElementTypeOf<double> = ElementType::kDouble;
template <>
inline constexpr ElementType kElementTypeOf<Float16> = ElementType::kFloat16;
template <>
inline constexpr ElementType kElementTypeOf<Bfloat16> = ElementType::kBfloat16;
template <>
inline constexpr ElementType kElementTypeOf<int8_t> = ElementType::kInt8;
template <>
inline constexpr ElementType kElementTypeOf<int16_t> = ElementType::kInt16;
template <>
inline constexpr ElementType kElementTypeOf<int32_t> = ElementType::kInt32;
template <>
inline constexpr ElementType kElementTypeOf<int64_t> = ElementType::kInt64;
template <>
inline constexpr ElementType kElementTypeOf<uint8_t> = ElementType::kUint8;
template <>
inline constexpr ElementType kElementTypeOf<uint16_t> = ElementType::kUint16;
template <>
inline constexpr ElementType kElementTypeOf<uint32_t> = ElementType::kUint32;
template <>
inline constexpr ElementType kElementTypeOf<uint64_t> = ElementType::kUint64;
template <>
inline constexpr ElementType kElementTypeOf<bool> = ElementType::kBool;
template <>
inline constexpr ElementType kElementTypeOf<std::string> = ElementType::kString;
template <>
inline constexpr ElementType kElementTypeOf<std::complex<float>> = ElementType::kComplex64;
template <>
inline constexpr ElementType kElementTypeOf<std::complex<double>> = ElementType::kComplex128;

template <typename T>
struct TypeTag {
  using type = T;
};

// A list of element types that a kernel is instantiated for.
template <typename... Ts>
struct TypeList {
  static constexpr ElementTypeSet kSet = (SetOf(kElementTypeOf<Ts>) | ...);
};

// Calls `function(TypeTag<T>{})` for the T of `list` that stands for `type`, and says whether there
// was one.
template <typename... Ts, typename Function>
bool DispatchType(TypeList<Ts...> /*list*/, ElementType type, Function&& function) {
  return ((type == kElementTypeOf<Ts> ? (function(TypeTag<Ts>{}), true) : false) || ...);
}

using SignedTypes = TypeList<int8_t, int16_t, int32_t, int64_t>;
using UnsignedTypes = TypeList<uint8_t, uint16_t, uint32_t, uint64_t>;
using IntegerTypes =
    TypeList<int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t>;
using FloatTypes = TypeList<float, double, Float16, Bfloat16>;
using NumericTypes = TypeList<float, double, Float16, Bfloat16, int8_t, int16_t, int32_t, int64_t,
                              uint8_t, uint16_t, uint32_t, uint64_t>;

// The type in which T is computed: float for the 16-bit ones, T itself for all others.
template <typename T>
struct ComputeTypeOf {
  using type = T;
};
template <>
struct ComputeTypeOf<Float16> {
  using type = float;
};
template <>
struct ComputeTypeOf<Bfloat16> {
  using type = float;
};
template <typename T>
using ComputeType = typename ComputeTypeOf<T>::type;

}  // namespace mullion

#endif  // MULLION_BASE_ELEMENT_TRAITS_H_
