// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "api/status.h"
#include "api/value.h"
#include "base/str_cat.h"
#include "runtime/block_cache.h"

using mullion::BlockCache;
using mullion::Datum;
using mullion::ElementType;
using mullion::InvalidArgument;
using mullion::OkStatus;
using mullion::Shape;
using mullion::Status;
using mullion::StrCat;
using mullion::Tensor;
using mullion::api::Call;
using mullion::api::MakeValue;
using mullion::api::NullArgument;

namespace {

// Fills a fresh tensor from the caller's bytes, or with zeros.
void Fill(Tensor& tensor, const void* data) {
  if (tensor.type() == ElementType::kString || tensor.bytes() == 0) return;
  if (data == nullptr) {
    std::memset(tensor.mutable_data(), 0, tensor.bytes());
    return;
  }
  std::memcpy(tensor.mutable_data(), data, tensor.bytes());
  if (tensor.type() == ElementType::kBool) {
    // Kernels read booleans as bool, which holds 0 or 1 only.
    auto* const bytes = static_cast<uint8_t*>(tensor.mutable_data());
    std::transform(bytes, bytes + tensor.bytes(), bytes,
                   [](uint8_t byte) { return static_cast<uint8_t>(byte != 0); });
  }
}

Status CreateTensor(MullionTensorKind kind, const int64_t* shape, size_t rank, const void* data,
                    size_t bytes, MullionValue** value) {
  constexpr char kFunction[] = "MullionValue_CreateTensor";
  if (value == nullptr) return NullArgument(kFunction, "value");
  MULLION_ASSIGN_OR_RETURN(const ElementType type, mullion::api::ToElementType(kFunction, kind));
  MULLION_ASSIGN_OR_RETURN(const Shape dims, mullion::api::ToShape(kFunction, shape, rank));
  if (data != nullptr && type == ElementType::kString) {
    return InvalidArgument(kFunction,
                           ": strings cannot be given as bytes; use "
                           "MullionValue_CreateStringTensor");
  }
  const size_t needed = mullion::ByteSize(type, dims.ElementCount());
  if (data != nullptr && bytes != needed) {
    return InvalidArgument(kFunction, ": ", mullion::Describe(type, dims), " takes ", needed,
                           " bytes but ", bytes, " were given");
  }
  MULLION_ASSIGN_OR_RETURN(Tensor tensor, BlockCache::AllocateForCaller(type, dims));
  Fill(tensor, data);
  *value = MakeValue(Datum::FromTensor(std::move(tensor))).Detach();
  return OkStatus();
}

// Elements must lie on multiples of their own size; 8 bytes do for complex128.
size_t AlignmentOf(ElementType type) {
  const auto bytes = static_cast<size_t>(mullion::ElementBits(type)) / 8;
  return std::clamp<size_t>(bytes, 1, 8);
}

Status WrapTensor(MullionTensorKind kind, const int64_t* shape, size_t rank, void* data,
                  size_t bytes, void (*release)(void*), void* context, MullionValue** value) {
  constexpr char kFunction[] = "MullionValue_WrapTensor";
  if (value == nullptr) return NullArgument(kFunction, "value");
  MULLION_ASSIGN_OR_RETURN(const ElementType type, mullion::api::ToElementType(kFunction, kind));
  MULLION_ASSIGN_OR_RETURN(const Shape dims, mullion::api::ToShape(kFunction, shape, rank));
  if (type == ElementType::kString) {
    return InvalidArgument(kFunction,
                           ": strings cannot be wrapped; use "
                           "MullionValue_CreateStringTensor");
  }
  const size_t needed = mullion::ByteSize(type, dims.ElementCount());
  if (bytes < needed) {
    return InvalidArgument(kFunction, ": ", mullion::Describe(type, dims), " takes ", needed,
                           " bytes but the memory has ", bytes);
  }
  static uint64_t nothing[2] = {};  // an address for tensors without elements
  if (data == nullptr && needed > 0) return NullArgument(kFunction, "data");
  if (reinterpret_cast<uintptr_t>(data) % AlignmentOf(type) != 0) {
    return InvalidArgument(kFunction, ": the memory for ", mullion::Describe(type, dims),
                           " must be aligned to ", AlignmentOf(type),
                           " bytes; copy it with MullionValue_CreateTensor instead");
  }
  auto made = MakeValue(Datum::FromTensor(
      Tensor::Wrap(type, dims, data == nullptr ? nothing : data, std::shared_ptr<const void>())));
  if (release != nullptr) {
    // The guard forgets `release` until nothing can fail any more.
    struct Guard {
      void (*release)(void*) = nullptr;
      void* context = nullptr;
      ~Guard() {
        if (release != nullptr) release(context);
      }
    };
    auto guard = std::make_shared<Guard>();
    const Tensor& plain = made->datum.tensor;
    made->datum = Datum::FromTensor(
        Tensor::Wrap(type, dims, plain.data(), std::shared_ptr<const void>(guard, plain.data())));
    guard->context = context;
    guard->release = release;
  }
  *value = made.Detach();
  return OkStatus();
}

}  // namespace

MullionStatus* MullionValue_CreateTensor(MullionTensorKind kind, const int64_t* shape, size_t rank,
                                         const void* data, size_t bytes, MullionValue** value) {
  return Call([&] { return CreateTensor(kind, shape, rank, data, bytes, value); });
}

MullionStatus* MullionValue_WrapTensor(MullionTensorKind kind, const int64_t* shape, size_t rank,
                                       void* data, size_t bytes, void (*release)(void* context),
                                       void* context, MullionValue** value) {
  return Call([&] { return WrapTensor(kind, shape, rank, data, bytes, release, context, value); });
}

MullionStatus* MullionValue_CreatePlaceholder(MullionTensorKind kind, MullionValue** value) {
  return Call([&]() -> Status {
    constexpr char kFunction[] = "MullionValue_CreatePlaceholder";
    if (value == nullptr) return NullArgument(kFunction, "value");
    MULLION_ASSIGN_OR_RETURN(const ElementType type, mullion::api::ToElementType(kFunction, kind));
    auto made = mullion::api::Ref<MullionValue>::Adopt(new MullionValue());
    made->element = type;
    made->placeholder = true;
    *value = made.Detach();
    return OkStatus();
  });
}

MullionTensorKind MullionValue_TensorKind(const MullionValue* value) {
  return value == nullptr || !value->IsTensor() ? MULLION_TENSOR_UNDEFINED
                                                : static_cast<MullionTensorKind>(value->element);
}

size_t MullionValue_Rank(const MullionValue* value) {
  return value == nullptr ? 0 : static_cast<size_t>(value->datum.view.shape.rank());
}

const int64_t* MullionValue_Shape(const MullionValue* value) {
  return value == nullptr ? nullptr : value->datum.view.shape.begin();
}

int64_t MullionValue_ElementCount(const MullionValue* value) {
  return value == nullptr || !value->datum.IsTensor() ? 0 : value->datum.view.count();
}

void* MullionValue_Data(const MullionValue* value) {
  if (value == nullptr || !value->datum.IsTensor() || value->element == ElementType::kString) {
    return nullptr;
  }
  return const_cast<void*>(value->datum.view.data);
}

size_t MullionValue_ByteSize(const MullionValue* value) {
  return MullionValue_Data(value) == nullptr ? 0 : value->datum.view.bytes();
}
