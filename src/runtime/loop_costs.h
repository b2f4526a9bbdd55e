// SPDX-License-Identifier: MIT
// What the parallel loops of a step take, learned while the step runs: a loop of a microsecond is
// done before a helper has seen it.
#ifndef MULLION_RUNTIME_LOOP_COSTS_H_
#define MULLION_RUNTIME_LOOP_COSTS_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <limits>

namespace mullion {

// One loop's time on one thread: the least of its first few runs. Of a long loop that is what all
// threads spent on it together; when the first run shows a short one, the next ones run on one
// thread, which measures exactly. Thread-safe: of two threads that learn at once one is forgotten.
class LoopCost {
 public:
  bool Known() const { return Measured() >= kMeasured; }
  // Whether helpers have had a part in it since. The first time they meet code that their core has
  // not seen and memory that nobody has touched: that may take a few hundred microseconds, once,
  // and says nothing of the times that follow.
  bool WasShared() const { return Measured() > kMeasured; }
  void SetShared() {
    value_.store(value_.load(std::memory_order_relaxed) | kShared, std::memory_order_relaxed);
  }
  // Whether the next measurement should be taken on one thread.
  bool WantsOneThread() const { return Measured() > 0 && Nanoseconds() < kSurelyLong; }
  int64_t Nanoseconds() const { return value_.load(std::memory_order_relaxed) >> kCountBits; }
  void Add(int64_t nanoseconds) {
    const uint32_t measured = Measured();
    const int64_t least = measured == 0 ? kMost : Nanoseconds();
    const int64_t now = std::clamp<int64_t>(nanoseconds, 0, least);
    value_.store(static_cast<uint32_t>(now) << kCountBits | (measured + 1),
                 std::memory_order_relaxed);
  }

 private:
  static constexpr uint32_t kMeasured = 3;
  static constexpr uint32_t kShared = 4;  // a bit of its own
  static constexpr int kCountBits = 3;
  static constexpr int64_t kMost = std::numeric_limits<uint32_t>::max() >> kCountBits;  // 0.5 s
  static constexpr int64_t kSurelyLong = 200'000;

  uint32_t Measured() const {
    return value_.load(std::memory_order_relaxed) & ((1U << kCountBits) - 1);
  }

  std::atomic<uint32_t> value_{0};  // nanoseconds, and the number of measurements or kShared
};

// Those of one step for one set of shapes, in the order in which it comes to them. Few steps have
// more than two loops; the last place is for all further ones, which are alike where they are many.
struct LoopCosts {
  std::array<LoopCost, 4> loops;
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_LOOP_COSTS_H_
