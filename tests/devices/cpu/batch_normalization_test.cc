// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cmath>

#include "tests/devices/cpu/operator_case.h"

namespace mullion::cpu {
namespace {

// Positive numbers, as variances are.
Tensor Variances(const Shape& shape, std::mt19937& random) {
  std::vector<float> values = Floats(RandomTensor(shape, random));
  for (float& value : values) value = std::abs(value) + 0.1f;
  return FloatTensor(shape, values);
}

OperatorCase Case(int opset, const Shape& input, const Shape& parameters, std::mt19937& random) {
  OperatorCase c;
  c.name = "BatchNormalization";
  c.opset = opset;
  c.inputs = {RandomTensor(input, random), RandomTensor(parameters, random),
              RandomTensor(parameters, random), RandomTensor(parameters, random),
              Variances(parameters, random)};
  return c;
}

TEST(BatchNormalization, AgreesWithDoubleInBothLayouts) {
  std::mt19937 random(1);
  for (const Shape& shape :
       {Shape{2, 37, 9, 7}, Shape{1, 3, 200}, Shape{2, 16, 3, 4, 5}, Shape{1, 64, 60, 60}}) {
    for (const bool constant : {false, true}) {
      SCOPED_TRACE(testing::Message() << shape.ToString() << (constant ? " constant" : ""));
      OperatorCase c = Case(15, shape, Shape{shape[1]}, random);
      c.constant_parameters = constant;
      ExpectAgreement(c, 1e-5, true);
    }
  }
}

TEST(BatchNormalization, TakesMatricesAndVectors) {
  std::mt19937 random(2);
  ExpectAgreement(Case(15, Shape{5, 33}, Shape{33}, random), 1e-5);
  ExpectAgreement(Case(15, Shape{7}, Shape{1}, random), 1e-5);
}

TEST(BatchNormalization, TrainsInBothLayouts) {
  std::mt19937 random(3);
  for (const Shape& shape : {Shape{3, 5, 4, 6}, Shape{2, 40, 50, 30}}) {
    OperatorCase c = Case(15, shape, Shape{shape[1]}, random);
    c.Set("training_mode", int64_t{1});
    c.Set("momentum", 0.7f);
    c.output_count = 3;
    ExpectAgreement(c, 1e-4, true);
  }
}

TEST(BatchNormalization, MovesRunningStatistics) {
  OperatorCase c;
  c.name = "BatchNormalization";
  c.opset = 15;
  c.inputs = {FloatTensor({2, 1}, {1, 3}), FloatTensor({1}, {1}), FloatTensor({1}, {0}),
              FloatTensor({1}, {10}), FloatTensor({1}, {5})};
  c.Set("training_mode", int64_t{1});
  c.Set("momentum", 0.75f);
  c.output_count = 3;
  const std::vector<Tensor> outputs = c.Run();
  EXPECT_NEAR(Floats(outputs[0])[1], 1 / std::sqrt(1 + 1e-5f), 1e-6f);
  EXPECT_EQ(Floats(outputs[1])[0], 8);  // 10 * 0.75 + 2 * 0.25
  EXPECT_EQ(Floats(outputs[2])[0], 4);  // 5 * 0.75 + 1 * 0.25
}

TEST(BatchNormalization, UpgradesFromOpsetSix) {
  std::mt19937 random(4);
  OperatorCase c = Case(15, Shape{2, 3, 4, 5}, Shape{3}, random);
  const Tensor expected = c.Run()[0];
  c.opset = 6;
  c.Set("is_test", int64_t{1});
  c.Set("spatial", int64_t{1});
  ExpectClose(c.Run()[0], expected, 0);
}

TEST(BatchNormalization, HasStatisticsForEachElementWhereOldModelsSaySo) {
  OperatorCase c;
  c.name = "BatchNormalization";
  c.opset = 7;
  c.Set("spatial", int64_t{0});
  c.Set("epsilon", 0.0f);
  const Shape one{2, 2};
  c.inputs = {FloatTensor({1, 2, 2}, {1, 2, 3, 4}), FloatTensor(one, {1, 10, 100, 1000}),
              FloatTensor(one, {0, 1, 2, 3}), FloatTensor(one, {1, 1, 1, 1}),
              FloatTensor(one, {1, 1, 1, 1})};
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>({0, 11, 202, 3003}));
}

TEST(BatchNormalization, RefusesParametersOfAnotherLength) {
  std::mt19937 random(5);
  const OperatorCase c = Case(15, Shape{2, 3, 4}, Shape{4}, random);
  EXPECT_NE(c.RunError().find("has 3 channels"), std::string::npos) << c.RunError();
}

}  // namespace
}  // namespace mullion::cpu
