// SPDX-License-Identifier: MIT
#include "runtime/work_memory.h"

#include <atomic>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include "base/memory.h"
#include "base/processors.h"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace mullion {

namespace {

// Blocks below this size are not shared: the level 2 cache holds those of several sessions.
constexpr size_t kSmallestShared = 64 * 1024;

}  // namespace

struct WorkMemory::Block {
  AlignedBuffer memory;
  std::atomic<size_t> bytes{0};  // owners ask while somebody else has taken it
  int processor = -1;            // where it was taken last

  // Nobody gets much more than he wants: a large block would stay when its session is closed.
  bool Fits(size_t wanted) const {
    return bytes >= wanted && bytes / 4 <= wanted && wanted >= kSmallestShared;
  }
};

// Blocks that nobody has taken, the one that came back last at the end. Each has an owner.
struct WorkMemory::Idle {
  std::mutex mutex;
  std::vector<std::shared_ptr<Block>> blocks;

  // Lets go of those that have no owner any more.
  void Sweep() {
    std::erase_if(blocks, [](const auto& block) { return block.use_count() == 1; });
  }
};

// Deliberately leaked. A child of fork() has a list of its own: the parent's may be locked, by a
// thread that the child does not have.
WorkMemory::Idle*& WorkMemory::IdleBlocks() {
  static Idle* idle = new Idle();
  return idle;
}

void WorkMemory::RegisterForkHandler() {
#if defined(__unix__) || defined(__APPLE__)
  static const int registered = pthread_atfork(nullptr, nullptr, [] { IdleBlocks() = new Idle(); });
  static_cast<void>(registered);
#endif
}

WorkMemory& WorkMemory::operator=(WorkMemory&& other) noexcept {
  std::swap(own_, other.own_);
  std::swap(taken_, other.taken_);
  return *this;
}

WorkMemory::~WorkMemory() {
  if (own_ == nullptr) return;
  Idle& idle = *IdleBlocks();
  const std::lock_guard lock(idle.mutex);
  own_ = nullptr;
  idle.Sweep();
}

void* WorkMemory::get() const { return taken_ == nullptr ? nullptr : taken_->memory.get(); }

size_t WorkMemory::bytes() const { return own_ == nullptr ? 0 : own_->bytes.load(); }

// Takes the own block where it is idle, else one that fits or that may become larger, which is its
// own from now on; a new one if there is none. One that was used on this processor comes first: its
// caches have it.
void WorkMemory::Choose(size_t bytes) {
  RegisterForkHandler();
  const int here = CurrentProcessor();
  constexpr int kUnsuitable = 5;
  const auto rank = [&](const Block& block) {
    const bool own = &block == own_.get();
    if (own) return block.bytes >= bytes ? 0 : 3;
    if (block.Fits(bytes)) return block.processor == here ? 1 : 2;
    return block.bytes < bytes && block.bytes >= bytes / 4 ? 4 : kUnsuitable;
  };
  Idle& idle = *IdleBlocks();
  const std::lock_guard lock(idle.mutex);
  size_t best = 0;
  int best_rank = kUnsuitable;
  for (size_t i = idle.blocks.size(); i-- > 0 && best_rank > 0;) {
    if (const int of_this = rank(*idle.blocks[i]); of_this < best_rank) {
      best = i;
      best_rank = of_this;
    }
  }
  if (best_rank < kUnsuitable) {
    taken_ = std::move(idle.blocks[best]);
    idle.blocks.erase(idle.blocks.begin() + static_cast<std::ptrdiff_t>(best));
  } else {
    taken_ = std::make_shared<Block>();
  }
  taken_->processor = here;
  if (own_ == taken_) return;
  own_ = taken_;
  idle.Sweep();
}

bool WorkMemory::Take(size_t bytes) {
  if (taken_ != nullptr && taken_->bytes >= bytes && get() != nullptr) return true;
  const bool grows = this->bytes() > 0;
  Return();
  if (taken_ == nullptr) Choose(bytes);
  Block& block = *taken_;
  if (block.memory != nullptr && block.bytes >= bytes) return true;
  // What was too small gets room to grow: sizes that rise step by step, as a decoder's do, would
  // begin each step on fresh pages.
  const size_t wanted = grows ? bytes + bytes / 4 : bytes;
  block.memory.reset();
  block.memory.reset(AllocateAligned(wanted));
  block.bytes = block.memory == nullptr ? 0 : wanted;
  return block.memory != nullptr;
}

void WorkMemory::Return() {
  if (taken_ == nullptr || taken_->bytes < kSmallestShared) return;
  Idle& idle = *IdleBlocks();
  const std::lock_guard lock(idle.mutex);
  idle.blocks.push_back(std::move(taken_));
  idle.Sweep();
}

}  // namespace mullion
