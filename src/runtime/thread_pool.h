// SPDX-License-Identifier: MIT
// The helper threads of the process, shared by all sessions.
//
// Goals: an idle process uses no CPU; a helper that the system takes away costs one chunk, not the
// evaluation; several sessions share the helpers without slowing one another down.
// Non-goals: pinning, priorities, nesting (work started from inside work runs inline).
#ifndef MULLION_RUNTIME_THREAD_POOL_H_
#define MULLION_RUNTIME_THREAD_POOL_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/cancellation.h"
#include "base/parallel.h"

namespace mullion {

class ThreadPool {
 public:
  // The pool of the process with at least `helpers` threads beside the caller's. Threads start here
  // and are joined when the last holder lets go. A forked child gets a pool of its own.
  static std::shared_ptr<ThreadPool> Acquire(int helpers);
  ~ThreadPool();

  // While a scope lives, helpers that ran out of work spin for some microseconds before they sleep:
  // the next step's work is about to come.
  class ActiveScope {
   public:
    explicit ActiveScope(ThreadPool* pool) : pool_(pool) {
      if (pool_ != nullptr) pool_->active_.fetch_add(1, std::memory_order_relaxed);
    }
    ~ActiveScope() {
      if (pool_ != nullptr) pool_->active_.fetch_sub(1, std::memory_order_relaxed);
    }
    ActiveScope(const ActiveScope&) = delete;
    ActiveScope& operator=(const ActiveScope&) = delete;

   private:
    ThreadPool* pool_;
  };

  using Body = FunctionRef<void(int64_t begin, int64_t end, int worker)>;

  // Covers [0, count) in chunks on the calling thread and up to `threads` - 1 helpers.
  void Run(int64_t count, int64_t chunk, int threads, const CancellationToken* cancellation,
           Body body);

 private:
  struct Job;

  ThreadPool() = default;
  void Grow(int helpers);
  void Help();
  Job* PickJob();
  bool SpinForWork(uint64_t seen) const;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Job*> jobs_;            // guarded by mutex_
  std::vector<std::thread> threads_;  // guarded by mutex_
  int sleepers_ = 0;                  // guarded by mutex_
  bool stop_ = false;                 // guarded by mutex_
  std::atomic<uint64_t> generation_{0};
  std::atomic<int> active_{0};
};

// A session's share of the pool for one evaluation.
class PoolParallel final : public Parallel {
 public:
  PoolParallel(ThreadPool* pool, int threads, const CancellationToken* cancellation)
      : pool_(pool), threads_(threads), cancellation_(cancellation) {}
  int threads() const override { return threads_; }
  void For(int64_t count, int64_t chunk, FunctionRef<void(int64_t, int64_t, int)> body) override;

 private:
  ThreadPool* pool_;
  int threads_;
  const CancellationToken* cancellation_;
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_THREAD_POOL_H_
