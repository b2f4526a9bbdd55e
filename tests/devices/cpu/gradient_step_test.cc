// SPDX-License-Identifier: MIT
// Adagrad, Adam, Momentum.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

// One tensor of two elements, 1 and 2, with gradients 3 and -4 and states.
OperatorCase Case(const char* name, int64_t updates, std::vector<Tensor> states) {
  OperatorCase c;
  c.name = name;
  c.domain = "ai.onnx.preview.training";
  c.inputs = {Tensor::Scalar(0.5f), Tensor::Scalar(updates), FloatTensor({2}, {1, 2}),
              FloatTensor({2}, {3, -4})};
  c.inputs.insert(c.inputs.end(), states.begin(), states.end());
  c.output_count = 1 + static_cast<int>(states.size());
  return c;
}

TEST(GradientStep, Adagrad) {
  OperatorCase c = Case("Adagrad", 2, {FloatTensor({2}, {7, 0})});
  c.Set("decay_factor", 0.5f);
  c.Set("epsilon", 1.0f);
  const std::vector<Tensor> outputs = RunEveryWay(c);
  ExpectClose(outputs[0], FloatTensor({2}, {1 - 0.25f * 3 / 5, 2 + 0.25f * 4 / 5}), 1e-6);
  ExpectClose(outputs[1], FloatTensor({2}, {16, 16}), 0);
}

// Without an epsilon of 1e-6 they would divide zero by zero.
TEST(GradientStep, LeaveWhatHasNoGradientYet) {
  for (const char* const name : {"Adagrad", "Adam"}) {
    SCOPED_TRACE(name);
    OperatorCase c = Case(name, 0, {FloatTensor({2}, {0, 0})});
    if (c.name == "Adam") c.inputs.push_back(FloatTensor({2}, {0, 0}));
    c.output_count = static_cast<int>(c.inputs.size()) - 3;
    c.inputs[3] = FloatTensor({2}, {0, 0});
    ExpectClose(c.Run()[0], c.inputs[2], 0);
  }
}

TEST(GradientStep, Adam) {
  OperatorCase c = Case("Adam", 1, {FloatTensor({2}, {0, 0}), FloatTensor({2}, {0, 0})});
  c.Set("alpha", 0.5f);
  c.Set("beta", 0.75f);
  // The first step, its bias taken out, has the length of the rate whatever the gradient is.
  ExpectClose(RunEveryWay(c)[0], FloatTensor({2}, {0.5f, 2.5f}), 1e-6);
  ExpectClose(c.Run()[1], FloatTensor({2}, {1.5f, -2}), 1e-6);
  ExpectClose(c.Run()[2], FloatTensor({2}, {2.25f, 4}), 1e-6);
  c.Set("norm_coefficient_post", 0.5f);
  ExpectClose(c.Run()[0], FloatTensor({2}, {0.25f, 1.25f}), 1e-6);
  c.inputs[1] = Tensor::Scalar(int64_t{0});
  ExpectClose(c.Run()[0], FloatTensor({2}, {0.25f, 1.25f}), 1e-6);
}

TEST(GradientStep, Momentum) {
  OperatorCase c = Case("Momentum", 1, {FloatTensor({2}, {10, 20})});
  c.Set("mode", std::string("standard"));
  c.Set("alpha", 0.5f);
  c.Set("beta", 2.0f);
  ExpectClose(RunEveryWay(c)[0], FloatTensor({2}, {1 - 5.5f, 2 - 1}), 1e-6);
  ExpectClose(c.Run()[1], FloatTensor({2}, {11, 2}), 1e-6);
  c.inputs[1] = Tensor::Scalar(int64_t{0});  // the first update takes the gradient as it is
  ExpectClose(c.Run()[1], FloatTensor({2}, {8, 6}), 1e-6);
  c.attributes[0].second = std::string("nesterov");
  c.Set("norm_coefficient", 1.0f);
  ExpectClose(c.Run()[1], FloatTensor({2}, {9, 8}), 1e-6);
  ExpectClose(c.Run()[0], FloatTensor({2}, {1 - 0.5f * (4 + 4.5f), 2 - 0.5f * (-2 + 4)}), 1e-6);
}

// An element's result is the same wherever it stands, in vectors, behind them or on a thread.
TEST(GradientStep, TakesManyElementsAsItTakesFew) {
  for (const char* const name : {"Adagrad", "Adam", "Momentum"}) {
    SCOPED_TRACE(name);
    OperatorCase few = Case(name, 3, {FloatTensor({2}, {0.25f, 7})});
    if (few.name == "Adam") few.inputs.push_back(FloatTensor({2}, {0.5f, 2}));
    if (few.name == "Momentum") few.Set("mode", std::string("nesterov"));
    few.Set("alpha", 0.75f);
    few.Set("norm_coefficient", 0.125f);
    few.output_count = static_cast<int>(few.inputs.size()) - 3;
    OperatorCase many = few;
    for (size_t i = 2; i < many.inputs.size(); ++i) {
      std::vector<float> values(40'001);
      for (size_t k = 0; k < values.size(); ++k) values[k] = few.inputs[i].span<float>()[k % 2];
      many.inputs[i] = FloatTensor({40'001}, values);
    }
    const std::vector<Tensor> expected = few.Run();
    const std::vector<Tensor> actual = RunEveryWay(many);
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t o = 0; o < actual.size(); ++o) {
      const auto values = actual[o].span<float>();
      for (size_t k = 0; k < values.size(); ++k) {
        ASSERT_EQ(values[k], expected[o].span<float>()[k % 2]) << o << ", " << k;
      }
    }
    many.output_count = 1;  // whoever wants no states
    ExpectClose(many.Run(3)[0], actual[0], 0);
  }
}

TEST(GradientStep, TakesSeveralTensorsOfEachType) {
  OperatorCase c;
  c.name = "Momentum";
  c.domain = "ai.onnx.preview.training";
  c.Set("mode", std::string("standard"));
  c.inputs = {Tensor::Scalar(1.0),    Tensor::Scalar(int64_t{0}),
              FloatTensor({1}, {1}),  TensorOf<double>({2}, {2, 3}),
              FloatTensor({1}, {10}), TensorOf<double>({2}, {20, 30}),
              FloatTensor({1}, {0}),  TensorOf<double>({2}, {0, 0})};
  c.output_count = 4;
  const std::vector<Tensor> outputs = RunEveryWay(c);
  ExpectClose(outputs[0], FloatTensor({1}, {-9}), 0);
  ExpectClose(outputs[1], TensorOf<double>({2}, {-18, -27}), 0);
  ExpectClose(outputs[3], TensorOf<double>({2}, {20, 30}), 0);
}

TEST(GradientStep, RefusesWhatDoesNotFit) {
  ExpectError(Case("Adam", 1, {FloatTensor({2}, {0, 0})}), "2 inputs and 4 for each tensor");
  ExpectError(Case("Adagrad", 1, {FloatTensor({1}, {0})}), "");
  OperatorCase c = Case("Momentum", 1, {FloatTensor({2}, {0, 0})});
  ExpectError(c, "'mode' is ''");
  c = Case("Adagrad", 1, {TensorOf<double>({2}, {0, 0})});
  ExpectError(c, "");
}

}  // namespace
}  // namespace mullion::cpu
