// SPDX-License-Identifier: MIT
// What Loop and Scan cut tensors into and put together again.
#ifndef MULLION_RUNTIME_SLICES_H_
#define MULLION_RUNTIME_SLICES_H_

#include <string>
#include <vector>

#include "device/datum.h"
#include "graph/graph.h"
#include "runtime/block_cache.h"

namespace mullion {

// Element `index` along `axis` of a tensor: a view of it where the element's bytes lie together,
// else in memory of its own.
Result<Datum> Slice(BlockCache& blocks, const TensorView& view, int axis, int64_t index);

// Collects tensors of one shape along a new axis.
class Stack {
 public:
  // Room is made for `expected` tensors at first, as far as that is not much.
  Stack(BlockCache& blocks, int64_t expected) : blocks_(&blocks), expected_(expected) {}

  // An error, in the name of `node`, for what is not a tensor or has another shape than those
  // before it.
  Status Append(const Node& node, const Datum& item);
  // Tensors of zeros, of the shape that the others have.
  Status AppendZeros(int64_t count);

  // `type` tells the element shape when nothing but zeros was appended. `axis` is where the new
  // axis goes; `reverse` turns the order around.
  Result<Tensor> Finish(const TypeInfo& type, int64_t axis, bool reverse);

 private:
  // All tensors, with room for `count` more.
  Result<void*> Grow(int64_t count);
  // What so many tensors take, one element behind the other.
  size_t BytesOf(int64_t count) const { return ByteSize(type_, count * shape_.ElementCount()); }

  BlockCache* blocks_;
  int64_t expected_;
  bool has_shape_ = false;
  ElementType type_ = ElementType::kUndefined;
  Shape shape_;
  int64_t count_ = 0;
  Tensor bytes_;  // a block of more bytes than are used
  std::vector<std::string> strings_;
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_SLICES_H_
