// SPDX-License-Identifier: MIT
#include "operators/fused_elementwise.h"

#include <gtest/gtest.h>

#include <cmath>

#include "operators/registry.h"
#include "tests/devices/cpu/thread_parallel.h"
#include "tests/kernel_tester.h"

namespace mullion {
namespace {

using operators::ElementwiseOp;
using operators::ElementwiseProgram;
using operators::ElementwiseStep;

class FusedTester : public KernelTester {
 public:
  FusedTester() : KernelTester("FusedElementwise", 1, operators::kInternalDomain) {}

  void SetProgram(const ElementwiseProgram& program) {
    Graph graph;
    Node& node = graph.AddBareNode("", "", 1);
    operators::StoreProgram(program, node);
    for (const Attribute& attribute : node.attributes()) {
      SetAttribute(attribute.name, attribute.value);
    }
  }
};

std::vector<float> Waves(int64_t count, float scale) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = scale * std::sin(static_cast<float>(i) * 0.37f);
  }
  return values;
}

// y = (x * scale + bias) * sigmoid(x * scale + bias), with `scale` and `bias` of any shape that
// broadcasts to `shape`.
void ExpectScaledSwish(const Shape& shape, const Shape& scale_shape, const Shape& bias_shape) {
  FusedTester tester;
  const std::vector<float> x = Waves(shape.ElementCount(), 3);
  const std::vector<float> scale = Waves(scale_shape.ElementCount(), 2);
  const std::vector<float> bias = Waves(bias_shape.ElementCount(), 1);
  tester.AddInput<float>(shape, x);
  tester.AddInput<float>(scale_shape, scale);
  tester.AddInput<float>(bias_shape, bias);
  tester.SetProgram({{{ElementwiseOp::kMul}, 0, 1},
                     {{ElementwiseOp::kAdd}, 3, 2},
                     {{ElementwiseOp::kSigmoid}, 4},
                     {{ElementwiseOp::kMul}, 4, 5}});
  const Status status = tester.Run();
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(tester.OutputShape(0), shape);
  const auto source = [&](const Shape& of, int64_t i) {
    int64_t at = 0;
    int64_t stride = 1;
    for (int back = 0; back < of.rank(); ++back) {
      if (of.Back(back) != 1) at += i % shape.Back(back) * stride;
      i /= shape.Back(back);
      stride *= of.Back(back);
    }
    return static_cast<size_t>(at);
  };
  const std::vector<float> y = tester.Output<float>(0);
  for (size_t i = 0; i < y.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    const float z = x[i] * scale[source(scale_shape, at)] + bias[source(bias_shape, at)];
    ASSERT_NEAR(y[i], z / (1 + std::exp(-z)), 3e-6)
        << shape.ToString() << scale_shape.ToString() << bias_shape.ToString() << i;
  }
}

TEST(FusedElementwise, BroadcastsItsInputs) {
  ExpectScaledSwish({3, 5}, {3, 5}, {3, 5});
  ExpectScaledSwish({5000}, {}, {1});                // several tiles
  ExpectScaledSwish({7, 5, 64}, {64}, {1, 1, 1});    // a scale for each channel, channels last
  ExpectScaledSwish({2, 3, 40, 10}, {3, 1, 1}, {});  // channels first
  ExpectScaledSwish({2, 1500}, {2, 1}, {1500});      // runs longer than a tile
  ExpectScaledSwish({900, 3}, {3}, {900, 1});        // runs shorter than a vector
  ExpectScaledSwish({1}, {1}, {});
  ExpectScaledSwish({0, 4}, {4}, {});
}

TEST(FusedElementwise, SingleElementsStaySingle) {
  // Both operands of the first instruction stand for a whole row.
  FusedTester tester;
  tester.AddInput<float>({2, 1}, {4, 9});
  tester.AddInput<float>(Shape{}, {0.5f});
  tester.AddInput<float>({2, 300}, std::vector<float>(600, 10));
  tester.SetProgram({{{ElementwiseOp::kPow}, 0, 1}, {{ElementwiseOp::kSub}, 2, 3}});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(tester.Output<float>(0)[299], 8.0f);
  EXPECT_EQ(tester.Output<float>(0)[300], 7.0f);
}

TEST(FusedElementwise, ScalesAndShifts) {
  // By single elements in one walk, in any order of the operands; the product may have other
  // readers, and the sum may go on.
  const std::vector<float> x = Waves(2100, 3);
  const ElementwiseStep mul{ElementwiseOp::kMul}, add{ElementwiseOp::kAdd};
  const auto run = [&](const ElementwiseProgram& program, const Shape& shift, auto expected) {
    FusedTester tester;
    tester.AddInput<float>({3, 700}, x);
    tester.AddInput<float>(Shape{}, {1.5f});
    tester.AddInput<float>(shift, Waves(shift.ElementCount(), 2));
    tester.SetProgram(program);
    ASSERT_TRUE(tester.Run().ok());
    const std::vector<float> y = tester.Output<float>(0);
    const std::vector<float> shifts = Waves(shift.ElementCount(), 2);
    for (size_t i = 0; i < y.size(); ++i) {
      const size_t at = shift.rank() == 0 ? 0 : shift[1] == 1 ? i / 700 : i % 700;
      ASSERT_NEAR(y[i], expected(x[i], shifts[at]), 2e-6f) << shift.ToString() << i;
    }
  };
  for (const Shape& shift : {Shape{}, Shape{3, 1}, Shape{1, 700}}) {
    run({{mul, 0, 1}, {add, 3, 2}}, shift, [](float v, float s) { return 1.5f * v + s; });
    run({{mul, 1, 0}, {add, 2, 3}}, shift, [](float v, float s) { return 1.5f * v + s; });
    run({{mul, 0, 1}, {add, 3, 2}, {mul, 3, 4}}, shift,
        [](float v, float s) { return 1.5f * v * (1.5f * v + s); });
    run({{mul, 0, 1}, {add, 3, 2}, {mul, 0, 4}}, shift,
        [](float v, float s) { return v * (1.5f * v + s); });
    run({{mul, 0, 1}, {add, 3, 3}, {add, 4, 2}}, shift, [](float v, float s) { return 3 * v + s; });
    run({{mul, 0, 0}, {add, 3, 2}}, shift, [](float v, float s) { return v * v + s; });
    run({{mul, 1, 1}, {add, 3, 0}, {add, 4, 2}}, shift,
        [](float v, float s) { return 2.25f + v + s; });
  }
}

TEST(FusedElementwise, ManyLiveTemporaries) {
  // The results of ten instructions are all read at the end, in the order they were made.
  ElementwiseProgram program;
  for (int i = 0; i < 10; ++i) {
    program.push_back({{ElementwiseOp::kLeakyRelu, static_cast<float>(i)}, 0});
  }
  program.push_back({{ElementwiseOp::kAdd}, 1, 2});
  for (int i = 3; i <= 10; ++i) program.push_back({{ElementwiseOp::kAdd}, i + 8, i});
  FusedTester tester;
  tester.AddInput<float>({3}, {-1, 2, -3});
  tester.SetProgram(program);
  const Status status = tester.Run();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(tester.Output<float>(0), std::vector<float>({-45, 20, -135}));
}

TEST(FusedElementwise, ThreadsChangeNothing) {
  const Shape shape{64, 33, 17};
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 3}) {
    cpu::ThreadParallel parallel(threads);
    FusedTester tester;
    tester.SetParallel(&parallel);
    tester.AddInput<float>(shape, Waves(shape.ElementCount(), 3));
    tester.AddInput<float>({33, 1}, Waves(33, 2));
    tester.SetProgram({{{ElementwiseOp::kMul}, 0, 1}, {{ElementwiseOp::kGelu}, 2}});
    ASSERT_TRUE(tester.Run().ok());
    results.push_back(tester.Output<float>(0));
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST(FusedElementwise, RefusesBrokenPrograms) {
  FusedTester forward;
  forward.AddInput<float>({1}, {1});
  forward.SetProgram({{{ElementwiseOp::kAdd}, 0, 1}});  // reads its own result
  EXPECT_FALSE(forward.Run().ok());
  FusedTester empty;
  empty.AddInput<float>({1}, {1});
  empty.SetProgram({});
  EXPECT_FALSE(empty.Run().ok());
}

}  // namespace
}  // namespace mullion
