// SPDX-License-Identifier: MIT
#include "runtime/block_cache.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace mullion {

namespace {

// Smaller ones come from the heap, which has them at hand.
constexpr size_t kSmallestBlock = 64 * 1024;

// Allocations that pass by before a block goes: some evaluations' worth for large ones.
constexpr size_t kLarge = size_t{1} << 20;
constexpr uint64_t kLargeKept = 32;
constexpr uint64_t kSmallKept = 1024;

// Bytes of the elements; 0 for what is no block's business.
size_t BlockBytes(ElementType type, const Shape& shape) {
  const std::optional<int64_t> count = shape.CheckedElementCount();
  if (!count.has_value() || type == ElementType::kString) return 0;
  const size_t bytes = ByteSize(type, *count);
  return bytes >= kSmallestBlock ? bytes : 0;
}

// Blocks have a quarter to spare, so that one serves again when a size grows step by step.
size_t Capacity(size_t bytes) { return bytes + bytes / 4; }

struct OfProcess {
  std::mutex mutex;
  std::weak_ptr<BlockCache> cache;
};

// Never destroyed: threads may still evaluate when the process ends.
OfProcess& Shared() {
  static auto* const shared = new OfProcess;
  return *shared;
}

}  // namespace

std::shared_ptr<BlockCache> BlockCache::OfSessions() {
  const std::unique_lock lock(Shared().mutex, std::try_to_lock);
  if (!lock.owns_lock()) return std::make_shared<BlockCache>();  // one of its own does as well
  std::shared_ptr<BlockCache> cache = Shared().cache.lock();
  if (cache == nullptr) Shared().cache = cache = std::make_shared<BlockCache>();
  return cache;
}

Result<Tensor> BlockCache::AllocateForCaller(ElementType type, const Shape& shape) {
  std::shared_ptr<BlockCache> cache;
  if (const std::unique_lock lock(Shared().mutex, std::try_to_lock);
      lock.owns_lock() && BlockBytes(type, shape) > 0) {
    cache = Shared().cache.lock();
  }
  return cache == nullptr ? Tensor::Allocate(type, shape) : cache->Allocate(type, shape);
}

// With the lock held. The smallest block that fits: one serves sizes down to a quarter of its own,
// a large one to half.
BlockCache::Block BlockCache::Take(size_t bytes) {
  const size_t most = bytes * (bytes < kLarge ? 4 : 2);
  auto best = free_.end();
  for (auto block = free_.begin(); block != free_.end(); ++block) {
    if (block->bytes() < bytes || block->bytes() > most) continue;
    if (best == free_.end() || block->bytes() <= best->bytes()) best = block;
  }
  Block block;
  if (best == free_.end()) return block;
  block = std::move(*best);
  free_.erase(best);
  free_bytes_ -= block.bytes();
  return block;
}

// With the lock held.
void BlockCache::DropOld() {
  std::erase_if(free_, [&](const Block& block) {
    const uint64_t kept = block.bytes() < kLarge ? kSmallKept : kLargeKept;
    if (free_bytes_ <= most_used_bytes_ && block.since + kept >= allocations_) return false;
    free_bytes_ -= block.bytes();
    return true;
  });
}

void BlockCache::GiveBack(Block block) {
  const size_t used = used_bytes_.fetch_sub(block.bytes());
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return;
  most_used_bytes_ = std::max(most_used_bytes_, used);
  block.since = allocations_;
  free_bytes_ += block.bytes();
  free_.push_back(std::move(block));
  DropOld();
}

Result<Tensor> BlockCache::Allocate(ElementType type, const Shape& shape) {
  const size_t bytes = BlockBytes(type, shape);
  Block block;
  if (const std::unique_lock lock(mutex_, std::try_to_lock); lock.owns_lock()) {
    ++allocations_;
    DropOld();
    if (bytes > 0) block = Take(bytes);
  }
  if (block.memory == nullptr && bytes > 0 && bytes <= SIZE_MAX / 4) {
    block.memory = {SharedPages::Global().Take(Capacity(bytes)), {Capacity(bytes)}};
  }
  // Where there is no memory this tells how much was missing.
  if (block.memory == nullptr) return Tensor::Allocate(type, shape);
  used_bytes_ += block.bytes();
  const size_t capacity = block.bytes();
  void* const memory = block.memory.release();
  const auto give_back = [cache = weak_from_this(), memory, capacity](const void*) {
    Block back{{memory, {capacity}}, 0};
    if (const auto alive = cache.lock()) alive->GiveBack(std::move(back));
  };
  return Tensor::Wrap(type, shape, memory, std::shared_ptr<const void>(memory, give_back));
}

}  // namespace mullion
