// SPDX-License-Identifier: MIT
#include "base/brief_memory.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace mullion {

namespace {

struct KeptBlock {
  AlignedBuffer memory;
  size_t bytes;
};

struct KeptBlocks {
  std::mutex mutex;
  int keeping = 0;
  size_t least = 0;
  std::vector<KeptBlock> blocks;  // empty when nobody keeps them
};

KeptBlocks& Kept() {
  static auto* const kept = new KeptBlocks();
  return *kept;
}

}  // namespace

BriefMemory::BriefMemory(size_t bytes) : bytes_(bytes) {
  KeptBlocks& kept = Kept();
  {
    const std::lock_guard lock(kept.mutex);
    bytes_ = std::max(bytes, kept.least);
    auto& blocks = kept.blocks;
    const auto found = std::find_if(blocks.begin(), blocks.end(),
                                    [&](const KeptBlock& one) { return one.bytes >= bytes; });
    if (found != blocks.end()) {
      memory_ = std::move(found->memory);
      bytes_ = found->bytes;
      blocks.erase(found);
      return;
    }
    // The larger one comes in place of a smaller.
    if (!blocks.empty()) blocks.pop_back();
  }
  memory_.reset(AllocateAligned(bytes_));
  if (memory_ == nullptr) throw std::bad_alloc();
}

BriefMemory::~BriefMemory() {
  KeptBlocks& kept = Kept();
  const std::lock_guard lock(kept.mutex);
  if (kept.keeping > 0) kept.blocks.push_back({std::move(memory_), bytes_});
}

BriefMemory::Keeping::Keeping(size_t least) {
  KeptBlocks& kept = Kept();
  const std::lock_guard lock(kept.mutex);
  ++kept.keeping;
  kept.least = std::max(kept.least, least);
}

BriefMemory::Keeping::~Keeping() {
  KeptBlocks& kept = Kept();
  const std::lock_guard lock(kept.mutex);
  if (--kept.keeping > 0) return;
  kept.least = 0;
  kept.blocks.clear();
}

}  // namespace mullion
