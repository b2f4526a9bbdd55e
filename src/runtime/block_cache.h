// SPDX-License-Identifier: MIT
// Memory for results that the caller keeps for a while, and for what he makes to be evaluated: a
// block that comes back serves again. Fresh pages cost more than many a step: a decoder that gives
// out its grown cache at every step would spend half of its time on them.
#ifndef MULLION_RUNTIME_BLOCK_CACHE_H_
#define MULLION_RUNTIME_BLOCK_CACHE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/shared_pages.h"
#include "base/tensor.h"

namespace mullion {

// Thread-safe. Tensors may outlive it; their blocks go back to the system then. It keeps no more
// than was in use at one time, and no block that many allocations have passed by.
class BlockCache : public std::enable_shared_from_this<BlockCache> {
 public:
  // That of all sessions, which lives as long as one of them. Nobody waits for it either.
  static std::shared_ptr<BlockCache> OfSessions();
  // From there, or where there is no session as Tensor::Allocate does it.
  static Result<Tensor> AllocateForCaller(ElementType type, const Shape& shape);

  Result<Tensor> Allocate(ElementType type, const Shape& shape);

 private:
  struct PartDeleter {
    size_t bytes;
    void operator()(void* memory) const { SharedPages::Global().GiveBack(memory, bytes); }
  };
  struct Block {
    std::unique_ptr<void, PartDeleter> memory;
    uint64_t since = 0;  // the number of allocations when it came back
    size_t bytes() const { return memory.get_deleter().bytes; }
  };
  Block Take(size_t bytes);
  void GiveBack(Block block);
  void DropOld();

  // Nobody waits for it: a child of fork() may find it locked for ever.
  std::mutex mutex_;
  std::vector<Block> free_;  // the one that came back last at the end
  uint64_t allocations_ = 0;
  size_t free_bytes_ = 0;
  size_t most_used_bytes_ = 0;
  std::atomic<size_t> used_bytes_{0};
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_BLOCK_CACHE_H_
