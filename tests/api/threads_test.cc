// SPDX-License-Identifier: MIT
// Several threads on one session, asynchronous evaluation, cancellation, steady-state allocation.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "api/count_allocations.h"
#include "api/fixtures.h"
#include "api/onnx_builder.h"

namespace mullion::test {
namespace {

using Floats = std::vector<float>;

TEST(RunTest, AllocatesNothingWhenAllIsBound) {
  const LearningModelSession session = Open(AddModel({"n"}));
  LearningModelBinding binding(session);
  binding.Bind("x", Floats{1, 2, 3});
  binding.Bind("y", Floats{1, 1, 1});
  const TensorFloat z = TensorFloat::Create({3});
  binding.Bind("z", z);
  for (int i = 0; i < 3; ++i) session.Run(binding);
  const int64_t before = CountAllocations();
  EXPECT_GT(before, 0);
  for (int i = 0; i < 100; ++i) session.Run(binding);
  EXPECT_EQ(CountAllocations(), before);
  EXPECT_EQ(z.GetAsVectorView(), (Floats{2, 3, 4}));
}

TEST(ThreadsTest, OneSessionServesMany) {
  const LearningModelSession session = Open(AddModel({"n"}));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      LearningModelBinding binding(session);
      for (int i = 1; i <= 200; ++i) {
        const auto n = static_cast<size_t>(1 + (i + t) % 5);
        const Floats x(n, static_cast<float>(i));
        binding.Bind("x", x);
        binding.Bind("y", Floats(n, static_cast<float>(t)));
        const auto z = session.Evaluate(binding).Outputs().Lookup("z").as<TensorFloat>();
        wrong += z.GetAsVectorView() == Floats(n, static_cast<float>(i + t)) ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST(ThreadsTest, ClosingWhileOthersEvaluate) {
  const LearningModelSession session = Open(AddModel({64}));
  std::vector<std::future<bool>> done;
  for (int t = 0; t < 3; ++t) {
    done.push_back(std::async(std::launch::async, [&] {
      LearningModelBinding binding(session);
      binding.Bind("x", TensorFloat::Create({64}));
      binding.Bind("y", TensorFloat::Create({64}));
      try {
        for (;;) session.Run(binding);
      } catch (const Error& error) {
        return error.code() == ErrorCode::Closed;
      }
    }));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  session.Close();
  for (std::future<bool>& closed : done) {
    // A thread that had not even bound anything yet throws from there.
    try {
      EXPECT_TRUE(closed.get());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Closed);
    }
  }
}

TEST(EvaluateAsyncTest, GivesAFuture) {
  std::future<LearningModelEvaluationResult> future;
  {
    const LearningModelSession session = Open(AddModel({1}));
    LearningModelBinding binding(session);
    binding.Bind("x", 1.0f);
    binding.Bind("y", 2.0f);
    future = session.EvaluateAsync(binding, "later");
  }
  const auto result = future.get();
  EXPECT_EQ(result.CorrelationId(), "later");
  EXPECT_EQ(result.Outputs().Lookup("z").as<TensorFloat>().data()[0], 3.0f);
}

TEST(EvaluateAsyncTest, FailuresComeOutOfTheFuture) {
  const LearningModelSession session = Open(AddModel({1}));
  const LearningModelBinding binding(session);
  auto future = session.EvaluateAsync(binding);
  EXPECT_EQ(Failure([&] { future.get(); }).substr(0, 14), "InvalidBinding");
}

TEST(CancellationTest, StopsEvaluations) {
  const LearningModelSession session = Open(AddModel({1}));
  LearningModelBinding binding(session);
  binding.Bind("x", 1.0f);
  binding.Bind("y", 2.0f);
  const EvaluationCancellation cancellation;
  EXPECT_FALSE(cancellation.IsCancelled());
  session.Run(binding, cancellation);
  cancellation.Cancel();
  EXPECT_EQ(Failure([&] { session.Run(binding, cancellation); }),
            "Cancelled: the evaluation was cancelled");
  EXPECT_EQ(Failure([&] { session.Evaluate(binding, "", cancellation); }).substr(0, 9),
            "Cancelled");
  session.Run(binding);  // without it all is as before
}

TEST(CancellationTest, StopsFromAnotherThread) {
  // A chain long enough that the cancelling thread comes in between.
  ModelBuilder builder;
  const Message type = TensorType(1, {4096, 1024});
  builder.Input("v0", type);
  std::string last = "v0";
  for (int i = 1; i <= 200; ++i) {
    const std::string next = "v" + std::to_string(i);
    builder.Node(i % 2 == 0 ? "Erf" : "Tanh", {last}, {next});
    last = next;
  }
  builder.Output(last, type);
  const LearningModelSession session = Open(builder.Build());
  LearningModelBinding binding(session);
  binding.Bind("v0", TensorFloat::Create({4096, 1024}));
  const EvaluationCancellation cancellation;
  auto future = session.EvaluateAsync(binding, "", cancellation);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  cancellation.Cancel();
  EXPECT_EQ(Failure([&] { future.get(); }).substr(0, 9), "Cancelled");
}

}  // namespace
}  // namespace mullion::test
