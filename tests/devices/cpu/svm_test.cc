// SPDX-License-Identifier: MIT
// Support vector machines against their equations in double.
#include <gtest/gtest.h>

#include <cmath>

#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/operator_case.h"

namespace mullion::cpu {
namespace {

TEST(SvmRegressor, FollowsTheEquationsOfEveryKernel) {
  constexpr int64_t kVectors = 37;
  constexpr int64_t kFeatures = 11;
  std::mt19937 random(7);
  OperatorCase c;
  c.name = "SVMRegressor";
  c.domain = "ai.onnx.ml";
  c.inputs = {RandomTensor({300, kFeatures}, random)};
  const auto numbers = [&](int64_t count) { return Floats(RandomTensor({count}, random)); };
  const std::vector<float> vectors = numbers(kVectors * kFeatures);
  const std::vector<float> coefficients = numbers(kVectors);
  c.Set("support_vectors", vectors);
  c.Set("coefficients", coefficients);
  c.Set("n_supports", kVectors);
  c.Set("rho", std::vector<float>{0.25f});
  const auto sum = [&](const float* x, const auto& kernel) {
    double result = 0.25;
    for (size_t i = 0; i < size_t{kVectors}; ++i) {
      double dot = 0;
      double distance = 0;
      for (size_t k = 0; k < size_t{kFeatures}; ++k) {
        const double a = x[k];
        const double b = vectors[i * kFeatures + k];
        dot += a * b;
        distance += (a - b) * (a - b);
      }
      result += coefficients[i] * kernel(dot, distance);
    }
    return static_cast<float>(result);
  };
  const auto expect = [&](const char* name, float gamma, float offset, float degree,
                          const auto& kernel) {
    SCOPED_TRACE(name);
    c.attributes.resize(4);
    c.Set("kernel_type", std::string(name));
    c.Set("kernel_params", std::vector<float>{gamma, offset, degree});
    std::vector<float> expected;
    const auto x = c.inputs[0].span<float>();
    for (size_t row = 0; row < 300; ++row) {
      expected.push_back(sum(x.data() + row * kFeatures, kernel));
    }
    for (const Isa isa : AvailableIsas()) {
      SCOPED_TRACE(IsaName(isa));
      SetIsaForTest(isa);
      const Tensor one = c.Run(1)[0];
      ExpectClose(one, FloatTensor({300, 1}, expected), 1e-4);
      ExpectClose(c.Run(3)[0], one, 0);
    }
    SetIsaForTest(AvailableIsas().back());
  };
  expect("LINEAR", 0, 0, 0, [](double dot, double) { return dot; });
  expect("POLY", 0.125f, 0.5f, 3, [](double dot, double) { return std::pow(dot / 8 + 0.5, 3); });
  expect("POLY", 0.03125f, 2, 1.5f, [](double dot, double) { return std::pow(dot / 32 + 2, 1.5); });
  expect("RBF", 0.125f, 0, 0, [](double, double far) { return std::exp(-far / 8); });
  expect("SIGMOID", 0.25f, -0.5f, 0, [](double dot, double) { return std::tanh(dot / 4 - 0.5); });
}

}  // namespace
}  // namespace mullion::cpu
