// SPDX-License-Identifier: MIT
#include "api/compatibility.h"

#include <algorithm>

#include "base/str_cat.h"

namespace mullion::api {

std::string Describe(const MullionFeature& feature, Direction direction) {
  const std::string type = feature.kind == MULLION_FEATURE_IMAGE
                               ? StrCat("image as ", feature.type.ToString())
                               : feature.type.ToString();
  return StrCat(direction == Direction::kInput ? "input '" : "output '", feature.name, "' (", type,
                ")");
}

namespace {

bool SameKind(const TypeInfo& wanted, const Datum& datum);

bool SameKind(const TypeInfo& wanted, const Sequence& sequence) {
  if (wanted.element == nullptr) return true;
  // An empty sequence may not know what it would hold.
  const bool unknown = sequence.items.empty() && sequence.element.kind == ValueKind::kUnknown;
  const bool same_element = sequence.element.kind == wanted.element->kind &&
                            (!wanted.element->IsTensor() ||
                             sequence.element.element_type == wanted.element->element_type);
  return (unknown || same_element) &&
         std::all_of(sequence.items.begin(), sequence.items.end(),
                     [&](const Datum& item) { return SameKind(*wanted.element, item); });
}

// Kinds and element types at every depth; shapes are another matter.
bool SameKind(const TypeInfo& wanted, const Datum& datum) {
  switch (wanted.kind) {
    case ValueKind::kUnknown:
      return true;
    case ValueKind::kTensor:
      return datum.IsTensor() && datum.view.type == wanted.element_type;
    case ValueKind::kSequence:
      return datum.sequence != nullptr && SameKind(wanted, *datum.sequence);
    case ValueKind::kMap:
      return datum.map != nullptr && datum.map->keys.type() == wanted.key_type &&
             (wanted.element == nullptr ||
              datum.map->values.type() == wanted.element->element_type);
    case ValueKind::kOptional:
      return datum.kind == ValueKind::kOptional || wanted.element == nullptr ||
             SameKind(*wanted.element, datum);
  }
  return false;
}

bool SameShape(const TypeInfo& wanted, const Shape& shape) {
  if (!wanted.has_shape) return true;
  return wanted.shape.rank() == shape.rank() &&
         std::equal(shape.begin(), shape.end(), wanted.shape.begin(),
                    [](int64_t dim, int64_t want) { return want < 0 || dim == want; });
}

}  // namespace

Status CheckCompatible(const MullionFeature& feature, Direction direction,
                       const MullionValue& value) {
  const auto message = [&](std::string_view advice) {
    return StrCat(Describe(feature, direction), " cannot take ", Describe(value), "; ", advice);
  };
  const bool placeholder = value.datum.kind == ValueKind::kUnknown;
  if (placeholder && direction == Direction::kInput) {
    return InvalidBinding(message("a placeholder is for outputs until it was evaluated once"));
  }
  if (placeholder) {
    const bool fits = feature.type.kind == ValueKind::kUnknown ||
                      (feature.type.IsTensor() && feature.type.element_type == value.element);
    return fits ? OkStatus() : InvalidBinding(message("bind a value of the type that it has"));
  }
  if (!SameKind(feature.type, value.datum)) {
    return InvalidBinding(message("bind a value of the type that it has"));
  }
  // A placeholder's content of the time before does not matter: it is replaced.
  const bool in_place = direction == Direction::kInput || !value.placeholder;
  if (in_place && value.datum.IsTensor() && !SameShape(feature.type, value.datum.view.shape)) {
    return SizeMismatch(message("rank and dimensions must be equal where they are not free"));
  }
  return OkStatus();
}

}  // namespace mullion::api
