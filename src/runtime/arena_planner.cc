// SPDX-License-Identifier: MIT
#include "runtime/arena_planner.h"

#include <algorithm>
#include <iterator>

#include "base/tensor.h"

namespace mullion {

namespace {

size_t Round(size_t bytes) {
  const size_t rounded = (bytes + kMemoryAlignment - 1) / kMemoryAlignment * kMemoryAlignment;
  return rounded == 0 ? kMemoryAlignment : rounded;
}

// Of whole lines.
size_t HalfOf(size_t bytes) { return bytes / (2 * kMemoryAlignment) * kMemoryAlignment; }

constexpr size_t kMostLanes = 64;

}  // namespace

size_t ArenaPlanner::Allocate(size_t bytes) {
  const size_t wanted = Round(bytes);
  auto best = free_.end();
  for (auto place = free_.begin(); place != free_.end(); ++place) {
    if (place->second >= wanted && (best == free_.end() || place->second < best->second)) {
      best = place;
    }
  }
  if (best != free_.end()) {
    const size_t offset = best->first;
    best->first += wanted;
    best->second -= wanted;
    if (best->second == 0) free_.erase(best);
    return offset;
  }
  // Grow; a free block at the end is part of the new one.
  size_t offset = size_;
  if (!free_.empty() && free_.back().first + free_.back().second == size_) {
    offset = free_.back().first;
    free_.pop_back();
  }
  size_ = offset + wanted;
  return offset;
}

void ArenaPlanner::Free(size_t offset, size_t bytes) {
  const size_t size = Round(bytes);
  const auto next = std::lower_bound(free_.begin(), free_.end(), Hole(offset, 0));
  const bool meets_next = next != free_.end() && offset + size == next->first;
  const bool meets_previous =
      next != free_.begin() && std::prev(next)->first + std::prev(next)->second == offset;
  if (meets_previous) {
    std::prev(next)->second += size + (meets_next ? next->second : 0);
    if (meets_next) free_.erase(next);
  } else if (meets_next) {
    *next = {offset, next->second + size};
  } else {
    free_.insert(next, {offset, size});
  }
}

int ArenaLanes::Take(size_t bytes) {
  const size_t wanted = Round(bytes);
  auto best = lanes_.end();
  for (auto lane = lanes_.begin(); lane != lanes_.end(); ++lane) {
    if (lane->taken) continue;
    const bool fits = lane->bytes >= wanted;
    if (best == lanes_.end() ||
        (best->bytes >= wanted ? fits && lane->bytes < best->bytes : lane->bytes > best->bytes)) {
      best = lane;
    }
  }
  if (best == lanes_.end()) {
    full_ = full_ || lanes_.size() == kMostLanes;
    if (full_) return kNoLane;
    best = lanes_.insert(lanes_.end(), {wanted, 0, false});
  }
  best->bytes = std::max(best->bytes, wanted);
  best->taken = true;
  return static_cast<int>(best - lanes_.begin());
}

size_t ArenaLanes::Finish() {
  size_t size = 0;
  for (Lane& lane : lanes_) {
    lane.middle = size + HalfOf(lane.bytes);
    size += lane.bytes;
  }
  return full_ ? 0 : size;
}

size_t ArenaLanes::OffsetOf(int lane, size_t bytes) const {
  return lanes_[static_cast<size_t>(lane)].middle - HalfOf(Round(bytes));
}

}  // namespace mullion
