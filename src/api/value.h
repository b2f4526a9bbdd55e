// SPDX-License-Identifier: MIT
// Values behind the C interface: tensors, sequences, maps, optionals, images.
#ifndef MULLION_API_VALUE_H_
#define MULLION_API_VALUE_H_

#include <optional>
#include <string>
#include <vector>

#include "api/ref_counted.h"
#include "base/status.h"
#include "device/datum.h"
#include "image/bitmap.h"
#include "mullion/c/mullion.h"

struct MullionValue final : mullion::api::RefCounted {
  MullionFeatureKind kind = MULLION_FEATURE_TENSOR;
  // Of tensors, even of those that are still without content.
  mullion::ElementType element = mullion::ElementType::kUndefined;
  // Everything but images. Empty (kUnknown) for a placeholder without content.
  mullion::Datum datum;
  // A tensor that takes over what an evaluation gives, instead of being written in place.
  bool placeholder = false;
  std::optional<mullion::image::Bitmap> bitmap;           // kind IMAGE
  std::vector<mullion::api::Ref<MullionValue>> pictures;  // kind SEQUENCE: a batch of images

  bool IsTensor() const { return kind == MULLION_FEATURE_TENSOR; }
  bool IsBatch() const { return !pictures.empty(); }
};

namespace mullion::api {

// Makes `datum`, which keeps its own memory alive, the value's content and kind.
void SetContent(MullionValue& value, Datum datum);
// A new value of that content.
Ref<MullionValue> MakeValue(Datum datum);
Ref<MullionValue> MakeImage(image::Bitmap bitmap);
Ref<MullionValue> MakeBatch(std::vector<Ref<MullionValue>> pictures);

// A copy of the value's datum that may outlive the value: tensors over the caller's memory, which
// nobody keeps alive, are copied.
Result<Datum> OwnedDatum(const MullionValue& value);

// "float[1,3,224,224]", "seq(map(int64,float))", "image[640x480]", "float tensor without content".
std::string Describe(const MullionValue& value);

// The type of what a datum holds, without shapes below the top.
TypeInfo TypeOf(const Datum& datum);

// The type behind a number that came through the C interface; kInvalidArgument.
Result<ElementType> ToElementType(const char* function, MullionTensorKind kind);
// Checks rank and dimensions; kInvalidArgument.
Result<Shape> ToShape(const char* function, const int64_t* shape, size_t rank);

}  // namespace mullion::api

#endif  // MULLION_API_VALUE_H_
