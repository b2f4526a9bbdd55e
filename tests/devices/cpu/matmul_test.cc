// SPDX-License-Identifier: MIT
// MatMul and Gemm as operators: the float kernels against the plain double ones, worked examples,
// and the messages of what cannot be.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/devices/cpu/operator_case.h"

namespace mullion::cpu {
namespace {

void CheckMatmul(const Shape& left, const Shape& right, std::mt19937& random) {
  SCOPED_TRACE(testing::Message() << left.ToString() << " x " << right.ToString());
  OperatorCase c;
  c.name = "MatMul";
  c.opset = 13;
  c.inputs = {RandomTensor(left, random), RandomTensor(right, random)};
  for (const bool constant : {false, true}) {
    c.constant_parameters = constant;
    ExpectAgreement(c, 1e-4);
  }
}

TEST(Matmul, AgreesWithDouble) {
  std::mt19937 random(1);
  CheckMatmul({7, 9}, {9, 33}, random);
  CheckMatmul({64, 48}, {48, 64}, random);
  CheckMatmul({9}, {9}, random);
  CheckMatmul({9}, {9, 5}, random);
  CheckMatmul({5, 9}, {9}, random);
  CheckMatmul({3, 5, 9}, {9}, random);
  CheckMatmul({3, 5, 9}, {9, 1}, random);
  CheckMatmul({2, 3, 5, 9}, {9, 17}, random);
  CheckMatmul({2, 3, 5, 9}, {2, 3, 9, 17}, random);
  CheckMatmul({2, 1, 5, 9}, {3, 9, 17}, random);
  CheckMatmul({5, 9}, {4, 9, 16}, random);
  CheckMatmul({40, 1, 9}, {40, 9, 1}, random);
  CheckMatmul({1, 5, 9}, {1, 1, 9, 17}, random);
}

TEST(Matmul, TakesEmptyOperands) {
  std::mt19937 random(2);
  CheckMatmul({0, 9}, {9, 5}, random);
  CheckMatmul({3, 0}, {0, 5}, random);
  CheckMatmul({3, 9}, {9, 0}, random);
  CheckMatmul({0, 3, 9}, {9, 5}, random);
}

TEST(Matmul, MultipliesIntegersThatWrapAround) {
  OperatorCase c;
  c.name = "MatMul";
  c.opset = 13;
  const std::vector<int32_t> left{1, 2, 1 << 30, 4};
  const std::vector<int32_t> right{5, 6, 7, 8};
  c.inputs = {Tensor::FromSpan<int32_t>({2, 2}, left), Tensor::FromSpan<int32_t>({2, 2}, right)};
  const Tensor out = c.Run()[0];
  const std::vector<int32_t> expected{19, 22, (1 << 30) + 28, INT32_MIN + 32};
  EXPECT_EQ(std::vector<int32_t>(out.span<int32_t>().begin(), out.span<int32_t>().end()), expected);
}

// Neither what is not finite nor rounding: a sample's result does not hang on its neighbours.
TEST(Matmul, KeepsSamplesOfABatchApart) {
  std::mt19937 random(23);
  constexpr int64_t kRows = 64, kDepth = 256, kColumns = 256;
  for (const char* const name : {"MatMul", "Gemm"}) {
    SCOPED_TRACE(name);
    OperatorCase c;
    c.name = name;
    c.opset = 13;
    c.constant_parameters = true;
    c.inputs = {RandomTensor({kRows, kDepth}, random), RandomTensor({kDepth, kColumns}, random)};
    const std::vector<float> before = Floats(c.Run()[0]);
    static_cast<float*>(c.inputs[0].mutable_data())[7 * kDepth] =
        std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> after = Floats(c.Run()[0]);
    for (int64_t i = 0; i < kRows * kColumns; ++i) {
      const auto at = static_cast<size_t>(i);
      if (i / kColumns == 7) {
        EXPECT_TRUE(std::isnan(after[at]));
      } else {
        ASSERT_EQ(after[at], before[at]) << i;
      }
    }
  }
}

TEST(Matmul, AddsBiasAndActivation) {
  std::mt19937 random(3);
  for (const int64_t columns : {1, 21}) {
    OperatorCase c;
    c.name = "MatMul";
    c.opset = 13;
    c.inputs = {RandomTensor({2, 4, 6}, random), RandomTensor({6, columns}, random)};
    const std::vector<float> plain = Floats(c.Run()[0]);
    c.inputs.push_back(RandomTensor({columns}, random));
    c.Set("fused_activation", std::string("Clip"));
    c.Set("fused_alpha", -1.0f);
    c.Set("fused_beta", 2.0f);
    for (const bool constant : {false, true}) {
      c.constant_parameters = constant;
      const std::vector<float> out = Floats(c.Run()[0]);
      ASSERT_EQ(out.size(), plain.size());
      for (size_t i = 0; i < out.size(); ++i) {
        const float bias = Floats(c.inputs[2])[i % static_cast<size_t>(columns)];
        EXPECT_NEAR(out[i], std::min(std::max(plain[i] + bias, -1.0f), 2.0f), 1e-5f);
      }
    }
  }
}

TEST(Matmul, SaysWhatIsWrong) {
  std::mt19937 random(4);
  OperatorCase c;
  c.name = "MatMul";
  c.opset = 13;
  c.inputs = {RandomTensor({2, 3}, random), RandomTensor({4, 5}, random)};
  EXPECT_NE(c.RunError().find("[2,3] and [4,5]"), std::string::npos) << c.RunError();
}

TEST(Gemm, AgreesWithDouble) {
  std::mt19937 random(5);
  const std::vector<Shape> added{{}, {1}, {23}, {1, 23}, {7, 1}, {7, 23}};
  for (int i = 0; i < 60; ++i) {
    OperatorCase c;
    c.name = "Gemm";
    c.opset = 13;
    const bool left_transposed = random() % 2 == 0;
    const bool right_transposed = random() % 2 == 0;
    c.inputs = {RandomTensor(left_transposed ? Shape{11, 7} : Shape{7, 11}, random),
                RandomTensor(right_transposed ? Shape{23, 11} : Shape{11, 23}, random)};
    if (random() % 4 != 0) c.inputs.push_back(RandomTensor(added[random() % added.size()], random));
    c.Set("transA", int64_t{left_transposed});
    c.Set("transB", int64_t{right_transposed});
    if (random() % 2 == 0) c.Set("alpha", 0.5f);
    if (random() % 2 == 0) c.Set("beta", 2.0f);
    c.constant_parameters = random() % 2 == 0;
    SCOPED_TRACE(testing::Message() << "case " << i);
    ExpectAgreement(c, 1e-4);
  }
}

TEST(Gemm, MultipliesOneRowByATransposedMatrix) {
  std::mt19937 random(6);
  OperatorCase c;
  c.name = "Gemm";
  c.opset = 13;
  c.inputs = {RandomTensor({1, 50}, random), RandomTensor({70, 50}, random),
              RandomTensor({1, 1}, random)};
  c.Set("transB", int64_t{1});
  ExpectAgreement(c, 1e-4);
}

TEST(Gemm, TakesOldForms) {
  OperatorCase c;
  c.name = "Gemm";
  c.opset = 6;
  c.inputs = {FloatTensor({1, 2}, {1, 2}), FloatTensor({2, 2}, {3, 4, 5, 6}),
              FloatTensor({2}, {10, 20})};
  c.Set("broadcast", int64_t{1});
  EXPECT_EQ(Floats(c.Run()[0]), (std::vector<float>{23, 36}));
}

TEST(Gemm, SaysWhatIsWrong) {
  std::mt19937 random(7);
  OperatorCase c;
  c.name = "Gemm";
  c.opset = 13;
  c.inputs = {RandomTensor({2, 3}, random), RandomTensor({4, 5}, random)};
  EXPECT_NE(c.RunError().find("3 long but the columns of the second 4"), std::string::npos)
      << c.RunError();
  c.inputs = {RandomTensor({2, 3}, random), RandomTensor({3, 5}, random),
              RandomTensor({3}, random)};
  EXPECT_NE(c.RunError().find("must broadcast to the output's shape [2,5]"), std::string::npos)
      << c.RunError();
}

}  // namespace
}  // namespace mullion::cpu
