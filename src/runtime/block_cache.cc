// SPDX-License-Identifier: MIT
#include "runtime/block_cache.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace mullion {

namespace {

// Smaller ones come from the heap, which has them at hand.
constexpr size_t kSmallestBlock = 64 * 1024;

// Some evaluations' worth.
constexpr uint64_t kAllocationsKept = 32;

// Blocks have a quarter to spare, so that one serves again when a size grows step by step, and
// serve sizes down to half of theirs.
size_t Capacity(size_t bytes) { return bytes + bytes / 4; }
bool Fits(size_t capacity, size_t bytes) { return capacity >= bytes && capacity / 2 <= bytes; }

}  // namespace

// With the lock held.
BlockCache::Block BlockCache::Take(size_t bytes) {
  const auto found = std::find_if(free_.rbegin(), free_.rend(),
                                  [&](const Block& block) { return Fits(block.bytes, bytes); });
  Block block;
  if (found != free_.rend()) {
    block = std::move(*found);
    free_.erase(std::next(found).base());
    free_bytes_ -= block.bytes;
  } else {
    const size_t capacity = Capacity(bytes);
    block = {AlignedBuffer(AllocateAligned(capacity)), capacity, 0};
    if (block.memory == nullptr) return block;
  }
  used_bytes_ += block.bytes;
  most_used_bytes_ = std::max(most_used_bytes_, used_bytes_);
  return block;
}

void BlockCache::DropOld() {
  while (!free_.empty() && (free_bytes_ > most_used_bytes_ ||
                            free_.front().since + kAllocationsKept < allocations_)) {
    free_bytes_ -= free_.front().bytes;
    free_.erase(free_.begin());
  }
}

void BlockCache::GiveBack(Block block) {
  const std::lock_guard lock(mutex_);
  block.since = allocations_;
  used_bytes_ -= block.bytes;
  free_bytes_ += block.bytes;
  free_.push_back(std::move(block));
  DropOld();
}

Result<Tensor> BlockCache::Allocate(ElementType type, const Shape& shape) {
  const std::optional<int64_t> count = shape.CheckedElementCount();
  const bool large =
      count.has_value() && type != ElementType::kString && ByteSize(type, *count) >= kSmallestBlock;
  Block block;
  {
    const std::lock_guard lock(mutex_);
    ++allocations_;
    DropOld();
    if (large) block = Take(ByteSize(type, *count));
  }
  // Where there is no memory this tells how much was missing.
  if (block.memory == nullptr) return Tensor::Allocate(type, shape);
  void* const memory = block.memory.release();
  const auto give_back = [cache = weak_from_this(), memory, bytes = block.bytes](const void*) {
    AlignedBuffer back(memory);
    if (const auto alive = cache.lock()) alive->GiveBack({std::move(back), bytes, 0});
  };
  return Tensor::Wrap(type, shape, memory, std::shared_ptr<const void>(memory, give_back));
}

}  // namespace mullion
