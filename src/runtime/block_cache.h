// SPDX-License-Identifier: MIT
// Memory for results that the caller keeps for a while: a block that comes back serves again. Fresh
// pages cost more than many a step: a decoder that gives out its grown cache at every step would
// spend half of its time on them.
#ifndef MULLION_RUNTIME_BLOCK_CACHE_H_
#define MULLION_RUNTIME_BLOCK_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/memory.h"
#include "base/tensor.h"

namespace mullion {

// Thread-safe. Tensors may outlive it; their blocks go back to the system then. It keeps no more
// than was in use at one time, and no block that many allocations have passed by.
class BlockCache : public std::enable_shared_from_this<BlockCache> {
 public:
  Result<Tensor> Allocate(ElementType type, const Shape& shape);

 private:
  struct Block {
    AlignedBuffer memory;
    size_t bytes = 0;
    uint64_t since = 0;  // the number of allocations when it came back
  };
  Block Take(size_t bytes);
  void GiveBack(Block block);
  void DropOld();

  std::mutex mutex_;
  std::vector<Block> free_;  // the one that came back last at the end
  uint64_t allocations_ = 0;
  size_t free_bytes_ = 0;
  size_t used_bytes_ = 0;
  size_t most_used_bytes_ = 0;
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_BLOCK_CACHE_H_
