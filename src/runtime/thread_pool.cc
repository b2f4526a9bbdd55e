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

// How long a helper watches for the next job before it sleeps. Waking a sleeper costs some ten
// microseconds, so it pays to watch about as long.
constexpr auto kSpinTime = std::chrono::microseconds(30);

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

}  // namespace

// One parallel loop, on the stack of whoever asked for it.
struct ThreadPool::Job {
  Body body;
  int64_t count;
  int64_t chunk;
  int most_helpers;
  const CancellationToken* cancellation;
  std::atomic<int64_t> next{0};
  int joined = 0;               // helpers that ever took part; guarded by the pool's mutex
  std::atomic<int> helping{0};  // helpers at work now

  bool HasWork() const { return next.load(std::memory_order_relaxed) < count; }

  void Work(int worker) {
    const bool nested = inside_chunk;
    inside_chunk = true;
    while (true) {
      const int64_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
      if (begin >= count) break;
      if (cancellation != nullptr && cancellation->cancelled()) continue;
      body(begin, std::min(begin + chunk, count), worker);
    }
    inside_chunk = nested;
  }
};

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
  while (static_cast<int>(threads_.size()) < helpers) threads_.emplace_back([this] { Help(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    generation_.fetch_add(1);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::Run(int64_t count, int64_t chunk, int threads,
                     const CancellationToken* cancellation, Body body) {
  const int64_t chunks = (count + chunk - 1) / chunk;
  Job job{.body = body,
          .count = count,
          .chunk = chunk,
          .most_helpers = static_cast<int>(std::min<int64_t>(threads - 1, chunks - 1)),
          .cancellation = cancellation};
  int wake = 0;
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(&job);
    generation_.fetch_add(1, std::memory_order_release);
    wake = std::min(sleepers_, job.most_helpers);
  }
  for (int i = 0; i < wake; ++i) wake_.notify_one();
  job.Work(0);
  {
    const std::lock_guard lock(mutex_);
    jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
  }
  // All chunks are claimed; the last ones may still run elsewhere.
  for (int spins = 0; job.helping.load(std::memory_order_acquire) > 0; ++spins) {
    if (spins < 2000) {
      Pause();
    } else {
      std::this_thread::yield();
    }
  }
}

ThreadPool::Job* ThreadPool::PickJob() {
  for (Job* const job : jobs_) {
    if (job->joined < job->most_helpers && job->HasWork()) return job;
  }
  return nullptr;
}

bool ThreadPool::SpinForWork(uint64_t seen) const {
  const auto end = std::chrono::steady_clock::now() + kSpinTime;
  while (active_.load(std::memory_order_relaxed) > 0) {
    for (int i = 0; i < 32; ++i) {
      if (generation_.load(std::memory_order_acquire) != seen) return true;
      Pause();
    }
    if (std::chrono::steady_clock::now() > end) return false;
  }
  return false;
}

void ThreadPool::Help() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (Job* const job = PickJob(); job != nullptr) {
      const int worker = ++job->joined;
      job->helping.fetch_add(1, std::memory_order_relaxed);
      lock.unlock();
      job->Work(worker);
      job->helping.fetch_sub(1, std::memory_order_release);
      lock.lock();
      continue;
    }
    const uint64_t seen = generation_.load();
    lock.unlock();
    const bool more = SpinForWork(seen);
    lock.lock();
    if (more || generation_.load() != seen) continue;
    ++sleepers_;
    wake_.wait(lock, [&] { return generation_.load() != seen || stop_; });
    --sleepers_;
  }
}

void PoolParallel::For(int64_t count, int64_t chunk,
                       FunctionRef<void(int64_t, int64_t, int)> body) {
  if (count <= 0) return;
  if (pool_ != nullptr && threads_ > 1 && count > chunk && !inside_chunk) {
    pool_->Run(count, chunk, threads_, cancellation_, body);
    return;
  }
  for (int64_t begin = 0; begin < count; begin += chunk) {
    if (cancellation_ != nullptr && cancellation_->cancelled()) return;
    body(begin, std::min(begin + chunk, count), 0);
  }
}

}  // namespace mullion
