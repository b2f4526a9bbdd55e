// SPDX-License-Identifier: MIT
#include "runtime/loop_costs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "runtime/thread_pool.h"

namespace mullion {
namespace {

TEST(LoopCost, KeepsTheLeastOfItsFirstRuns) {
  LoopCost cost;
  EXPECT_FALSE(cost.Known());
  cost.Add(9'000);
  EXPECT_TRUE(cost.WantsOneThread());
  cost.Add(1'500);
  EXPECT_FALSE(cost.Known());
  cost.Add(4'000);
  EXPECT_TRUE(cost.Known());
  EXPECT_EQ(cost.Nanoseconds(), 1'500);
}

TEST(LoopCost, LongLoopsAreNotTriedOnOneThread) {
  LoopCost cost;
  EXPECT_FALSE(cost.WantsOneThread());
  cost.Add(5'000'000);
  EXPECT_FALSE(cost.WantsOneThread());
  cost.Add(1'000'000'000'000);
  cost.Add(6'000'000);
  EXPECT_EQ(cost.Nanoseconds(), 5'000'000);
}

TEST(LoopCost, ClocksThatStandStillOrRunBackCountAsNothing) {
  LoopCost cost;
  for (const int64_t time : {-5, 0, 7}) cost.Add(time);
  EXPECT_TRUE(cost.Known());
  EXPECT_EQ(cost.Nanoseconds(), 0);
}

TEST(LoopCost, KnowsWhetherItWasShared) {
  LoopCost cost;
  for (const int64_t time : {9'000, 8'000, 8'500}) {
    EXPECT_FALSE(cost.WasShared());
    cost.Add(time);
  }
  EXPECT_FALSE(cost.WasShared());
  cost.SetShared();
  cost.SetShared();
  EXPECT_TRUE(cost.WasShared());
  EXPECT_TRUE(cost.Known());
  EXPECT_EQ(cost.Nanoseconds(), 8'000);
}

class KnownLoops : public ::testing::Test {
 protected:
  void Know(int64_t nanoseconds) {
    for (LoopCost& cost : costs_->loops) {
      for (int i = 0; i < 3; ++i) cost.Add(nanoseconds);
    }
  }
  // How many indices of a loop other threads computed.
  int Elsewhere(PoolParallel& parallel) {
    const auto caller = std::this_thread::get_id();
    std::atomic<int> elsewhere{0};
    parallel.For(64, 1, [&](int64_t, int64_t, int) {
      elsewhere += std::this_thread::get_id() != caller ? 1 : 0;
    });
    return elsewhere;
  }

  std::shared_ptr<ThreadPool> pool_ = ThreadPool::Acquire(3);
  std::unique_ptr<LoopCosts> costs_ = std::make_unique<LoopCosts>();
};

TEST_F(KnownLoops, SmallOnesStayWithTheCaller) {
  Know(500);
  PoolParallel parallel(pool_.get(), 4, nullptr);
  for (int step = 0; step < 20; ++step) {
    parallel.BeginStep(costs_.get());
    for (int loop = 0; loop < 6; ++loop) EXPECT_EQ(Elsewhere(parallel), 0);
  }
  EXPECT_EQ(parallel.shareable(), 0);
}

TEST_F(KnownLoops, LongOnesCountAsShareable) {
  Know(50'000);
  PoolParallel parallel(pool_.get(), 4, nullptr);
  const ThreadPool::ActiveScope active(pool_.get(), 1'000'000);
  parallel.BeginStep(costs_.get());
  std::atomic<int64_t> covered{0};
  for (int loop = 0; loop < 6; ++loop) {
    parallel.For(1000, 10, [&](int64_t begin, int64_t end, int worker) {
      EXPECT_LT(worker, 4);
      covered += end - begin;
    });
  }
  EXPECT_EQ(covered, 6000);
  EXPECT_EQ(parallel.shareable(), 6 * 50'000);
}

}  // namespace
}  // namespace mullion
