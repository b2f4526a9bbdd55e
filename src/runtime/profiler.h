// SPDX-License-Identifier: MIT
// Times of steps, collected by whoever hands a Profiler to an evaluation.
#ifndef MULLION_RUNTIME_PROFILER_H_
#define MULLION_RUNTIME_PROFILER_H_

#include <chrono>
#include <cstdint>
#include <vector>

#include "graph/graph.h"

namespace mullion {

// For one evaluation at a time.
class Profiler {
 public:
  struct Event {
    const Node* node;
    int64_t start_ns;  // since the profiler was made
    int64_t duration_ns;
    int64_t bytes;  // of tensor inputs and outputs
  };

  int64_t Now() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() -
                                                                origin_)
        .count();
  }
  void Add(const Node& node, int64_t start_ns, int64_t bytes) {
    events_.push_back({&node, start_ns, Now() - start_ns, bytes});
  }
  const std::vector<Event>& events() const { return events_; }

 private:
  std::chrono::steady_clock::time_point origin_ = std::chrono::steady_clock::now();
  std::vector<Event> events_;
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_PROFILER_H_
