// SPDX-License-Identifier: MIT
#include "runtime/thread_pool.h"

#include <algorithm>
#include <chrono>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace mullion {

namespace {

// True on a thread that is inside a chunk: more work from there runs inline.
thread_local bool inside_chunk = false;

// How long a helper watches for the next job of an evaluation before it sleeps, and how long when
// no evaluation is left: enough for a caller that runs one after the other. Waking takes 30 us or
// so, but is paid for twenty times over: a network of a third of a millisecond can afford it in
// every third evaluation, and what it does on one thread in between takes up to 100 us.
constexpr auto kSpinTime = std::chrono::microseconds(100);
constexpr auto kLingerTime = std::chrono::microseconds(5);

// Handing half a loop to a helper that watches takes half a microsecond (a cache line there and
// back, twice), and what it reads lies in another core's cache: loops of 2 to 3 microseconds lose
// as often as they gain, and what they lose keeps longer ones from being shared. From this time on,
// per helper, sharing gains.
constexpr int64_t kWorthSharing = 3'000;

// How many times over a cost must be earned before it is paid: sharing may lose a twentieth.
constexpr int64_t kEarnings = 20;
// Waking a helper takes the caller a system call and the helper two switches and its watching.
constexpr int64_t kWakeCost = 40'000;
// No more than this is saved up for later.
constexpr int64_t kMostSavings = kEarnings * kWakeCost;
// No more than this of what sharing has won stands against later losses.
constexpr int64_t kMostWinnings = 1'000'000;

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// The process's pool. Deliberately leaked state: a child of fork() must not touch the threads that
// it did not inherit, so its handler forgets the parent's pool.
struct Shared {
  std::mutex mutex;
  std::weak_ptr<ThreadPool> pool;
};

Shared*& SharedState() {
  static Shared* shared = new Shared();
  return shared;
}

void ForgetPoolAfterFork() { SharedState() = new Shared(); }

void RegisterForkHandler() {
#if defined(__unix__) || defined(__APPLE__)
  static const int registered = pthread_atfork(nullptr, nullptr, ForgetPoolAfterFork);
  static_cast<void>(registered);
#endif
}

// The state of a job, in one word so that a helper joins by one comparison: whether somebody has
// taken the job, how many helpers may still join, and how many are at work.
constexpr uint32_t kTaken = 1U << 31;
constexpr int kSeatsShift = 15;
constexpr uint32_t kWorking = (1U << kSeatsShift) - 1;
constexpr uint32_t kSeats = kTaken - 1 - kWorking;

uint32_t SeatsOf(uint32_t state) { return (state & kSeats) >> kSeatsShift; }

}  // namespace

// One parallel loop. Jobs live as long as the pool and are used again, so that a helper may look at
// one whose loop is over.
//
// The loop is cut into as many stretches as there are threads. Each thread begins with its own and
// goes on with what is left of the others: what a thread wrote in one loop is mostly what it reads
// in the next, and stays in its cache.
struct alignas(64) ThreadPool::Job {
  struct alignas(64) Stretch {
    std::atomic<int64_t> next{0};
    std::atomic<int64_t> end{0};
  };
  static constexpr int kMostStretches = 8;

  std::atomic<uint32_t> state{0};
  // Written by whoever took the job before it opens seats; read by helpers that have one.
  uint32_t seats = 0;
  int stretch_count = 0;
  const Loop* loop = nullptr;
  std::atomic<int64_t> helped{0};  // nanoseconds that helpers worked
  std::array<Stretch, kMostStretches> stretches;

  // Also asked by helpers that only look.
  bool HasWork() const {
    return std::any_of(stretches.begin(), stretches.end(), [](const Stretch& stretch) {
      return stretch.next.load(std::memory_order_relaxed) <
             stretch.end.load(std::memory_order_relaxed);
    });
  }

  void Open(const Loop& of, int helpers) {
    loop = &of;
    seats = static_cast<uint32_t>(helpers);
    stretch_count = std::min(helpers + 1, kMostStretches);
    helped.store(0, std::memory_order_relaxed);
    const int64_t chunks = (of.count + of.chunk - 1) / of.chunk;
    int64_t begin = 0;
    for (int i = 0; i < stretch_count; ++i) {
      Stretch& stretch = stretches[static_cast<size_t>(i)];
      const int64_t end = chunks * (i + 1) / stretch_count * of.chunk;
      stretch.next.store(begin, std::memory_order_relaxed);
      stretch.end.store(std::min(end, of.count), std::memory_order_relaxed);
      begin = end;
    }
    state.store(kTaken | seats << kSeatsShift, std::memory_order_release);
  }
  // The worker's number, or 0 when there is no seat.
  int Join() {
    uint32_t now = state.load(std::memory_order_relaxed);
    while (SeatsOf(now) > 0 && HasWork()) {
      if (state.compare_exchange_weak(now, now - (1U << kSeatsShift) + 1, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        return static_cast<int>(seats - SeatsOf(now)) + 1;
      }
    }
    return 0;
  }
  void Leave() { state.fetch_sub(1, std::memory_order_release); }
  // No helper joins any more.
  void Close() { state.fetch_and(~kSeats, std::memory_order_acq_rel); }
  bool HasHelpers() const { return (state.load(std::memory_order_acquire) & kWorking) != 0; }

  // `home`: a number of the thread that stays the same from loop to loop.
  void Work(int worker, int home) {
    const bool nested = inside_chunk;
    inside_chunk = true;
    for (int i = 0; i < stretch_count; ++i) {
      WorkOn(stretches[static_cast<size_t>((home + i) % stretch_count)], worker);
    }
    inside_chunk = nested;
  }

 private:
  void WorkOn(Stretch& stretch, int worker) {
    const int64_t end = stretch.end.load(std::memory_order_relaxed);
    while (true) {
      const int64_t begin = stretch.next.fetch_add(loop->chunk, std::memory_order_relaxed);
      if (begin >= end) break;
      if (loop->cancellation != nullptr && loop->cancellation->cancelled()) continue;
      loop->body(begin, std::min(begin + loop->chunk, end), worker);
    }
  }
};

ThreadPool::ThreadPool() : jobs_(std::make_unique<std::array<Job, kMostJobs>>()) {}

std::shared_ptr<ThreadPool> ThreadPool::Acquire(int helpers) {
  RegisterForkHandler();
  Shared& shared = *SharedState();
  const std::lock_guard lock(shared.mutex);
  std::shared_ptr<ThreadPool> pool = shared.pool.lock();
  if (pool == nullptr) {
    pool.reset(new ThreadPool());
    shared.pool = pool;
  }
  pool->Grow(helpers);
  return pool;
}

void ThreadPool::Grow(int helpers) {
  const std::lock_guard lock(mutex_);
  while (static_cast<int>(threads_.size()) < helpers) {
    Helper& helper = threads_.emplace_back();
    const auto home = static_cast<int>(threads_.size());
    helper.thread = std::thread([this, &helper, home] { Help(helper, home); });
    helpers_.fetch_add(1, std::memory_order_relaxed);
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_.store(true);
  }
  wake_.notify_all();
  for (Helper& helper : threads_) helper.thread.join();
}

ThreadPool::ActiveScope::ActiveScope(ThreadPool* pool, int64_t shareable) : pool_(pool) {
  if (pool_ == nullptr) return;
  pool_->active_.fetch_add(1, std::memory_order_relaxed);
  const int64_t saved = std::min(pool_->account_.load(std::memory_order_relaxed), kMostSavings);
  pool_->account_.store(saved + shareable, std::memory_order_relaxed);
}

ThreadPool::ActiveScope::~ActiveScope() {
  if (pool_ != nullptr) pool_->active_.fetch_sub(1, std::memory_order_relaxed);
}

bool ThreadPool::MayShare(int helpers, bool must, int& wake) {
  const int asleep = sleepers_.load(std::memory_order_seq_cst);
  const int awake = helpers_.load(std::memory_order_relaxed) - asleep;
  wake = std::clamp(helpers - awake, 0, asleep);
  if (must) return true;
  const int64_t account = account_.load(std::memory_order_relaxed);
  if (account < 0) return false;
  wake = static_cast<int>(std::min<int64_t>(wake, account / (kEarnings * kWakeCost)));
  if (wake > 0) account_.fetch_sub(wake * kEarnings * kWakeCost, std::memory_order_relaxed);
  return awake + wake > 0;
}

void ThreadPool::Wake(int helpers) {
  {
    // A helper that is about to sleep has counted itself but may not wait yet; it holds the mutex.
    const std::lock_guard lock(mutex_);
    // One that fell asleep on the caller's processor would wake up there and take it away, again
    // and again, where the system does not know that processors share a cache (virtual machines).
    const int here = CurrentProcessor();
    for (Helper& helper : threads_) {
      if (helper.asleep_on == here) helper.placement.KeepOff(helper.thread, here);
    }
  }
  for (int i = 0; i < helpers; ++i) wake_.notify_one();
}

ThreadPool::Job* ThreadPool::TakeJob() {
  for (Job& job : *jobs_) {
    uint32_t free = 0;
    if (job.state.load(std::memory_order_relaxed) == 0 &&
        job.state.compare_exchange_strong(free, kTaken, std::memory_order_acquire)) {
      return &job;
    }
  }
  return nullptr;
}

int64_t ThreadPool::Run(const Loop& loop, int helpers, bool must) {
  int wake = 0;
  Job* const job = MayShare(helpers, must, wake) ? TakeJob() : nullptr;
  if (job == nullptr) {
    RunAlone(loop);
    return 0;
  }
  job->Open(loop, helpers);
  generation_.fetch_add(1, std::memory_order_seq_cst);
  if (wake > 0) Wake(wake);
  const int64_t start = NowNs();
  job->Work(0, 0);
  const int64_t worked = NowNs() - start;
  job->Close();
  WaitForHelpers(*job);
  const int64_t helped = job->helped.load(std::memory_order_relaxed);
  job->state.store(0, std::memory_order_release);
  return helped == 0 ? 0 : worked + helped;
}

// All chunks are claimed; the last ones may still run elsewhere.
void ThreadPool::WaitForHelpers(const Job& job) {
  constexpr int kSpins = 2000;
  for (int spins = 0; job.HasHelpers(); ++spins) {
    if (spins < kSpins) {
      Pause();
    } else {
      std::this_thread::yield();
    }
  }
}

void ThreadPool::Settle(int64_t won) {
  const int64_t winnings = winnings_.load(std::memory_order_relaxed) + won;
  winnings_.store(std::clamp<int64_t>(winnings, 0, kMostWinnings), std::memory_order_relaxed);
  if (winnings < 0) account_.fetch_add(winnings * kEarnings, std::memory_order_relaxed);
}

void ThreadPool::RunAlone(const Loop& loop) {
  for (int64_t begin = 0; begin < loop.count; begin += loop.chunk) {
    if (loop.cancellation != nullptr && loop.cancellation->cancelled()) return;
    loop.body(begin, std::min(begin + loop.chunk, loop.count), 0);
  }
}

bool ThreadPool::JoinAnyJob(int home) {
  for (Job& job : *jobs_) {
    if (const int worker = job.Join(); worker > 0) {
      const int64_t start = NowNs();
      job.Work(worker, home);
      job.helped.fetch_add(NowNs() - start, std::memory_order_relaxed);
      job.Leave();
      return true;
    }
  }
  return false;
}

bool ThreadPool::SpinForWork(uint64_t seen) const {
  auto end = std::chrono::steady_clock::now() + kSpinTime;
  for (bool lingers = false; !stop_.load(std::memory_order_relaxed);) {
    for (int i = 0; i < 32; ++i) {
      if (generation_.load(std::memory_order_acquire) != seen) return true;
      Pause();
    }
    const auto now = std::chrono::steady_clock::now();
    if (!lingers && active_.load(std::memory_order_relaxed) == 0) {
      lingers = true;
      end = std::min(end, now + kLingerTime);
    }
    if (now > end) return false;
  }
  return false;
}

void ThreadPool::Sleep(Helper& helper, uint64_t seen) {
  std::unique_lock lock(mutex_);
  helper.asleep_on = CurrentProcessor();
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  wake_.wait(lock, [&] { return generation_.load(std::memory_order_seq_cst) != seen || stop_; });
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
  helper.asleep_on = -1;
  helper.placement.Restore();
}

void ThreadPool::Help(Helper& helper, int home) {
  while (!stop_.load(std::memory_order_relaxed)) {
    const uint64_t seen = generation_.load(std::memory_order_acquire);
    if (JoinAnyJob(home)) continue;
    if (!SpinForWork(seen)) Sleep(helper, seen);
  }
}

void PoolParallel::For(int64_t count, int64_t chunk,
                       FunctionRef<void(int64_t, int64_t, int)> body) {
  if (count <= 0) return;
  const ThreadPool::Loop loop{count, chunk, cancellation_, body};
  if (pool_ == nullptr || threads_ <= 1 || count <= chunk || inside_chunk) {
    ThreadPool::RunAlone(loop);
    return;
  }
  const int64_t chunks = (count + chunk - 1) / chunk;
  const auto most = static_cast<int>(std::min<int64_t>(threads_, chunks) - 1);
  if (costs_ == nullptr) {
    pool_->Run(loop, most, true);
    return;
  }
  LoopCost& cost = costs_->loops[std::min(loop_++, costs_->loops.size() - 1)];
  if (!cost.Known()) {
    Learn(loop, most, cost);
    return;
  }
  const int64_t time = cost.Nanoseconds();
  const auto helpers = static_cast<int>(std::min<int64_t>(most, time / kWorthSharing));
  if (helpers == 0) {
    ThreadPool::RunAlone(loop);
    return;
  }
  shareable_ += time;
  const int64_t start = NowNs();
  if (pool_->Run(loop, helpers, false) == 0) return;
  helped_ += time;
  const int64_t took = NowNs() - start;
  if (!cost.WasShared()) {
    cost.SetShared();
  } else {
    pool_->Settle(time - took);
    won_ += time - took;
  }
}

void PoolParallel::Learn(const ThreadPool::Loop& loop, int helpers, LoopCost& cost) {
  const int64_t start = NowNs();
  int64_t time = 0;
  if (cost.WantsOneThread()) {
    ThreadPool::RunAlone(loop);
  } else {
    time = pool_->Run(loop, helpers, true);
  }
  if (time == 0) time = NowNs() - start;
  cost.Add(time);
  shareable_ += time;
}

}  // namespace mullion
