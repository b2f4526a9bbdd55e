// SPDX-License-Identifier: MIT
// What is declared or inferred of a value before it exists: its kind, element type and shape.
#ifndef MULLION_GRAPH_TYPE_INFO_H_
#define MULLION_GRAPH_TYPE_INFO_H_

#include <memory>
#include <string>

#include "base/element_type.h"
#include "base/shape.h"

namespace mullion {

enum class ValueKind : uint8_t { kUnknown, kTensor, kSequence, kMap, kOptional };

// An ONNX TypeProto. `element_type` and the shape belong to tensors; `key_type` to maps; `element`
// is what a sequence, map or optional holds.
struct TypeInfo {
  ValueKind kind = ValueKind::kUnknown;
  ElementType element_type = ElementType::kUndefined;
  ElementType key_type = ElementType::kUndefined;
  bool has_shape = false;
  Shape shape;  // unknown dimensions are negative, see base/shape.h
  std::shared_ptr<const TypeInfo> element;

  static TypeInfo Tensor(ElementType type);
  static TypeInfo Tensor(ElementType type, const Shape& shape);
  static TypeInfo Sequence(TypeInfo element);
  static TypeInfo Map(ElementType key, TypeInfo value);
  static TypeInfo Optional(TypeInfo element);

  // Copies no more of the shape than there is.
  void Assign(const TypeInfo& other) {
    kind = other.kind;
    element_type = other.element_type;
    key_type = other.key_type;
    has_shape = other.has_shape;
    shape.Assign(other.shape);
    if (element != other.element) element = other.element;
  }

  bool IsTensor() const { return kind == ValueKind::kTensor; }
  // "float[1,3,?,?]", "seq(map(int64,float))".
  std::string ToString() const;
};

}  // namespace mullion

#endif  // MULLION_GRAPH_TYPE_INFO_H_
