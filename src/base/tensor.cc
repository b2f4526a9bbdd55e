// SPDX-License-Identifier: MIT
#include "base/tensor.h"

#include <cstring>
#include <new>
#include <string>

#include "base/memory.h"
#include "base/str_cat.h"

namespace mullion {

Result<Tensor> Tensor::Allocate(ElementType type, const Shape& shape) {
  const std::optional<int64_t> count = shape.CheckedElementCount();
  if (!count.has_value()) {
    return OutOfMemory(StrCat("a tensor of ", Describe(type, shape),
                              " is too large to allocate; use smaller dimensions"));
  }
  if (type == ElementType::kString) {
    auto* const strings = new (std::nothrow) std::string[static_cast<size_t>(*count)];
    if (strings == nullptr) {
      return OutOfMemory(
          StrCat("no memory for a tensor of ", Describe(type, shape), "; use smaller dimensions"));
    }
    return Wrap(type, shape, strings,
                std::shared_ptr<const void>(strings, [strings](const void*) { delete[] strings; }));
  }
  const size_t bytes = ByteSize(type, *count);
  void* const memory = AllocateAligned(bytes);
  if (memory == nullptr) {
    return OutOfMemory(StrCat("no memory for a tensor of ", Describe(type, shape), " (", bytes,
                              " bytes); use smaller dimensions"));
  }
  return Wrap(type, shape, memory, std::shared_ptr<const void>(memory, [](const void* pointer) {
                FreeAligned(const_cast<void*>(pointer));
              }));
}

Tensor Tensor::Wrap(ElementType type, const Shape& shape, const void* data,
                    std::shared_ptr<const void> owner) {
  Tensor tensor;
  tensor.type_ = type;
  tensor.shape_ = shape;
  tensor.data_ = data;
  tensor.owner_ = std::move(owner);
  return tensor;
}

void CopyElements(const TensorView& from, const MutableTensorView& to) {
  if (from.data == to.data || from.count() == 0) return;
  if (from.type == ElementType::kString) {
    const auto source = from.span<std::string>();
    std::copy(source.begin(), source.end(), to.as<std::string>());
    return;
  }
  std::memcpy(to.data, from.data, from.bytes());
}

std::string Describe(ElementType type, const Shape& shape) {
  return StrCat(ElementTypeName(type), shape.ToString());
}

}  // namespace mullion
