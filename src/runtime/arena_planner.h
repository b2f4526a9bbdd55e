// SPDX-License-Identifier: MIT
// Gives values places in one block of memory while the steps that use them are walked in order.
#ifndef MULLION_RUNTIME_ARENA_PLANNER_H_
#define MULLION_RUNTIME_ARENA_PLANNER_H_

#include <cstddef>
#include <utility>
#include <vector>

namespace mullion {

// Best fit with merging of neighbours. Offsets and sizes are multiples of 64 bytes.
class ArenaPlanner {
 public:
  size_t Allocate(size_t bytes);
  void Free(size_t offset, size_t bytes);
  // What the arena needs for everything placed so far.
  size_t size() const { return size_; }

 private:
  static size_t Round(size_t bytes);
  using Hole = std::pair<size_t, size_t>;  // offset and size
  std::vector<Hole> free_;                 // by offset
  size_t size_ = 0;
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_ARENA_PLANNER_H_
