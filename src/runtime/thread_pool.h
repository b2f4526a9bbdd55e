// SPDX-License-Identifier: MIT
// The helper threads of the process, shared by all sessions.
//
// Goals: an idle process uses no CPU; a helper that the system takes away costs one chunk, not the
// evaluation; several sessions share the helpers without slowing one another down; two threads are
// never much slower than one, however small the work and whoever else wants the cores.
// Non-goals: pinning, priorities, nesting (work started from inside work runs inline).
//
// Sharing costs something: half a microsecond with a helper that watches, much more when it sleeps
// or when the system has taken it away. So the pool keeps an account in nanoseconds. Evaluations
// pay in the time of what could be shared; waking a helper, and loops that took longer shared than
// alone, cost twenty times what they lost, and below nothing is shared. So sharing loses no more
// than a twentieth. What other loops have won, up to a millisecond, is taken off their losses: now
// and then a loop is late on any machine.
#ifndef MULLION_RUNTIME_THREAD_POOL_H_
#define MULLION_RUNTIME_THREAD_POOL_H_

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "base/cancellation.h"
#include "base/parallel.h"
#include "base/processors.h"
#include "runtime/loop_costs.h"

namespace mullion {

class ThreadPool {
 public:
  // The pool of the process with at least `helpers` threads beside the caller's. Threads start here
  // and are joined when the last holder lets go. A forked child gets a pool of its own.
  static std::shared_ptr<ThreadPool> Acquire(int helpers);
  ~ThreadPool();

  // An evaluation. While one lives, helpers that ran out of work watch for some microseconds before
  // they sleep: the next step's work is about to come. `shareable` is what the evaluation is known
  // to be able to share, in nanoseconds on one thread.
  class ActiveScope {
   public:
    ActiveScope(ThreadPool* pool, int64_t shareable);
    ~ActiveScope();
    ActiveScope(const ActiveScope&) = delete;
    ActiveScope& operator=(const ActiveScope&) = delete;

   private:
    ThreadPool* pool_;
  };

  using Body = FunctionRef<void(int64_t begin, int64_t end, int worker)>;
  struct Loop {
    int64_t count;
    int64_t chunk;
    const CancellationToken* cancellation;
    Body body;
  };

  // Covers the loop on the calling thread and up to `helpers` helpers. With `must` helpers are
  // woken whatever the account says. Returns the time that all threads spent on it together, or 0
  // when nobody helped.
  int64_t Run(const Loop& loop, int helpers, bool must);
  // The same on the calling thread alone.
  static void RunAlone(const Loop& loop);
  // So many nanoseconds were won by sharing a loop, or lost where there are less than 0.
  void Settle(int64_t won);

 private:
  struct Job;
  struct Helper {
    std::thread thread;
    int asleep_on = -1;  // the processor where it fell asleep
    ThreadPlacement placement;
  };
  // Callers that have a loop shared at the same time; one more works alone.
  static constexpr size_t kMostJobs = 8;

  ThreadPool();
  void Grow(int helpers);
  void Help(Helper& helper, int home);
  bool JoinAnyJob(int home);
  bool SpinForWork(uint64_t seen) const;
  void Sleep(Helper& helper, uint64_t seen);
  // Whether up to `helpers` helpers may be asked, and how many sleepers to wake for it.
  bool MayShare(int helpers, bool must, int& wake);
  void Wake(int helpers);
  Job* TakeJob();
  static void WaitForHelpers(const Job& job);

  std::unique_ptr<std::array<Job, kMostJobs>> jobs_;
  std::atomic<uint64_t> generation_{0};  // counts jobs
  std::atomic<int> active_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<int> helpers_{0};
  std::atomic<int64_t> account_{0};
  std::atomic<int64_t> winnings_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::list<Helper> threads_;  // guarded by mutex_
};

// A session's share of the pool for one evaluation.
class PoolParallel final : public Parallel {
 public:
  PoolParallel(ThreadPool* pool, int threads, const CancellationToken* cancellation)
      : pool_(pool), threads_(threads), cancellation_(cancellation) {}
  int threads() const override { return threads_; }
  void For(int64_t count, int64_t chunk, FunctionRef<void(int64_t, int64_t, int)> body) override;

  // The loops that follow are those of a step with these costs; null when none are kept.
  void BeginStep(LoopCosts* costs) {
    costs_ = costs;
    loop_ = 0;
  }
  // What was, or could have been, shared so far, in nanoseconds on one thread.
  int64_t shareable() const { return shareable_; }
  // What was won by sharing so far; less than 0 where it was lost.
  int64_t won() const { return won_; }
  // Whether helpers had a part in most of what could be shared. They have not where the pool's
  // account does not allow it.
  bool WasHelped() const { return helped_ * 2 >= shareable_; }

 private:
  void Learn(const ThreadPool::Loop& loop, int helpers, LoopCost& cost);

  ThreadPool* pool_;
  int threads_;
  const CancellationToken* cancellation_;
  LoopCosts* costs_ = nullptr;
  size_t loop_ = 0;
  int64_t shareable_ = 0;
  int64_t helped_ = 0;
  int64_t won_ = 0;
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_THREAD_POOL_H_
