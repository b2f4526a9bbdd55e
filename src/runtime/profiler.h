// SPDX-License-Identifier: MIT
// Times of steps, collected by whoever hands a Profiler to an evaluation.
#ifndef MULLION_RUNTIME_PROFILER_H_
#define MULLION_RUNTIME_PROFILER_H_

#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

#include "graph/graph.h"

namespace mullion {

// For one evaluation at a time, any thread of which may add.
class Profiler {
 public:
  struct Event {
    const Node* node;
    int64_t start_ns;  // since the profiler was made
    int64_t duration_ns;
    int64_t bytes;  // of tensor inputs and outputs
    int thread;     // 0, but where steps run apart on several
  };

  int64_t Now() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() -
                                                                origin_)
        .count();
  }
  void Add(const Node& node, int64_t start_ns, int64_t bytes, int thread) {
    const int64_t duration_ns = Now() - start_ns;
    const std::lock_guard lock(mutex_);
    events_.push_back({&node, start_ns, duration_ns, bytes, thread});
  }
  // Once the evaluation is over.
  const std::vector<Event>& events() const { return events_; }

 private:
  std::chrono::steady_clock::time_point origin_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::vector<Event> events_;
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_PROFILER_H_
