// SPDX-License-Identifier: MIT
// InstanceNormalization, GroupNormalization, LayerNormalization and relatives, LRN, LpNormalization
// and MeanVarianceNormalization.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/operator_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(const char* name, int opset, std::vector<Tensor> inputs) {
  OperatorCase c;
  c.name = name;
  c.opset = opset;
  c.inputs = std::move(inputs);
  return c;
}

// The reference in double knows channels first only.
void ExpectAgreementInBothLayouts(const OperatorCase& c, double tolerance) {
  ExpectAgreement(c, tolerance);
  const Tensor expected = c.RunInDouble()[0];
  ExpectClose(c.RunChannelsLast(1)[0], expected, tolerance);
  ExpectClose(c.RunChannelsLast(3)[0], expected, tolerance);
}

TEST(InstanceNormalization, AgreesWithDoubleInBothLayouts) {
  std::mt19937 random(1);
  for (const Shape& shape : {Shape{2, 19, 9, 7}, Shape{1, 3, 200}, Shape{1, 32, 120, 100}}) {
    SCOPED_TRACE(shape.ToString());
    const Shape channels{shape[1]};
    ExpectAgreementInBothLayouts(Case("InstanceNormalization", 6,
                                      {RandomTensor(shape, random), RandomTensor(channels, random),
                                       RandomTensor(channels, random)}),
                                 1e-4);
  }
}

TEST(InstanceNormalization, KeepsItsAccuracyFarFromZero) {
  std::mt19937 random(2);
  std::vector<float> values = Floats(RandomTensor({1, 2, 100, 100}, random));
  for (float& value : values) value += 1000;
  ExpectAgreementInBothLayouts(Case("InstanceNormalization", 6,
                                    {FloatTensor({1, 2, 100, 100}, values),
                                     FloatTensor({2}, {1, 1}), FloatTensor({2}, {0, 0})}),
                               2e-3);
}

// What the optimizer folds in: a residual, then an activation (see operators/epilogue.h).
TEST(InstanceNormalization, AddsAResidualAndActivates) {
  std::mt19937 random(7);
  for (const Shape& shape : {Shape{2, 19, 9, 7}, Shape{1, 3, 5000}, Shape{1, 32, 60, 50}}) {
    SCOPED_TRACE(shape.ToString());
    const Shape channels{shape[1]};
    OperatorCase c = Case("InstanceNormalization", 6,
                          {RandomTensor(shape, random), RandomTensor(channels, random),
                           RandomTensor(channels, random)});
    std::vector<float> expected = Floats(c.RunInDouble()[0]);
    const Tensor residual = RandomTensor(shape, random);
    const std::vector<float> added = Floats(residual);
    for (size_t i = 0; i < expected.size(); ++i) {
      expected[i] = std::max(expected[i] + added[i], 0.0f);
    }
    const Tensor wanted = FloatTensor(shape, expected);
    c.inputs.push_back(residual);
    c.Set("fused_activation", std::string("Relu"));
    for (const int threads : {1, 3}) {
      ExpectClose(c.Run(threads)[0], wanted, 1e-4);
      c.inputs[3] = ToChannelsLast(residual);
      ExpectClose(c.RunChannelsLast(threads)[0], wanted, 1e-4);
      c.inputs[3] = residual;
    }
  }
}

TEST(GroupNormalization, AgreesWithDoubleInBothLayouts) {
  std::mt19937 random(3);
  for (const int64_t groups : {1, 2, 6, 12}) {
    OperatorCase c = Case("GroupNormalization", 21,
                          {RandomTensor({2, 12, 9, 7}, random), RandomTensor({12}, random),
                           RandomTensor({12}, random)});
    c.Set("num_groups", groups);
    ExpectAgreementInBothLayouts(c, 1e-4);
  }
}

TEST(GroupNormalization, HasOneScaleForEachGroupInOpsetEighteen) {
  std::mt19937 random(4);
  const Tensor input = RandomTensor({1, 4, 3, 5}, random);
  OperatorCase old =
      Case("GroupNormalization", 18, {input, FloatTensor({2}, {2, 3}), FloatTensor({2}, {4, 5})});
  old.Set("num_groups", int64_t{2});
  OperatorCase now = Case("GroupNormalization", 21,
                          {input, FloatTensor({4}, {2, 2, 3, 3}), FloatTensor({4}, {4, 4, 5, 5})});
  now.Set("num_groups", int64_t{2});
  ExpectClose(old.Run()[0], now.Run()[0], 0);
  ExpectClose(old.RunChannelsLast()[0], now.Run()[0], 1e-5);
}

TEST(GroupNormalization, RefusesGroupsThatDoNotDivideTheChannels) {
  OperatorCase c = Case(
      "GroupNormalization", 21,
      {FloatTensor({1, 3}, {1, 2, 3}), FloatTensor({3}, {1, 1, 1}), FloatTensor({3}, {0, 0, 0})});
  c.Set("num_groups", int64_t{2});
  EXPECT_NE(c.RunError().find("do not divide into 2 groups"), std::string::npos);
}

TEST(LayerNormalization, AgreesWithDouble) {
  std::mt19937 random(5);
  for (const int64_t n : {1, 5, 16, 37, 768}) {
    for (const bool has_bias : {false, true}) {
      SCOPED_TRACE(n);
      OperatorCase c = Case("LayerNormalization", 17,
                            {RandomTensor({3, 20, n}, random), RandomTensor({n}, random)});
      if (has_bias) c.inputs.push_back(RandomTensor({n}, random));
      ExpectAgreement(c, 1e-4);
    }
  }
}

TEST(LayerNormalization, BroadcastsItsScaleInEveryWay) {
  std::mt19937 random(6);
  for (const Shape& scale : {Shape{}, Shape{1}, Shape{4, 5}, Shape{5}, Shape{4, 1}, Shape{3, 4, 5},
                             Shape{3, 1, 5}, Shape{2, 1, 1, 5}, Shape{2, 3, 1, 1}}) {
    SCOPED_TRACE(scale.ToString());
    OperatorCase c = Case("LayerNormalization", 17,
                          {RandomTensor({2, 3, 4, 5}, random), RandomTensor(scale, random)});
    c.Set("axis", int64_t{2});
    // Scaling after the fact must give the same.
    OperatorCase plain = c;
    plain.inputs[1] = FloatTensor({1}, {1});
    OperatorCase all = c;
    std::vector<float> spread(120);
    std::array<int64_t, 4> dims{2, 3, 4, 5};
    for (int64_t i = 0; i < 120; ++i) {
      int64_t rest = i, at = 0, stride = 1;
      for (int a = 3; a >= 0; --a) {
        const int back = 3 - a;
        const int64_t position = rest % dims[static_cast<size_t>(a)];
        rest /= dims[static_cast<size_t>(a)];
        const int64_t dim = back < scale.rank() ? scale.Back(back) : 1;
        at += dim == 1 ? 0 : position * stride;
        stride *= dim;
      }
      spread[static_cast<size_t>(i)] = c.inputs[1].span<float>()[static_cast<size_t>(at)];
    }
    std::vector<float> expected = Floats(plain.Run()[0]);
    for (size_t i = 0; i < expected.size(); ++i) expected[i] *= spread[i];
    ExpectClose(c.Run(1)[0], FloatTensor({2, 3, 4, 5}, expected), 1e-6);
    ExpectClose(c.Run(3)[0], FloatTensor({2, 3, 4, 5}, expected), 1e-6);
  }
}

TEST(LayerNormalization, GivesItsStatistics) {
  OperatorCase c =
      Case("LayerNormalization", 17, {FloatTensor({2, 2}, {1, 3, 5, 5}), FloatTensor({2}, {1, 1})});
  c.Set("epsilon", 0.25f);
  c.output_count = 3;
  const std::vector<Tensor> outputs = c.Run();
  EXPECT_EQ(Floats(outputs[1]), std::vector<float>({2, 5}));
  EXPECT_EQ(Floats(outputs[2]), std::vector<float>({1 / std::sqrt(1.25f), 2}));
  EXPECT_EQ(outputs[1].shape().ToString(), "[2,1]");
}

TEST(RootMeanSquareNormalization, AgreesWithDouble) {
  std::mt19937 random(7);
  for (const int64_t n : {3, 16, 512}) {
    const std::vector<Tensor> inputs = {RandomTensor({7, n}, random), RandomTensor({n}, random)};
    ExpectAgreement(Case("RMSNormalization", 23, inputs), 1e-5);
    OperatorCase c = Case("SimplifiedLayerNormalization", 1, inputs);
    c.output_count = 2;
    ExpectAgreement(c, 1e-5);
  }
}

TEST(LayerNormalization, RefusesAScaleThatDoesNotFit) {
  const OperatorCase c =
      Case("LayerNormalization", 17, {FloatTensor({1, 3}, {1, 2, 3}), FloatTensor({2}, {1, 1})});
  EXPECT_NE(c.RunError().find("must broadcast to"), std::string::npos);
}

TEST(Lrn, AgreesWithDoubleInBothLayouts) {
  std::mt19937 random(8);
  for (const int64_t size : {1, 2, 3, 5, 100}) {
    OperatorCase c = Case("LRN", 13, {RandomTensor({2, 20, 9, 31}, random)});
    c.Set("size", size);
    c.Set("alpha", 0.5f);
    c.Set("bias", 2.0f);
    SCOPED_TRACE(size);
    ExpectAgreement(c, 1e-5, true);
  }
}

TEST(Lrn, OfDoublesEqualsItsFormulaInBothLayouts) {
  std::mt19937 random(10);
  std::uniform_real_distribution<double> number(-3, 3);
  std::vector<double> x(2 * 7 * 45);
  for (double& value : x) value = number(random);
  OperatorCase c =
      Case("LRN", 13, {Tensor::FromSpan<double>({2, 7, 9, 5}, std::span<const double>(x))});
  c.Set("size", int64_t{3});
  c.Set("alpha", 0.75f);
  for (const bool last : {false, true}) {
    const Tensor y = last ? c.RunChannelsLast(2)[0] : c.Run()[0];
    for (size_t i = 0; i < x.size(); ++i) {
      const size_t channel = i / 45 % 7;
      double sum = x[i] * x[i];
      if (channel > 0) sum += x[i - 45] * x[i - 45];
      if (channel < 6) sum += x[i + 45] * x[i + 45];
      ASSERT_NEAR(y.span<double>()[i], x[i] * std::pow(1 + 0.25 * sum, -0.75), 1e-14);
    }
  }
}

TEST(LpNormalization, AgreesWithDoubleAndLeavesZerosAlone) {
  std::mt19937 random(9);
  for (const int64_t p : {1, 2}) {
    for (const int64_t axis : {0, 1, 2}) {
      OperatorCase c = Case("LpNormalization", 22, {RandomTensor({3, 17, 70}, random)});
      c.Set("p", p);
      c.Set("axis", axis);
      ExpectAgreement(c, 1e-5);
    }
  }
  // Rows that are taken together and one by one, of lengths around those where that changes.
  for (const int64_t n : {1, 7, 255, 256, 257, 511, 513}) {
    OperatorCase c = Case("LpNormalization", 22, {RandomTensor({523, n}, random)});
    ExpectAgreement(c, 1e-5);
  }
  const OperatorCase c = Case("LpNormalization", 1, {FloatTensor({2, 2}, {0, 0, 3, 4})});
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>({0, 0, 3 / 5.0f, 4 / 5.0f}));
}

TEST(MeanVarianceNormalization, AgreesWithDoubleOverAllAxes) {
  std::mt19937 random(10);
  for (const auto& axes : {std::vector<int64_t>{0, 2, 3}, {1}, {-1}, {0, 1, 2, 3}, {1, 3}}) {
    OperatorCase c = Case("MeanVarianceNormalization", 13, {RandomTensor({2, 3, 5, 7}, random)});
    c.Set("axes", axes);
    ExpectAgreement(c, 1e-5);
  }
}

// The place of an element among the groups that the axes leave.
size_t GroupOf(const Shape& shape, const std::vector<int64_t>& axes, int64_t index) {
  const auto strides = RowMajorStrides(shape);
  int64_t group = 0;
  for (int i = 0; i < shape.rank(); ++i) {
    if (std::find(axes.begin(), axes.end(), i) != axes.end()) continue;
    group = group * shape[i] + index / strides[static_cast<size_t>(i)] % shape[i];
  }
  return static_cast<size_t>(group);
}

void CheckMeanVariance(const Shape& shape, const std::vector<int64_t>& axes) {
  std::mt19937 random(12);
  std::vector<float> values = Floats(RandomTensor(shape, random));
  for (float& value : values) value += 100;
  const Tensor x = Tensor::FromSpan<float>(shape, values);
  OperatorCase c = Case("MeanVarianceNormalization", 13, {x});
  c.Set("axes", axes);
  const std::vector<float> y = Floats(c.Run()[0]);
  const auto count = static_cast<size_t>(x.count());
  std::vector<double> sums(count);
  std::vector<double> squares(count);
  std::vector<double> members(count);
  const auto visit = [&](auto use) {
    for (size_t i = 0; i < count; ++i) {
      use(GroupOf(shape, axes, static_cast<int64_t>(i)), double{x.span<float>()[i]}, i);
    }
  };
  visit([&](size_t group, double value, size_t) {
    sums[group] += value;
    members[group] += 1;
  });
  visit([&](size_t group, double value, size_t) {
    const double difference = value - sums[group] / members[group];
    squares[group] += difference * difference;
  });
  visit([&](size_t group, double value, size_t i) {
    const double deviation = std::sqrt(squares[group] / members[group]) + 1e-9;
    EXPECT_NEAR(y[i], (value - sums[group] / members[group]) / deviation, 1e-5) << i;
  });
}

TEST(MeanVarianceNormalization, AgreesWithALoopOnEveryLevel) {
  for (const Isa isa : AvailableIsas()) {
    SCOPED_TRACE(IsaName(isa));
    SetIsaForTest(isa);
    CheckMeanVariance({2, 3, 5, 7}, {0, 2, 3});
    CheckMeanVariance({2, 3, 1, 37}, {2, 3});
    CheckMeanVariance({2, 3, 5, 7}, {1});
    CheckMeanVariance({4, 131}, {0});
    CheckMeanVariance({2, 3, 70}, {0, 1});
    CheckMeanVariance({5, 1, 65, 3}, {0, 2});
    CheckMeanVariance({9, 1}, {0});
    CheckMeanVariance({1, 9, 1}, {1, 2});
  }
}

TEST(LayerNormalization, GivesStatisticsAsFloatsWhateverItNormalizes) {
  OperatorCase c = Case("LayerNormalization", 17,
                        {Tensor::FromSpan<double>({1, 2}, std::vector<double>{1, 3}),
                         Tensor::FromSpan<double>({2}, std::vector<double>{1, 1})});
  c.output_count = 3;
  EXPECT_EQ(Floats(c.Run()[1]), std::vector<float>{2});
}

TEST(MeanVarianceNormalization, UpgradesTheExperimentalForm) {
  OperatorCase c = Case("MeanVarianceNormalization", 1, {FloatTensor({1, 1, 1, 2}, {1, 5})});
  c.Set("normalize_variance", int64_t{0});
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>({-2, 2}));
}

}  // namespace
}  // namespace mullion::cpu
