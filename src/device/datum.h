// SPDX-License-Identifier: MIT
// A value at run time: a tensor, a sequence, a map, or an optional that may be empty.
#ifndef MULLION_DEVICE_DATUM_H_
#define MULLION_DEVICE_DATUM_H_

#include <memory>
#include <vector>

#include "base/function_ref.h"
#include "base/tensor.h"
#include "graph/type_info.h"

namespace mullion {

struct Sequence;
struct Map;

// Tensors are seen through `view`, whose memory belongs to `tensor`, to an arena or to the caller.
// Everything else lives on the heap, shared and immutable once made. Cheap to copy.
struct Datum {
  ValueKind kind = ValueKind::kUnknown;  // kOptional: an empty optional; a full one is its content
  TensorView view;
  Tensor tensor;  // owner of the view's memory, empty when that is borrowed
  std::shared_ptr<const Sequence> sequence;
  std::shared_ptr<const Map> map;

  static Datum FromTensor(Tensor tensor);
  static Datum FromView(const TensorView& view);
  static Datum FromSequence(std::shared_ptr<const Sequence> sequence);
  static Datum FromMap(std::shared_ptr<const Map> map);
  static Datum EmptyOptional();

  // Whether it keeps something alive.
  bool Owns() const { return static_cast<bool>(tensor) || sequence != nullptr || map != nullptr; }
  // Becomes a borrowed tensor. Most of a datum is its owner, which is left alone where there is
  // none.
  void Borrow(const TensorView& borrowed) {
    Borrow(borrowed.type, borrowed.shape, borrowed.data);
    view.location = borrowed.location;
  }
  void Borrow(ElementType type, const Shape& shape, const void* data) {
    // Of what owns something a tensor has its tensor alone.
    if (kind == ValueKind::kTensor ? static_cast<bool>(tensor) : Owns()) *this = Datum();
    kind = ValueKind::kTensor;
    view.type = type;
    view.location = MemoryLocation::kHost;
    view.shape.Assign(shape);
    view.data = data;
  }

  bool IsTensor() const { return kind == ValueKind::kTensor; }
  // A tensor that owns its memory: `tensor`, or a copy of a borrowed view.
  Result<Tensor> OwnedTensor() const {
    return OwnedTensor(
        [](ElementType type, const Shape& shape) { return Tensor::Allocate(type, shape); });
  }
  Result<Tensor> OwnedTensor(FunctionRef<Result<Tensor>(ElementType, const Shape&)> allocate) const;
};

// Items own their memory. `element` is known even when there are no items.
struct Sequence {
  TypeInfo element;
  std::vector<Datum> items;
};

// Keys (int64 or string) and values are one-dimensional tensors of the same length; key order is
// that of insertion.
struct Map {
  Tensor keys;
  Tensor values;
};

}  // namespace mullion

#endif  // MULLION_DEVICE_DATUM_H_
