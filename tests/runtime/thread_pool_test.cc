// SPDX-License-Identifier: MIT
#include "runtime/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

namespace mullion {
namespace {

// Every index once, every chunk on the grid, every worker in range.
void CheckCoverage(Parallel& parallel, int64_t count, int64_t chunk) {
  std::vector<std::atomic<int>> seen(static_cast<size_t>(count));
  std::atomic<bool> on_grid{true};
  parallel.For(count, chunk, [&](int64_t begin, int64_t end, int worker) {
    if (begin % chunk != 0 || (end != count && end != begin + chunk)) on_grid = false;
    if (worker < 0 || worker >= parallel.threads()) on_grid = false;
    for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
  });
  EXPECT_TRUE(on_grid);
  for (const auto& times : seen) EXPECT_EQ(times, 1);
}

TEST(ThreadPool, CoversEveryIndexOnceOnAnyThreadCount) {
  for (const int threads : {1, 2, 3, 4, 11}) {
    const auto pool = ThreadPool::Acquire(threads - 1);
    PoolParallel parallel(pool.get(), threads, nullptr);
    for (const int64_t count : {0, 1, 7, 64, 1000}) {
      for (const int64_t chunk : {1, 3, 64}) CheckCoverage(parallel, count, chunk);
    }
  }
}

TEST(ThreadPool, IsSharedAndGoesWithItsLastHolder) {
  const auto first = ThreadPool::Acquire(1);
  const auto second = ThreadPool::Acquire(3);
  EXPECT_EQ(first, second);
}

TEST(ThreadPool, RunsNestedWorkInline) {
  const auto pool = ThreadPool::Acquire(3);
  PoolParallel parallel(pool.get(), 4, nullptr);
  std::atomic<int64_t> total{0};
  parallel.For(8, 1, [&](int64_t, int64_t, int) {
    const auto caller = std::this_thread::get_id();
    parallel.For(10, 1, [&](int64_t begin, int64_t, int worker) {
      EXPECT_EQ(std::this_thread::get_id(), caller);
      EXPECT_EQ(worker, 0);
      total += begin;
    });
  });
  EXPECT_EQ(total, 8 * 45);
}

TEST(ThreadPool, SeveralCallersAtOnce) {
  const auto pool = ThreadPool::Acquire(2);
  std::vector<std::thread> callers;
  std::atomic<int64_t> total{0};
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      PoolParallel parallel(pool.get(), 3, nullptr);
      for (int round = 0; round < 200; ++round) {
        parallel.For(100, 7, [&](int64_t begin, int64_t end, int) { total += end - begin; });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total, 4 * 200 * 100);
}

TEST(ThreadPool, LeavesChunksOutWhenCancelled) {
  const auto pool = ThreadPool::Acquire(1);
  CancellationToken token;
  PoolParallel parallel(pool.get(), 2, &token);
  std::atomic<int> chunks{0};
  parallel.For(1000, 1, [&](int64_t, int64_t, int) {
    ++chunks;
    token.Cancel();
  });
  EXPECT_GE(chunks, 1);
  EXPECT_LE(chunks, 2);
}

TEST(ThreadPool, SharesUntilLossesExceedWhatWasWon) {
  const std::shared_ptr<ThreadPool> pool = ThreadPool::Acquire(1);
  // Whether a helper takes part in a loop whose caller waits for one, after so much to share.
  const auto shares = [&](int64_t shareable, std::chrono::milliseconds wait) {
    const ThreadPool::ActiveScope scope(pool.get(), shareable);
    std::atomic<bool> helped{false};
    const auto end = std::chrono::steady_clock::now() + wait;
    const auto body = [&](int64_t /*begin*/, int64_t /*end*/, int worker) {
      if (worker != 0) helped = true;
      while (!helped && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    };
    return pool->Run({2, 1, nullptr, body}, 1, false) > 0;
  };
  constexpr int64_t kMillisecond = 1'000'000;
  pool->Settle(kMillisecond / 2);
  pool->Settle(-kMillisecond / 2);
  EXPECT_TRUE(shares(2 * kMillisecond, std::chrono::seconds(10)));
  // No more than a millisecond is remembered.
  pool->Settle(100 * kMillisecond);
  pool->Settle(-2 * kMillisecond);
  EXPECT_FALSE(shares(2 * kMillisecond, std::chrono::milliseconds(20)));
}

}  // namespace
}  // namespace mullion
