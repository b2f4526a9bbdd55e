// SPDX-License-Identifier: MIT
// Threads for tests of kernels, started for each loop.
#ifndef MULLION_TESTS_DEVICES_CPU_THREAD_PARALLEL_H_
#define MULLION_TESTS_DEVICES_CPU_THREAD_PARALLEL_H_

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "base/parallel.h"

namespace mullion::cpu {

class ThreadParallel final : public Parallel {
 public:
  explicit ThreadParallel(int threads) : threads_(threads) {}
  int threads() const override { return threads_; }
  void For(int64_t count, int64_t chunk, FunctionRef<void(int64_t, int64_t, int)> body) override {
    std::atomic<int64_t> next{0};
    const auto work = [&](int worker) {
      for (;;) {
        const int64_t begin = next.fetch_add(chunk);
        if (begin >= count) return;
        body(begin, std::min(begin + chunk, count), worker);
      }
    };
    std::vector<std::thread> helpers;
    for (int i = 1; i < threads_; ++i) helpers.emplace_back(work, i);
    work(0);
    for (std::thread& helper : helpers) helper.join();
  }

 private:
  int threads_;
};

}  // namespace mullion::cpu

#endif  // MULLION_TESTS_DEVICES_CPU_THREAD_PARALLEL_H_
