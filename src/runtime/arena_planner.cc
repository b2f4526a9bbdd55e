// SPDX-License-Identifier: MIT
#include "runtime/arena_planner.h"

#include <iterator>

#include "base/tensor.h"

namespace mullion {

size_t ArenaPlanner::Round(size_t bytes) {
  const size_t rounded = (bytes + kMemoryAlignment - 1) / kMemoryAlignment * kMemoryAlignment;
  return rounded == 0 ? kMemoryAlignment : rounded;
}

size_t ArenaPlanner::Allocate(size_t bytes) {
  const size_t wanted = Round(bytes);
  auto best = free_.end();
  for (auto place = free_.begin(); place != free_.end(); ++place) {
    if (place->second >= wanted && (best == free_.end() || place->second < best->second)) {
      best = place;
    }
  }
  if (best != free_.end()) {
    const auto [offset, size] = *best;
    free_.erase(best);
    if (size > wanted) free_[offset + wanted] = size - wanted;
    return offset;
  }
  // Grow; a free block at the end is part of the new one.
  if (!free_.empty()) {
    const auto [offset, size] = *std::prev(free_.end());
    if (offset + size == size_) {
      free_.erase(std::prev(free_.end()));
      size_ = offset + wanted;
      return offset;
    }
  }
  const size_t offset = size_;
  size_ += wanted;
  return offset;
}

void ArenaPlanner::Free(size_t offset, size_t bytes) {
  auto [place, fresh] = free_.try_emplace(offset, Round(bytes));
  if (!fresh) return;
  const auto next = std::next(place);
  if (next != free_.end() && place->first + place->second == next->first) {
    place->second += next->second;
    free_.erase(next);
  }
  if (place != free_.begin()) {
    const auto previous = std::prev(place);
    if (previous->first + previous->second == place->first) {
      previous->second += place->second;
      free_.erase(place);
    }
  }
}

}  // namespace mullion
