// SPDX-License-Identifier: MIT
#include "runtime/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
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

}  // namespace
}  // namespace mullion
