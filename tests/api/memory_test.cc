// SPDX-License-Identifier: MIT
// What a process keeps: nothing of what was closed, and no more after many sizes than after some.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <random>

#include "api/count_allocations.h"
#include "api/fixtures.h"
#include "api/onnx_builder.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MULLION_SANITIZED 1
#else
#define MULLION_SANITIZED 0
#endif

namespace mullion::test {
namespace {

// A chain that needs memory for several results, some at once.
std::string Chain(const std::vector<Dim>& dims) {
  ModelBuilder builder;
  const Message type = TensorType(1, dims);
  builder.Input("x", type);
  builder.Node("Softmax", {"x"}, {"a"}, {{"axis", 1}});
  builder.Node("Transpose", {"a"}, {"b"});
  builder.Node("Softmax", {"b"}, {"c"}, {{"axis", 1}});
  builder.Node("MatMul", {"a", "c"}, {"d"});
  builder.Node("Add", {"d", "d"}, {"y"});
  builder.Output("y", TensorType(1, {"n", "n"}));
  return builder.Build();
}

TensorFloat Square(int64_t n) { return TensorFloat::Create({n, n}); }

TEST(MemoryTest, ManyThreadsAllocateNothingWhenAllIsBound) {
  LearningModelSessionOptions options;
  options.Threads(4);
  const LearningModelSession session(Load(Chain({"n", "n"})),
                                     LearningModelDevice(LearningModelDeviceKind::Cpu), options);
  LearningModelBinding binding(session);
  binding.Bind("x", Square(300));
  binding.Bind("y", Square(300));
  for (int i = 0; i < 8; ++i) session.Run(binding);  // the pool learns what is worth sharing
  const int64_t before = CountAllocations();
  for (int i = 0; i < 50; ++i) session.Run(binding);
  EXPECT_EQ(CountAllocations(), before);
}

#if defined(__linux__) && !MULLION_SANITIZED

double ResidentMib() {
  long total = 0;
  long resident = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file != nullptr && std::fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
  if (file != nullptr) std::fclose(file);
  return static_cast<double>(resident * sysconf(_SC_PAGESIZE)) / 1048576;
}

void RunOnce(const LearningModelSession& session, int64_t n) {
  LearningModelBinding binding(session);
  binding.Bind("x", Square(n));
  session.Run(binding);
}

TEST(MemoryTest, ClosedSessionsGiveTheirMemoryBack) {
  const std::string model = Chain({"n", "n"});
  { RunOnce(Open(model), 1024); }  // what a process pays once
  const double before = ResidentMib();
  for (int i = 0; i < 10; ++i) {
    const LearningModelSession session = Open(model);
    RunOnce(session, 1024);  // some 12 MiB of results
    session.Close();
  }
  EXPECT_LT(ResidentMib(), before + 4);
}

TEST(MemoryTest, MixedSizesDoNotAddUp) {
  const LearningModelSession session = Open(Chain({"n", "n"}));
  std::mt19937 random(1);
  const auto run = [&](int times) {
    for (int i = 0; i < times; ++i) RunOnce(session, 1 + random() % 50 * 4);
  };
  run(500);
  const double before = ResidentMib();
  run(2000);
  EXPECT_LT(ResidentMib(), before + 2);
}

TEST(MemoryTest, SmallSizesInTheEndGiveTheLargeOnesMemoryBack) {
  const LearningModelSession session = Open(Chain({"n", "n"}));
  for (int n = 1; n <= 40; ++n) RunOnce(session, n);
  const double before = ResidentMib();
  RunOnce(session, 2048);  // 64 MiB of results
  for (int n = 1; n <= 40; ++n) RunOnce(session, n);
  EXPECT_LT(ResidentMib(), before + 24);
}

#endif

}  // namespace
}  // namespace mullion::test
