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
  using Hole = std::pair<size_t, size_t>;  // offset and size
  std::vector<Hole> free_;                 // by offset
  size_t size_ = 0;
};

// Other places for the same values: a few lanes, each with the middles of its values at one
// address. Threads that make a half each of every value then write what they wrote before, whatever
// the value's size. Cores with caches of their own take lines from each other at a tenth of that
// speed.
class ArenaLanes {
 public:
  static constexpr int kNoLane = -1;

  // A lane that no value has: the smallest that is long enough, else the longest. kNoLane where
  // there are too many to look through.
  int Take(size_t bytes);
  void Leave(int lane) {
    if (lane != kNoLane) lanes_[static_cast<size_t>(lane)].taken = false;
  }
  // Lays the lanes out once all values have one, and returns what the arena needs; 0 if any has
  // none.
  size_t Finish();
  size_t OffsetOf(int lane, size_t bytes) const;

 private:
  struct Lane {
    size_t bytes;
    size_t middle;
    bool taken;
  };
  std::vector<Lane> lanes_;
  bool full_ = false;
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_ARENA_PLANNER_H_
