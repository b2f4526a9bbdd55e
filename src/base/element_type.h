// SPDX-License-Identifier: MIT
// The element types of ONNX tensors, with the numbers that ONNX gives them (TensorProto.DataType).
#ifndef MULLION_BASE_ELEMENT_TYPE_H_
#define MULLION_BASE_ELEMENT_TYPE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mullion {

enum class ElementType : uint8_t {
  kUndefined = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kComplex64 = 14,
  kComplex128 = 15,
  kBfloat16 = 16,
  kFloat8E4M3FN = 17,
  kFloat8E4M3FNUZ = 18,
  kFloat8E5M2 = 19,
  kFloat8E5M2FNUZ = 20,
  kUint4 = 21,
  kInt4 = 22,
  kFloat4E2M1 = 23,
  kFloat8E8M0 = 24,
  kUint2 = 25,
  kInt2 = 26,
};

inline constexpr int kElementTypeCount = 27;

// Bits of one element; 0 for kUndefined and for kString, whose elements are std::string objects.
int ElementBits(ElementType type);

// The name as ONNX spells it in lower case: "float", "int64", "float8e4m3fn".
std::string_view ElementTypeName(ElementType type);

// The type of that name, or kUndefined. Also takes "float32" and "float64".
ElementType ElementTypeFromName(std::string_view name);

// Bytes that `count` elements take; sub-byte types are packed, the last byte padded.
// For kString the size of as many std::string objects. `count` must not be negative.
size_t ByteSize(ElementType type, int64_t count);

bool IsFloatingPoint(
    ElementType type);             // float, double, float16, bfloat16; not the 8- and 4-bit ones
bool IsInteger(ElementType type);  // signed or unsigned of 8 to 64 bits
bool IsSubByte(ElementType type);  // 4- and 2-bit types

// The unsigned type of the same width for int8 to int64; others stay what they are.
ElementType UnsignedOf(ElementType type);

// A set of element types, for constraints such as "float, double or int32".
using ElementTypeSet = uint32_t;
constexpr ElementTypeSet SetOf(ElementType type) { return 1u << static_cast<int>(type); }
template <typename... Types>
constexpr ElementTypeSet SetOf(ElementType first, Types... rest) {
  return (SetOf(first) | ... | SetOf(rest));
}
constexpr bool Contains(ElementTypeSet set, ElementType type) { return (set & SetOf(type)) != 0; }

namespace types {
inline constexpr ElementTypeSet kFloat = SetOf(ElementType::kFloat);
inline constexpr ElementTypeSet kFloatDouble = kFloat | SetOf(ElementType::kDouble);
inline constexpr ElementTypeSet kHalfFloats = SetOf(ElementType::kFloat16, ElementType::kBfloat16);
inline constexpr ElementTypeSet kAllFloats = kFloatDouble | kHalfFloats;
inline constexpr ElementTypeSet kSigned =
    SetOf(ElementType::kInt8, ElementType::kInt16, ElementType::kInt32, ElementType::kInt64);
inline constexpr ElementTypeSet kUnsigned =
    SetOf(ElementType::kUint8, ElementType::kUint16, ElementType::kUint32, ElementType::kUint64);
inline constexpr ElementTypeSet kIntegers = kSigned | kUnsigned;
inline constexpr ElementTypeSet kNumeric = kIntegers | kAllFloats;
inline constexpr ElementTypeSet kBool = SetOf(ElementType::kBool);
inline constexpr ElementTypeSet kString = SetOf(ElementType::kString);
inline constexpr ElementTypeSet kIndices = SetOf(ElementType::kInt32, ElementType::kInt64);
inline constexpr ElementTypeSet kFloat8 =
    SetOf(ElementType::kFloat8E4M3FN, ElementType::kFloat8E4M3FNUZ, ElementType::kFloat8E5M2,
          ElementType::kFloat8E5M2FNUZ, ElementType::kFloat8E8M0);
inline constexpr ElementTypeSet kSubByte =
    SetOf(ElementType::kUint4, ElementType::kInt4, ElementType::kFloat4E2M1, ElementType::kUint2,
          ElementType::kInt2);
inline constexpr ElementTypeSet kAll = (1u << kElementTypeCount) - 2;  // all but kUndefined
}  // namespace types

}  // namespace mullion

#endif  // MULLION_BASE_ELEMENT_TYPE_H_
