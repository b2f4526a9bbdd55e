// SPDX-License-Identifier: MIT
#include "base/tensor.h"

#include <cstring>
#include <mutex>
#include <new>
#include <string>

#include "base/memory.h"
#include "base/str_cat.h"

namespace mullion {

Result<Tensor> Tensor::Allocate(ElementType type, const Shape& shape) {
  const std::optional<int64_t> count = shape.CheckedElementCount();
  if (!count.has_value()) {
    return OutOfMemory("a tensor of ", Describe(type, shape),
                       " is too large to allocate; use smaller dimensions");
  }
  if (type == ElementType::kString) {
    auto* const strings = new (std::nothrow) std::string[static_cast<size_t>(*count)];
    if (strings == nullptr) {
      return OutOfMemory("no memory for a tensor of ", Describe(type, shape),
                         "; use smaller dimensions");
    }
    return Wrap(type, shape, strings,
                std::shared_ptr<const void>(strings, [strings](const void*) { delete[] strings; }));
  }
  const size_t bytes = ByteSize(type, *count);
  void* const memory = AllocateAligned(bytes);
  if (memory == nullptr) {
    return OutOfMemory("no memory for a tensor of ", Describe(type, shape), " (", bytes,
                       " bytes); use smaller dimensions");
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

// The contents of a deferred tensor, shared by its copies.
struct Tensor::DeferredContents {
  std::shared_ptr<const TensorSource> source;
  size_t bytes = 0;
  mutable std::once_flag once;
  mutable AlignedBuffer made;
};

Tensor Tensor::Deferred(ElementType type, const Shape& shape,
                        std::shared_ptr<const TensorSource> source) {
  auto contents = std::make_shared<DeferredContents>();
  contents->source = std::move(source);
  contents->bytes = ByteSize(type, shape.ElementCount());
  Tensor tensor = Wrap(type, shape, nullptr, std::move(contents));
  tensor.deferred_ = true;
  return tensor;
}

const Tensor::DeferredContents& Tensor::deferred_contents() const {
  return *static_cast<const DeferredContents*>(owner_.get());
}

const void* Tensor::DeferredData() const {
  const DeferredContents& contents = deferred_contents();
  if (const void* const memory = contents.source->Memory()) return memory;
  std::call_once(contents.once, [&] {
    AlignedBuffer buffer(AllocateAligned(contents.bytes));
    if (buffer == nullptr) throw std::bad_alloc();
    contents.source->Prefetch(0, contents.bytes);
    contents.source->Fill(0, contents.bytes, buffer.get());
    contents.made = std::move(buffer);
  });
  return contents.made.get();
}

bool Tensor::InMemory() const {
  return !deferred_ || deferred_contents().source->Memory() != nullptr;
}

void Tensor::CopyPart(size_t begin, size_t bytes, void* memory) const {
  if (deferred_) {
    deferred_contents().source->Fill(begin, bytes, memory);
  } else if (bytes > 0) {
    std::memcpy(memory, static_cast<const char*>(data()) + begin, bytes);
  }
}

const TensorSource* Tensor::source() const {
  return deferred_ ? deferred_contents().source.get() : nullptr;
}

void Tensor::Prefetch(size_t begin, size_t bytes) const {
  if (deferred_) deferred_contents().source->Prefetch(begin, bytes);
}

void Tensor::Forget(size_t begin, size_t bytes) const {
  if (deferred_) deferred_contents().source->Forget(begin, bytes);
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
