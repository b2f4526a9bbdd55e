// SPDX-License-Identifier: MIT
#include "graph/type_info.h"

#include <utility>

#include "base/str_cat.h"

namespace mullion {

TypeInfo TypeInfo::Tensor(ElementType type) {
  TypeInfo info;
  info.kind = ValueKind::kTensor;
  info.element_type = type;
  return info;
}

TypeInfo TypeInfo::Tensor(ElementType type, const Shape& shape) {
  TypeInfo info = Tensor(type);
  info.has_shape = true;
  info.shape = shape;
  return info;
}

TypeInfo TypeInfo::Sequence(TypeInfo element) {
  TypeInfo info;
  info.kind = ValueKind::kSequence;
  info.element = std::make_shared<const TypeInfo>(std::move(element));
  return info;
}

TypeInfo TypeInfo::Map(ElementType key, TypeInfo value) {
  TypeInfo info;
  info.kind = ValueKind::kMap;
  info.key_type = key;
  info.element = std::make_shared<const TypeInfo>(std::move(value));
  return info;
}

TypeInfo TypeInfo::Optional(TypeInfo element) {
  TypeInfo info;
  info.kind = ValueKind::kOptional;
  info.element = std::make_shared<const TypeInfo>(std::move(element));
  return info;
}

std::string TypeInfo::ToString() const {
  const std::string inner = element ? element->ToString() : "?";
  switch (kind) {
    case ValueKind::kUnknown:
      return "unknown";
    case ValueKind::kTensor:
      return StrCat(ElementTypeName(element_type), has_shape ? shape.ToString() : "[...]");
    case ValueKind::kSequence:
      return StrCat("seq(", inner, ")");
    case ValueKind::kMap:
      return StrCat("map(", ElementTypeName(key_type), ",", inner, ")");
    case ValueKind::kOptional:
      return StrCat("optional(", inner, ")");
  }
  return "unknown";
}

}  // namespace mullion
