// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "devices/cpu/kernels/isa.h"
#include "tests/devices/cpu/operator_case.h"

namespace mullion::cpu {
namespace {

int64_t Pick(int64_t low, int64_t high, std::mt19937& random) {
  return low + static_cast<int64_t>(random() % static_cast<uint32_t>(high - low + 1));
}

double At(const Tensor& tensor, int64_t i) {
  return static_cast<double>(tensor.span<float>()[static_cast<size_t>(i)]);
}

// A random problem with operands of rank 4, and what the specification makes of it.
struct Problem {
  explicit Problem(std::mt19937& random) {
    batch = Pick(1, 2, random);
    key_heads = Pick(1, 3, random);
    group = Pick(1, 3, random);
    queries = Pick(0, 2, random) == 0 ? 1 : Pick(1, 60, random);
    new_keys = Pick(1, 80, random);
    past = Pick(0, 1, random) == 1 ? Pick(0, 30, random) : -1;
    size = Pick(1, 40, random);
    value_size = Pick(0, 1, random) == 1 ? 16 * Pick(1, 5, random) : Pick(1, 90, random);
    causal = Pick(0, 1, random) == 1;
    softcap = Pick(0, 2, random) == 0 ? 2.0f : 0.0f;
    const int64_t heads = key_heads * group;
    q = RandomTensor({batch, heads, queries, size}, random);
    k = RandomTensor({batch, key_heads, new_keys, size}, random);
    v = RandomTensor({batch, key_heads, new_keys, value_size}, random);
    if (past >= 0) {
      past_key = RandomTensor({batch, key_heads, past, size}, random);
      past_value = RandomTensor({batch, key_heads, past, value_size}, random);
    }
    switch (Pick(0, 3, random)) {
      case 0:
        mask = RandomTensor({queries, keys()}, random);
        break;
      case 1:
        mask = RandomTensor({batch, 1, queries, keys()}, random);
        break;
      case 2: {
        mask = *Tensor::Allocate(ElementType::kBool, {batch, heads, queries, keys()});
        for (int64_t i = 0; i < mask.count(); ++i) {
          static_cast<bool*>(mask.mutable_data())[i] = Pick(0, 3, random) != 0;
        }
        break;
      }
      default:
        break;
    }
  }

  int64_t keys() const { return new_keys + std::max<int64_t>(past, 0); }

  OperatorCase Case() const {
    OperatorCase c;
    c.name = "Attention";
    c.opset = 23;
    c.inputs = {q, k, v, mask, past_key, past_value};
    c.output_count = 4;
    c.Set("is_causal", int64_t{causal ? 1 : 0});
    c.Set("qk_matmul_output_mode", int64_t{3});
    if (softcap != 0) c.Set("softcap", softcap);
    return c;
  }

  double Key(int64_t b, int64_t h, int64_t t, int64_t i) const {
    const int64_t row = b * key_heads + h;
    const int64_t before = std::max<int64_t>(past, 0);
    return t < before ? At(past_key, (row * before + t) * size + i)
                      : At(k, (row * new_keys + t - before) * size + i);
  }
  double Value(int64_t b, int64_t h, int64_t t, int64_t i) const {
    const int64_t row = b * key_heads + h;
    const int64_t before = std::max<int64_t>(past, 0);
    return t < before ? At(past_value, (row * before + t) * value_size + i)
                      : At(v, (row * new_keys + t - before) * value_size + i);
  }
  // What the mask adds to a score.
  double Bias(int64_t b, int64_t h, int64_t query, int64_t key) const {
    if (causal && key > query + std::max<int64_t>(past, 0)) return -INFINITY;
    if (!mask) return 0;
    const bool per_head = mask.shape().rank() == 4 && mask.shape()[1] != 1;
    const int64_t matrix = mask.shape().rank() == 2 ? 0 : per_head ? b * key_heads * group + h : b;
    const int64_t at = (matrix * queries + query) * keys() + key;
    if (mask.type() == ElementType::kFloat) return At(mask, at);
    return mask.span<bool>()[static_cast<size_t>(at)] ? 0 : -INFINITY;
  }

  // The output, and the weights.
  std::pair<Tensor, Tensor> Expected() const {
    const int64_t heads = key_heads * group;
    std::vector<float> out, weights;
    for (int64_t row = 0; row < batch * heads * queries; ++row) {
      const int64_t b = row / queries / heads;
      const int64_t h = row / queries % heads;
      std::vector<double> w(static_cast<size_t>(keys()));
      double most = -INFINITY;
      for (int64_t t = 0; t < keys(); ++t) {
        double score = 0;
        for (int64_t i = 0; i < size; ++i) score += At(q, row * size + i) * Key(b, h / group, t, i);
        score /= std::sqrt(static_cast<double>(size));
        if (softcap != 0) score = softcap * std::tanh(score / softcap);
        w[static_cast<size_t>(t)] = score + Bias(b, h, row % queries, t);
        most = std::max(most, w[static_cast<size_t>(t)]);
      }
      double sum = 0;
      for (double& x : w) sum += x = most == -INFINITY ? 0 : std::exp(x - most);
      for (double& x : w) weights.push_back(static_cast<float>(x /= sum == 0 ? 1 : sum));
      for (int64_t i = 0; i < value_size; ++i) {
        double total = 0;
        for (int64_t t = 0; t < keys(); ++t) {
          total += w[static_cast<size_t>(t)] * Value(b, h / group, t, i);
        }
        out.push_back(static_cast<float>(total));
      }
    }
    return {FloatTensor({batch, heads, queries, value_size}, out),
            FloatTensor({batch, heads, queries, keys()}, weights)};
  }

  int64_t batch, key_heads, group, queries, new_keys, past, size, value_size;
  bool causal;
  float softcap;
  Tensor q, k, v, mask, past_key, past_value;
};

TEST(Attention, FollowsTheEquations) {
  std::mt19937 random(41);
  for (int i = 0; i < 40; ++i) {
    SCOPED_TRACE(i);
    const Problem problem(random);
    const auto [out, weights] = problem.Expected();
    for (const Isa isa : AvailableIsas()) {
      SCOPED_TRACE(IsaName(isa));
      SetIsaForTest(isa);
      const OperatorCase c = problem.Case();
      const std::vector<Tensor> one = c.Run(1);
      const std::vector<Tensor> three = c.Run(3);
      ASSERT_EQ(one.size(), 4u);
      ExpectClose(one[0], out, 1e-5);
      ExpectClose(one[3], weights, 1e-5);
      ExpectClose(three[0], one[0], 0);
      EXPECT_EQ(one[1].shape(),
                (Shape{problem.batch, problem.key_heads, problem.keys(), problem.size}));
      // Without the other outputs keys that no query sees are not looked at.
      OperatorCase alone = c;
      alone.output_count = 1;
      ExpectClose(alone.Run()[0], out, 1e-5);
    }
    SetIsaForTest(AvailableIsas().back());
  }
}

TEST(Attention, QueriesThatSeeNothingGiveZeros) {
  OperatorCase c;
  c.name = "Attention";
  c.opset = 23;
  std::mt19937 random(42);
  c.inputs = {RandomTensor({1, 1, 2, 4}, random), RandomTensor({1, 1, 3, 4}, random),
              RandomTensor({1, 1, 3, 4}, random)};
  const float infinity = std::numeric_limits<float>::infinity();
  c.inputs.push_back(FloatTensor({2, 3}, {-infinity, -infinity, -infinity, 0, 0, 0}));
  const std::vector<float> y = Floats(c.Run()[0]);
  EXPECT_EQ(std::vector<float>(y.begin(), y.begin() + 4), std::vector<float>(4));
  EXPECT_NE(y[4], 0);
}

TEST(Attention, SaysWhatDoesNotFit) {
  OperatorCase c;
  c.name = "Attention";
  c.opset = 23;
  std::mt19937 random(43);
  c.inputs = {RandomTensor({1, 3, 2, 4}, random), RandomTensor({1, 2, 3, 4}, random),
              RandomTensor({1, 2, 3, 4}, random)};
  EXPECT_NE(c.RunError().find("do not fit each other"), std::string::npos);
  c.inputs = {RandomTensor({1, 2, 4}, random), RandomTensor({1, 3, 4}, random),
              RandomTensor({1, 3, 4}, random)};
  EXPECT_NE(c.RunError().find("'q_num_heads'"), std::string::npos);
}

}  // namespace
}  // namespace mullion::cpu
