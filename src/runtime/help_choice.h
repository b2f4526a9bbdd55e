// SPDX-License-Identifier: MIT
// Whether evaluations gain by helper threads as a whole. What each loop wins says little of that:
// what follows reads from another core's cache what a helper wrote.
#ifndef MULLION_RUNTIME_HELP_CHOICE_H_
#define MULLION_RUNTIME_HELP_CHOICE_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <mutex>
#include <utility>

namespace mullion {

// Of the evaluations for one set of shapes, which take alike. Where their loops do not clearly win
// by help some are tried with it and some without, now and then, and the others go the better way;
// results are the same. Thread-safe.
class HelpChoice {
 public:
  // How the next evaluation is to run.
  bool Helped() const { return helped_.load(std::memory_order_relaxed); }

  // An evaluation took so many nanoseconds. `won` is what its loops took less than they would have
  // taken alone.
  void Took(bool helped, int64_t nanoseconds, int64_t won) {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock() || helped != Helped()) return;  // one of several at once
    if (left_ > 0) {
      Rest(helped && won * kClear > nanoseconds);
    } else {
      Try(helped, nanoseconds);
    }
  }

 private:
  // Evaluations before the first trial, while loops are learned, and from one trial to the next.
  // Those that are tried the worse way, slower by a third at most, cost half a hundredth.
  static constexpr int kFirst = 24;
  static constexpr int kRest = 2000;
  // Of the last of these, one that gained clearly is enough to try nothing.
  static constexpr int kLooked = 12;
  // Tried in a row, twice each way. The first half of them finds caches, helpers and the pool's
  // account as the other way left them.
  static constexpr int kRow = 12;
  // A gain of a third is clear; one below a fortieth is not worth it.
  static constexpr int64_t kClear = 3;
  static constexpr int64_t kWorth = 40;

  void Use(bool help) { helped_.store(help, std::memory_order_relaxed); }

  void Rest(bool gained) {
    if (--left_ < kLooked) clear_ |= gained;
    if (left_ > 0) return;
    if (std::exchange(clear_, false)) left_ = kRest;
  }

  void Try(bool helped, int64_t nanoseconds) {
    int64_t& least = least_[helped ? 1 : 0];
    if (tried_ % kRow >= kRow / 2) least = std::min(least, nanoseconds);
    ++tried_;
    if (tried_ % kRow == 0) Use(!helped);
    if (tried_ < 4 * kRow) return;
    // Help that gains next to nothing only costs.
    Use(least_[1] + least_[1] / kWorth < least_[0]);
    least_.fill(std::numeric_limits<int64_t>::max());
    tried_ = 0;
    left_ = kRest;
  }

  std::atomic<bool> helped_{true};
  std::mutex mutex_;
  int left_ = kFirst;  // until the next trial
  bool clear_ = false;
  int tried_ = 0;
  std::array<int64_t, 2> least_{std::numeric_limits<int64_t>::max(),
                                std::numeric_limits<int64_t>::max()};
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_HELP_CHOICE_H_
