// SPDX-License-Identifier: MIT
#include "tests/devices/cpu/quantized_case.h"

namespace mullion::cpu {
namespace {

TEST(QlinearSoftmax, OfBothTypes) {
  QuantizedCase u("QLinearSoftmax");
  u.Set("opset", int64_t{13});
  u.Add(TensorOf<uint8_t>({2, 4}, {10, 20, 30, 40, 255, 255, 255, 0}));
  u.AddScale<uint8_t>(0.1f, 9);
  u.AddScale<uint8_t>(1.0f / 256, 0);
  ExpectOnEveryLevel<uint8_t>(u, {2, 4}, {8, 22, 61, 165, 85, 85, 85, 0});
  QuantizedCase s("QLinearSoftmax");
  s.Set("opset", int64_t{13});
  s.Set("axis", int64_t{0});
  s.Add(TensorOf<int8_t>({4, 1}, {-128, -100, -90, -80}));
  s.AddScale<int8_t>(0.1f, 9);
  s.AddScale<int8_t>(1.0f / 256, -128);
  ExpectOnEveryLevel<int8_t>(s, {4, 1}, {-127, -105, -66, 41});
}

TEST(QlinearSoftmax, BeforeOpset13AxesAreOneFromTheFirstOn) {
  QuantizedCase c("QLinearSoftmax");
  c.Set("opset", int64_t{12});
  c.Add(TensorOf<uint8_t>({1, 2, 2}, {10, 20, 30, 40}));
  c.AddScale<uint8_t>(0.1f, 9);
  c.AddScale<uint8_t>(1.0f / 256, 0);
  ExpectOnEveryLevel<uint8_t>(c, {1, 2, 2}, {69, 187, 69, 187});
  c.Set("axis", int64_t{1});
  ExpectOnEveryLevel<uint8_t>(c, {1, 2, 2}, {8, 22, 61, 165});
}

// One is 256 steps, which no byte can hold.
TEST(QlinearSoftmax, ClampsCertainty) {
  QuantizedCase u("QLinearSoftmax");
  u.Add(TensorOf<uint8_t>({3, 1}, {0, 100, 255}));
  u.AddScale<uint8_t>(0.1f, 9);
  u.AddScale<uint8_t>(1.0f / 256, 0);
  ExpectOnEveryLevel<uint8_t>(u, {3, 1}, {255, 255, 255});
  QuantizedCase s("QLinearSoftmax");
  s.Add(TensorOf<int8_t>({2}, {-128, 127}));
  s.AddScale<int8_t>(1, 0);
  s.AddScale<int8_t>(1.0f / 256, -128);
  ExpectOnEveryLevel<int8_t>(s, {2}, {-128, 127});
}

TEST(QlinearSoftmax, IsWithinAStepOfTheExactResult) {
  std::mt19937 random(8);
  for (const auto& [shape, axis] : {std::pair{Shape{5, 300}, 1},
                                    {Shape{2, 9, 5}, 1},
                                    {Shape{300, 3}, 0},
                                    {Shape{1, 255}, 1},
                                    {Shape{7, 256}, 1}}) {
    SCOPED_TRACE(shape.ToString());
    QuantizedCase c("QLinearSoftmax");
    c.Set("axis", int64_t{axis});
    c.Add(RandomBytes<uint8_t>(shape, random));
    c.AddScale<uint8_t>(0.03f, 9);
    c.AddScale<uint8_t>(1.0f / 1024, 3);
    const std::vector<uint8_t> x = ValuesOf<uint8_t>(c.inputs[0]);
    const std::vector<Tensor> outputs = c.Run();
    ASSERT_EQ(outputs.size(), 1u);
    const std::vector<uint8_t> y = ValuesOf<uint8_t>(outputs[0]);
    const int64_t inner = shape.Product(axis + 1, shape.rank());
    for (int64_t i = 0; i < shape.ElementCount(); ++i) {
      const int64_t first = i / (shape[axis] * inner) * shape[axis] * inner + i % inner;
      double sum = 0;
      for (int64_t k = 0; k < shape[axis]; ++k) {
        const int other = x[static_cast<size_t>(first + k * inner)];
        sum += std::exp(0.03 * (other - x[static_cast<size_t>(i)]));
      }
      const double exact = std::fmin(1024 / sum + 3, 255);
      EXPECT_LT(std::abs(y[static_cast<size_t>(i)] - exact), 0.501) << "element " << i;
    }
    ExpectOnEveryLevel<uint8_t>(c, shape, y);
  }
}

TEST(QlinearSoftmax, RefusesAnAxisOutsideTheRank) {
  QuantizedCase c("QLinearSoftmax");
  c.Set("axis", int64_t{2});
  c.Add(TensorOf<uint8_t>({1, 2}, {1, 2}));
  c.AddScale<uint8_t>(1, 0);
  c.AddScale<uint8_t>(1, 0);
  EXPECT_NE(c.RunError().find("axis 2 is outside the rank"), std::string::npos);
}

}  // namespace
}  // namespace mullion::cpu
