// SPDX-License-Identifier: MIT
// A flag that one thread raises and an evaluation looks at between steps and between chunks.
#ifndef MULLION_BASE_CANCELLATION_H_
#define MULLION_BASE_CANCELLATION_H_

#include <atomic>

namespace mullion {

// Thread-safe. May be raised before, during or after an evaluation; stays raised until Reset.
class CancellationToken {
 public:
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  void Reset() { cancelled_.store(false, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> cancelled_{false};
};

}  // namespace mullion

#endif  // MULLION_BASE_CANCELLATION_H_
