// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "api/status.h"
#include "api/value.h"
#include "base/str_cat.h"

using mullion::Datum;
using mullion::ElementType;
using mullion::OkStatus;
using mullion::Shape;
using mullion::Status;
using mullion::StrCat;
using mullion::Tensor;
using mullion::api::Call;
using mullion::api::NullArgument;

namespace {

Status CreateStringTensor(const int64_t* shape, size_t rank, const char* const* strings,
                          MullionValue** value) {
  constexpr char kFunction[] = "MullionValue_CreateStringTensor";
  if (value == nullptr) return NullArgument(kFunction, "value");
  MULLION_ASSIGN_OR_RETURN(const Shape dims, mullion::api::ToShape(kFunction, shape, rank));
  const int64_t count = dims.ElementCount();
  if (strings == nullptr && count > 0) return NullArgument(kFunction, "strings");
  MULLION_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Allocate(ElementType::kString, dims));
  auto* const elements = static_cast<std::string*>(tensor.mutable_data());
  for (int64_t i = 0; i < count; ++i) {
    if (strings[i] == nullptr) {
      return mullion::InvalidArgument(kFunction, ": string ", i, " of ", count,
                                      " is null; pass \"\" for no text");
    }
    elements[i] = strings[i];
  }
  *value = mullion::api::MakeValue(Datum::FromTensor(std::move(tensor))).Detach();
  return OkStatus();
}

// Element `index` of a tensor of strings, or null.
std::string* Element(const MullionValue* value, int64_t index) {
  if (value == nullptr || value->element != ElementType::kString || !value->datum.IsTensor() ||
      index < 0 || index >= value->datum.view.count()) {
    return nullptr;
  }
  return const_cast<std::string*>(value->datum.view.as<std::string>() + index);
}

}  // namespace

MullionStatus* MullionValue_CreateStringTensor(const int64_t* shape, size_t rank,
                                               const char* const* strings, MullionValue** value) {
  return Call([&] { return CreateStringTensor(shape, rank, strings, value); });
}

const char* MullionValue_String(const MullionValue* value, int64_t index) {
  const std::string* const element = Element(value, index);
  return element == nullptr ? nullptr : element->c_str();
}

size_t MullionValue_StringSize(const MullionValue* value, int64_t index) {
  const std::string* const element = Element(value, index);
  return element == nullptr ? 0 : element->size();
}

MullionStatus* MullionValue_SetString(MullionValue* value, int64_t index, const char* text,
                                      size_t size) {
  return Call([&]() -> Status {
    constexpr char kFunction[] = "MullionValue_SetString";
    if (value == nullptr) return NullArgument(kFunction, "value");
    if (text == nullptr && size > 0) return NullArgument(kFunction, "text");
    std::string* const element = Element(value, index);
    if (element == nullptr) {
      return mullion::api::OutOfRange(StrCat(kFunction, ": there is no string ", index, " in ",
                                             mullion::api::Describe(*value)));
    }
    element->assign(text == nullptr ? "" : text, size);
    return OkStatus();
  });
}
