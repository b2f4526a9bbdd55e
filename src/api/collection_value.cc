// SPDX-License-Identifier: MIT
// Sequences, maps and optionals.
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "api/status.h"
#include "api/value.h"
#include "base/str_cat.h"

using mullion::Datum;
using mullion::ElementType;
using mullion::InvalidArgument;
using mullion::OkStatus;
using mullion::Status;
using mullion::StrCat;
using mullion::Tensor;
using mullion::TypeInfo;
using mullion::ValueKind;
using mullion::api::Call;
using mullion::api::MakeValue;
using mullion::api::NullArgument;
using mullion::api::Ref;

namespace {

constexpr char kCreateSequence[] = "MullionValue_CreateSequence";

// What all items of a sequence must have in common with the first: the type without shapes.
TypeInfo ItemType(const MullionValue& item) {
  if (item.datum.IsTensor()) return TypeInfo::Tensor(item.datum.view.type);
  return mullion::api::TypeOf(item.datum);
}

Status CheckItems(MullionValue* const* items, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (items[i] == nullptr) {
      return InvalidArgument(kCreateSequence, ": item ", i, " of ", count, " is null");
    }
    const MullionValue& item = *items[i];
    const MullionValue& first = *items[0];
    const bool allowed = item.kind == MULLION_FEATURE_IMAGE ||
                         (item.kind != MULLION_FEATURE_OPTIONAL && !item.IsBatch() &&
                          item.datum.kind != ValueKind::kUnknown);
    if (!allowed) {
      return InvalidArgument(kCreateSequence, ": item ", i, " is ", mullion::api::Describe(item),
                             ", which cannot be part of a sequence");
    }
    if (item.kind != first.kind || ItemType(item).ToString() != ItemType(first).ToString()) {
      return InvalidArgument(kCreateSequence, ": item ", i, " is ", mullion::api::Describe(item),
                             " but item 0 is ", mullion::api::Describe(first),
                             "; all must be of one type");
    }
  }
  return OkStatus();
}

Status CreateSequence(MullionTensorKind element_kind, MullionValue* const* items, size_t count,
                      MullionValue** value) {
  if (value == nullptr) return NullArgument(kCreateSequence, "value");
  if (items == nullptr && count > 0) return NullArgument(kCreateSequence, "items");
  MULLION_RETURN_IF_ERROR(CheckItems(items, count));
  if (count > 0 && items[0]->kind == MULLION_FEATURE_IMAGE) {
    std::vector<Ref<MullionValue>> pictures;
    for (size_t i = 0; i < count; ++i) pictures.push_back(Ref<MullionValue>::Share(items[i]));
    *value = mullion::api::MakeBatch(std::move(pictures)).Detach();
    return OkStatus();
  }
  auto sequence = std::make_shared<mullion::Sequence>();
  if (count > 0) {
    sequence->element = ItemType(*items[0]);
  } else if (element_kind != MULLION_TENSOR_UNDEFINED) {
    MULLION_ASSIGN_OR_RETURN(const ElementType type,
                             mullion::api::ToElementType(kCreateSequence, element_kind));
    sequence->element = TypeInfo::Tensor(type);
  }
  for (size_t i = 0; i < count; ++i) {
    MULLION_ASSIGN_OR_RETURN(Datum item, mullion::api::OwnedDatum(*items[i]));
    sequence->items.push_back(std::move(item));
  }
  *value = MakeValue(Datum::FromSequence(std::move(sequence))).Detach();
  return OkStatus();
}

Status CreateMap(MullionValue* keys, MullionValue* values, MullionValue** value) {
  constexpr char kFunction[] = "MullionValue_CreateMap";
  if (keys == nullptr) return NullArgument(kFunction, "keys");
  if (values == nullptr) return NullArgument(kFunction, "values");
  if (value == nullptr) return NullArgument(kFunction, "value");
  const mullion::TensorView& key_view = keys->datum.view;
  const mullion::TensorView& value_view = values->datum.view;
  const bool vectors = keys->datum.IsTensor() && values->datum.IsTensor() &&
                       key_view.shape.rank() == 1 && key_view.shape == value_view.shape;
  if (!vectors || (key_view.type != ElementType::kInt64 && key_view.type != ElementType::kString)) {
    return InvalidArgument(kFunction, ": keys of ", mullion::api::Describe(*keys),
                           " and values of ", mullion::api::Describe(*values),
                           " make no map; keys must be int64 or string, and both "
                           "one-dimensional tensors of the same length");
  }
  auto map = std::make_shared<mullion::Map>();
  MULLION_ASSIGN_OR_RETURN(Datum owned_keys, mullion::api::OwnedDatum(*keys));
  MULLION_ASSIGN_OR_RETURN(Datum owned_values, mullion::api::OwnedDatum(*values));
  map->keys = owned_keys.tensor;
  map->values = owned_values.tensor;
  *value = MakeValue(Datum::FromMap(std::move(map))).Detach();
  return OkStatus();
}

// Gives out one of a map's tensors.
Status MapPart(const char* function, const MullionValue* value, Tensor mullion::Map::*part,
               MullionValue** out) {
  if (value == nullptr) return NullArgument(function, "value");
  if (out == nullptr) return NullArgument(function, "keys or values");
  if (value->datum.map == nullptr) {
    return InvalidArgument(function, ": the value is ", mullion::api::Describe(*value),
                           ", not a map");
  }
  *out = MakeValue(Datum::FromTensor((*value->datum.map).*part)).Detach();
  return OkStatus();
}

}  // namespace

MullionStatus* MullionValue_CreateSequence(MullionTensorKind element_kind,
                                           MullionValue* const* items, size_t count,
                                           MullionValue** value) {
  return Call([&] { return CreateSequence(element_kind, items, count, value); });
}

size_t MullionValue_ItemCount(const MullionValue* value) {
  if (value == nullptr) return 0;
  if (value->datum.sequence != nullptr) return value->datum.sequence->items.size();
  return value->pictures.size();
}

MullionStatus* MullionValue_Item(const MullionValue* value, size_t index, MullionValue** item) {
  return Call([&]() -> Status {
    if (value == nullptr) return NullArgument("MullionValue_Item", "value");
    if (item == nullptr) return NullArgument("MullionValue_Item", "item");
    if (index >= MullionValue_ItemCount(value)) {
      return mullion::api::OutOfRange(StrCat("MullionValue_Item: there is no item ", index, " in ",
                                             mullion::api::Describe(*value), " with ",
                                             MullionValue_ItemCount(value), " items"));
    }
    *item = value->IsBatch() ? Ref<MullionValue>(value->pictures[index]).Detach()
                             : MakeValue(value->datum.sequence->items[index]).Detach();
    return OkStatus();
  });
}

MullionStatus* MullionValue_CreateMap(MullionValue* keys, MullionValue* values,
                                      MullionValue** value) {
  return Call([&] { return CreateMap(keys, values, value); });
}

MullionStatus* MullionValue_MapKeys(const MullionValue* value, MullionValue** keys) {
  return Call([&] { return MapPart("MullionValue_MapKeys", value, &mullion::Map::keys, keys); });
}

MullionStatus* MullionValue_MapValues(const MullionValue* value, MullionValue** values) {
  return Call(
      [&] { return MapPart("MullionValue_MapValues", value, &mullion::Map::values, values); });
}

MullionStatus* MullionValue_CreateEmptyOptional(MullionValue** value) {
  return Call([&] {
    if (value == nullptr) return NullArgument("MullionValue_CreateEmptyOptional", "value");
    *value = MakeValue(Datum::EmptyOptional()).Detach();
    return OkStatus();
  });
}
