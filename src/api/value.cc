// SPDX-License-Identifier: MIT
#include "api/value.h"

#include <utility>

#include "api/status.h"
#include "base/str_cat.h"

namespace mullion::api {

void SetContent(MullionValue& value, Datum datum) {
  switch (datum.kind) {
    case ValueKind::kTensor:
      value.kind = MULLION_FEATURE_TENSOR;
      break;
    case ValueKind::kSequence:
      value.kind = MULLION_FEATURE_SEQUENCE;
      break;
    case ValueKind::kMap:
      value.kind = MULLION_FEATURE_MAP;
      break;
    case ValueKind::kOptional:
    case ValueKind::kUnknown:
      value.kind = MULLION_FEATURE_OPTIONAL;
      break;
  }
  value.element = datum.view.type;
  value.datum = std::move(datum);
}

Ref<MullionValue> MakeValue(Datum datum) {
  auto value = Ref<MullionValue>::Adopt(new MullionValue());
  SetContent(*value, std::move(datum));
  return value;
}

Ref<MullionValue> MakeImage(image::Bitmap bitmap) {
  auto value = Ref<MullionValue>::Adopt(new MullionValue());
  value->kind = MULLION_FEATURE_IMAGE;
  value->bitmap.emplace(std::move(bitmap));
  return value;
}

Ref<MullionValue> MakeBatch(std::vector<Ref<MullionValue>> pictures) {
  auto value = Ref<MullionValue>::Adopt(new MullionValue());
  value->kind = MULLION_FEATURE_SEQUENCE;
  value->pictures = std::move(pictures);
  return value;
}

Result<Datum> OwnedDatum(const MullionValue& value) {
  const Datum& datum = value.datum;
  if (!datum.IsTensor() || datum.tensor.owner() != nullptr) return datum;
  MULLION_ASSIGN_OR_RETURN(Tensor copy, Tensor::Allocate(datum.view.type, datum.view.shape));
  CopyElements(datum.view, copy.mutable_view());
  return Datum::FromTensor(std::move(copy));
}

TypeInfo TypeOf(const Datum& datum) {
  switch (datum.kind) {
    case ValueKind::kTensor:
      return TypeInfo::Tensor(datum.view.type, datum.view.shape);
    case ValueKind::kSequence:
      return TypeInfo::Sequence(datum.sequence->element);
    case ValueKind::kMap:
      return TypeInfo::Map(datum.map->keys.type(), TypeInfo::Tensor(datum.map->values.type()));
    case ValueKind::kOptional:
      return TypeInfo::Optional(TypeInfo());
    case ValueKind::kUnknown:
      break;
  }
  return TypeInfo();
}

std::string Describe(const MullionValue& value) {
  if (value.bitmap) {
    return StrCat("image[", value.bitmap->width(), "x", value.bitmap->height(), "]");
  }
  if (value.IsBatch()) return StrCat("seq(image) of ", value.pictures.size());
  if (value.datum.kind == ValueKind::kUnknown) {
    return StrCat(ElementTypeName(value.element), " tensor without content");
  }
  if (value.datum.kind == ValueKind::kOptional) return "an empty optional";
  return TypeOf(value.datum).ToString();
}

Result<ElementType> ToElementType(const char* function, MullionTensorKind kind) {
  const int number = static_cast<int>(kind);
  if (number > 0 && number < kElementTypeCount) return static_cast<ElementType>(number);
  return InvalidArgument(function, ": there is no tensor kind ", number,
                         "; use a value of MullionTensorKind other than UNDEFINED");
}

Result<Shape> ToShape(const char* function, const int64_t* shape, size_t rank) {
  if (rank > static_cast<size_t>(kMaxRank)) {
    return InvalidArgument(function, ": a tensor cannot have ", rank, " dimensions; the most is ",
                           kMaxRank);
  }
  if (shape == nullptr && rank > 0) return NullArgument(function, "shape");
  const Shape dims(std::span<const int64_t>(shape, rank));
  if (!dims.IsConcrete()) {
    return InvalidArgument(function, ": the shape ", dims.ToString(),
                           " has a negative dimension; every dimension must be 0 or more");
  }
  if (!dims.CheckedElementCount()) {
    return InvalidArgument(function, ": the shape ", dims.ToString(),
                           " has more elements than can be counted");
  }
  return dims;
}

}  // namespace mullion::api

void MullionValue_Retain(MullionValue* value) {
  if (value != nullptr) value->Retain();
}

void MullionValue_Release(MullionValue* value) {
  if (value != nullptr) value->Release();
}

MullionFeatureKind MullionValue_Kind(const MullionValue* value) {
  return value == nullptr ? MULLION_FEATURE_OPTIONAL : value->kind;
}
