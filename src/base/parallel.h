// SPDX-License-Identifier: MIT
// How a kernel spreads its work over threads, without knowing the thread pool.
#ifndef MULLION_BASE_PARALLEL_H_
#define MULLION_BASE_PARALLEL_H_

#include <algorithm>
#include <cstdint>

#include "base/function_ref.h"

namespace mullion {

class Parallel {
 public:
  virtual ~Parallel() = default;

  // How many threads may work at once, the caller's included; at least 1. Scratch memory is sized
  // by it; results must not depend on it.
  virtual int threads() const = 0;

  // Calls `body(begin, end, worker)` until [0, count) is covered, and returns when all is done.
  // Every begin is a multiple of `chunk` and every end is begin + chunk or `count`, whatever the
  // number of threads, so that results do not hang on it. `worker` in [0, threads()) names who
  // runs: at one moment no two calls have the same. Runs inline when there is one chunk or one
  // thread. A cancelled evaluation leaves chunks out; the runtime notices, kernels need not.
  virtual void For(int64_t count, int64_t chunk,
                   FunctionRef<void(int64_t begin, int64_t end, int worker)> body) = 0;
};

// Runs everything on the calling thread.
class SerialParallel final : public Parallel {
 public:
  int threads() const override { return 1; }
  void For(int64_t count, int64_t chunk, FunctionRef<void(int64_t, int64_t, int)> body) override {
    for (int64_t begin = 0; begin < count; begin += chunk) {
      body(begin, std::min(begin + chunk, count), 0);
    }
  }
};

}  // namespace mullion

#endif  // MULLION_BASE_PARALLEL_H_
