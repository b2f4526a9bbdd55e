// SPDX-License-Identifier: MIT
// Tensors: typed, dense, row-major memory. Views borrow; Tensor shares ownership.
#ifndef MULLION_BASE_TENSOR_H_
#define MULLION_BASE_TENSOR_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/element_traits.h"
#include "base/element_type.h"
#include "base/shape.h"
#include "base/status.h"

namespace mullion {

// Where a tensor's bytes are. kHost can be read by the CPU; kDevice belongs to `device` of a
// session.
enum class MemoryLocation : uint8_t { kHost, kDevice };

// Alignment of all memory that the library hands out: one cache line, and one AVX-512 vector.
inline constexpr size_t kMemoryAlignment = 64;

// A borrowed tensor that may only be read. Elements of kString are std::string objects; types of
// 4 and 2 bits are packed, the first element in the low bits.
struct TensorView {
  ElementType type = ElementType::kUndefined;
  MemoryLocation location = MemoryLocation::kHost;
  Shape shape;
  const void* data = nullptr;

  int64_t count() const { return shape.ElementCount(); }
  size_t bytes() const { return ByteSize(type, count()); }
  template <typename T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
  template <typename T>
  std::span<const T> span() const {
    return {as<T>(), static_cast<size_t>(count())};
  }
};

// A borrowed tensor that may be written.
struct MutableTensorView {
  ElementType type = ElementType::kUndefined;
  MemoryLocation location = MemoryLocation::kHost;
  Shape shape;
  void* data = nullptr;

  int64_t count() const { return shape.ElementCount(); }
  size_t bytes() const { return ByteSize(type, count()); }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data);
  }
  template <typename T>
  std::span<T> span() const {
    return {as<T>(), static_cast<size_t>(count())};
  }
  operator TensorView() const { return {type, location, shape, data}; }
};

// What the contents of a deferred tensor are made from. Thread-safe.
class TensorSource {
 public:
  virtual ~TensorSource() = default;
  // The contents where they lie, at the alignment of their type, or null when they must be made.
  virtual const void* Memory() const { return nullptr; }
  // The same at any alignment.
  virtual const void* Bytes() const { return Memory(); }
  // Writes bytes [begin, begin + bytes) of the contents, whole rows along the first axis, to
  // `memory`, which has the library's alignment.
  virtual void Fill(size_t begin, size_t bytes, void* memory) const = 0;
  // That part will be asked for now: brings in what it is made from.
  virtual void Prefetch(size_t /*begin*/, size_t /*bytes*/) const {}
  // Tells these contents from all others while they can be had, or empty where only they themselves
  // can.
  virtual std::string Identity() const { return {}; }
  // Nobody will want that part soon: what can be had again need not stay in memory.
  virtual void Forget(size_t /*begin*/, size_t /*bytes*/) const {}
  // False for weights that only exist packed. Their Fill writes zeros, and nobody may go on with
  // those: the planner sees to that.
  virtual bool HasContents() const { return true; }
  // The contents packed in `format` into `bytes` bytes, where somebody did that before; or null.
  virtual std::shared_ptr<const void> Packed(std::string_view /*format*/, size_t /*bytes*/) const {
    return nullptr;
  }
};

// A tensor that keeps its memory alive: memory of its own, or a part of something mapped or given
// by the caller. Copying shares the memory. Thread-compatible, like a shared_ptr.
class Tensor {
 public:
  Tensor() = default;
  // Fresh memory: zeroed strings are empty, other contents are unspecified.
  static Result<Tensor> Allocate(ElementType type, const Shape& shape);
  // `data` stays valid as long as `owner` lives; an empty owner means "for ever".
  static Tensor Wrap(ElementType type, const Shape& shape, const void* data,
                     std::shared_ptr<const void> owner);
  // A tensor whose contents are made when they are first looked at, or never: weights that are only
  // packed, by way of CopyContents(), take no room of their own. Not for strings.
  static Tensor Deferred(ElementType type, const Shape& shape,
                         std::shared_ptr<const TensorSource> source);
  // Copies. The span's size must be the shape's element count.
  template <typename T>
  static Tensor FromSpan(const Shape& shape, std::span<const T> data);
  template <typename T>
  static Tensor Scalar(T value) {
    return FromSpan<T>(Shape{}, std::span<const T>(&value, 1));
  }
  // A one-dimensional tensor.
  template <typename T>
  static Tensor Vector(std::span<const T> data) {
    return FromSpan<T>(Shape{static_cast<int64_t>(data.size())}, data);
  }

  explicit operator bool() const { return type_ != ElementType::kUndefined; }
  ElementType type() const { return type_; }
  const Shape& shape() const { return shape_; }
  int64_t count() const { return shape_.ElementCount(); }
  size_t bytes() const { return ByteSize(type_, count()); }
  // Makes deferred contents, which then stay; std::bad_alloc is thrown where there is no memory for
  // them.
  const void* data() const { return deferred_ ? DeferredData() : data_; }
  // Only for memory from Allocate, by whoever holds the tensor alone.
  void* mutable_data() { return const_cast<void*>(data_); }
  template <typename T>
  std::span<const T> span() const {
    return {static_cast<const T*>(data()), static_cast<size_t>(count())};
  }
  TensorView view() const { return {type_, MemoryLocation::kHost, shape_, data()}; }
  MutableTensorView mutable_view() {
    return {type_, MemoryLocation::kHost, shape_, mutable_data()};
  }
  const std::shared_ptr<const void>& owner() const { return owner_; }
  // The same memory seen with other dimensions of the same element count.
  Tensor Reshaped(const Shape& shape) const {
    Tensor reshaped = *this;
    reshaped.shape_ = shape;
    return reshaped;
  }

  bool deferred() const { return deferred_; }
  // Whether data() need not make the contents.
  bool InMemory() const;
  // Copies the contents, not for strings, to memory of the library's alignment. Deferred ones are
  // made there and not kept.
  void CopyContents(void* memory) const { CopyPart(0, bytes(), memory); }
  // The same of whole rows along the first axis.
  void CopyPart(size_t begin, size_t bytes, void* memory) const;
  // A part of deferred contents will be looked at now, or not soon.
  void Prefetch(size_t begin, size_t bytes) const;
  void Forget(size_t begin, size_t bytes) const;
  // What deferred contents are made from; null for others.
  const TensorSource* source() const;

 private:
  struct DeferredContents;
  const DeferredContents& deferred_contents() const;
  const void* DeferredData() const;

  ElementType type_ = ElementType::kUndefined;
  bool deferred_ = false;  // owner_ holds DeferredContents, and data_ is null
  Shape shape_;
  const void* data_ = nullptr;
  std::shared_ptr<const void> owner_;
};

// Copies the elements of `from` to `to`, strings included. Types and element counts must agree.
void CopyElements(const TensorView& from, const MutableTensorView& to);

// "float[1,3,224,224]", as messages and listings print it.
std::string Describe(ElementType type, const Shape& shape);
inline std::string Describe(const TensorView& view) { return Describe(view.type, view.shape); }

template <typename T>
Tensor Tensor::FromSpan(const Shape& shape, std::span<const T> data) {
  Result<Tensor> tensor = Allocate(kElementTypeOf<T>, shape);
  if (!tensor.ok()) return Tensor();
  std::copy(data.begin(), data.end(), static_cast<T*>(tensor->mutable_data()));
  return *std::move(tensor);
}

}  // namespace mullion

#endif  // MULLION_BASE_TENSOR_H_
