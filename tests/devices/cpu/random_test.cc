// SPDX-License-Identifier: MIT
#include <cmath>

#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(const char* name, std::vector<Tensor> inputs) {
  OperatorCase c;
  c.name = name;
  c.opset = 15;
  c.inputs = std::move(inputs);
  return c;
}

TEST(Random, RepeatsItselfWithASeedOnly) {
  OperatorCase c = Case("RandomUniform", {});
  c.Set("shape", std::vector<int64_t>{4, 5});
  EXPECT_NE(Floats(c.Run()[0]), Floats(c.Run()[0]));
  c.Set("seed", 3.0f);
  EXPECT_EQ(Floats(c.Run()[0]), Floats(c.Run()[0]));
}

TEST(Random, HasTheMomentsAskedFor) {
  OperatorCase c = Case("RandomNormal", {});
  c.attributes = {
      {"shape", std::vector<int64_t>{10000}}, {"seed", 1.0f}, {"mean", 2.0f}, {"scale", 3.0f}};
  double sum = 0, squares = 0;
  for (const float value : Floats(c.Run()[0])) {
    sum += value;
    squares += (value - 2) * (value - 2);
  }
  EXPECT_NEAR(sum / 10000, 2, 0.1);
  EXPECT_NEAR(std::sqrt(squares / 10000), 3, 0.1);

  // The tail of the distribution and neighbouring elements, which share no draws.
  c.attributes = {{"shape", std::vector<int64_t>{1000000}}, {"seed", 5.0f}};
  const Tensor many = c.Run()[0];
  const auto normal = many.span<float>();
  double neighbours = 0, fourth = 0;
  int64_t beyond = 0;
  for (size_t i = 0; i < normal.size(); ++i) {
    beyond += std::abs(normal[i]) > 3.6541529f;
    fourth += std::pow(normal[i], 4.0);
    if (i > 0) neighbours += double{normal[i]} * normal[i - 1];
  }
  EXPECT_NEAR(static_cast<double>(beyond) / 1e6, 2.580e-4, 1e-4);
  EXPECT_NEAR(fourth / 1e6, 3, 0.05);
  EXPECT_NEAR(neighbours / 1e6, 0, 0.005);

  OperatorCase u = Case("RandomUniformLike", {Counting<double>({10000})});
  u.attributes = {{"low", -1.0f}, {"high", 3.0f}, {"seed", 1.0f}};
  const Tensor uniform = u.Run()[0];
  EXPECT_EQ(uniform.type(), ElementType::kDouble);
  sum = 0;
  for (const double value : uniform.span<double>()) {
    EXPECT_GE(value, -1);
    EXPECT_LT(value, 3);
    sum += value;
  }
  EXPECT_NEAR(sum / 10000, 1, 0.1);
}

TEST(Random, DrawsWithTheProbabilitiesGiven) {
  OperatorCase b = Case("Bernoulli", {TensorOf({2, 5000}, [] {
                          std::vector<float> p(10000, 0.25f);
                          p[0] = 0;
                          p[1] = 1;
                          return p;
                        }())});
  b.attributes = {{"seed", 1.0f}, {"dtype", static_cast<int64_t>(ElementType::kInt32)}};
  const Tensor tensor = b.Run()[0];
  const auto hits = tensor.span<int32_t>();
  EXPECT_EQ(hits[0], 0);
  EXPECT_EQ(hits[1], 1);
  EXPECT_NEAR(std::accumulate(hits.begin(), hits.end(), 0) / 10000.0, 0.25, 0.02);

  OperatorCase m =
      Case("Multinomial", {TensorOf<float>({2, 3}, {0, std::log(3.0f), -INFINITY, 0, 0, 1000})});
  m.attributes = {{"seed", 1.0f}, {"sample_size", int64_t{4000}}};
  const Tensor drawn = m.Run()[0];
  EXPECT_EQ(drawn.shape().ToString(), "[2,4000]");
  const auto classes = drawn.span<int32_t>();
  EXPECT_NEAR(std::count(classes.begin(), classes.begin() + 4000, 1) / 4000.0, 0.75, 0.03);
  EXPECT_EQ(std::count(classes.begin(), classes.begin() + 4000, 2), 0);
  EXPECT_EQ(std::count(classes.begin() + 4000, classes.end(), 2), 4000);
}

TEST(Random, RefusesNonsense) {
  OperatorCase c = Case("RandomUniform", {});
  EXPECT_NE(c.RunError().find("'shape'"), std::string::npos);
  c.Set("shape", std::vector<int64_t>{-1});
  EXPECT_NE(c.RunError().find("'shape'"), std::string::npos);
  c.attributes = {{"shape", std::vector<int64_t>{1}}, {"dtype", int64_t{99}}};
  EXPECT_NE(c.RunError().find("'dtype' is 99"), std::string::npos);
}

}  // namespace
}  // namespace mullion::cpu
