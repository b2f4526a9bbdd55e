// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "devices/cpu/kernels/simd/isa.h"
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
        if (condition && !condition.span<bool>()[static_cast<size_t>(row % queries * keys() + t)]) {
          score = kFill;
        }
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
  Tensor condition;  // [queries, keys]: scores become kFill
  static constexpr float kFill = -1.5f;
};

// [batch, heads, tokens, size] as [batch, tokens, heads * size].
Tensor Flat(const Tensor& split) {
  const Shape& s = split.shape();
  std::vector<float> flat;
  for (int64_t i = 0; i < split.count(); ++i) {
    const int64_t b = i / (s[1] * s[2] * s[3]), t = i / (s[1] * s[3]) % s[2];
    const int64_t h = i / s[3] % s[1];
    flat.push_back(
        split.span<float>()[static_cast<size_t>(((b * s[1] + h) * s[2] + t) * s[3] + i % s[3])]);
  }
  return FloatTensor({s[0], s[2], s[1] * s[3]}, flat);
}

TEST(Attention, FollowsTheEquations) {
  std::mt19937 random(41);
  for (int i = 0; i < 40; ++i) {
    SCOPED_TRACE(i);
    const Problem problem(random);
    const auto [out, weights] = problem.Expected();
    const std::vector<Tensor> wide = problem.Case().RunInDouble();
    ExpectClose(wide[0], out, 2e-7);
    ExpectClose(wide[3], weights, 2e-7);
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

// What the optimizer makes: operands of either form, a condition and a bias at once.
TEST(Attention, FollowsTheFusedForm) {
  std::mt19937 random(44);
  for (int i = 0; i < 40; ++i) {
    SCOPED_TRACE(i);
    Problem problem(random);
    problem.causal = false;
    if (problem.mask && problem.mask.type() == ElementType::kBool) problem.mask = Tensor();
    if (Pick(0, 1, random) == 1) {
      problem.condition = *Tensor::Allocate(ElementType::kBool, {problem.queries, problem.keys()});
      for (int64_t j = 0; j < problem.condition.count(); ++j) {
        static_cast<bool*>(problem.condition.mutable_data())[j] = Pick(0, 2, random) != 0;
      }
    }
    OperatorCase c = problem.Case();
    c.output_count = problem.past >= 0 ? static_cast<int>(Pick(1, 3, random)) : 1;
    c.inputs.resize(8);
    c.inputs[7] = problem.condition;
    c.Set("fused_fill", Problem::kFill);
    c.Set("q_num_heads", problem.key_heads * problem.group);
    c.Set("kv_num_heads", problem.key_heads);
    for (size_t operand = 0; operand < 3; ++operand) {
      if (Pick(0, 1, random) == 1) c.inputs[operand] = Flat(c.inputs[operand]);
    }
    const bool flat = Pick(0, 1, random) == 1;
    c.Set("fused_flat_output", int64_t{flat ? 1 : 0});
    Tensor out = problem.Expected().first;
    if (flat) out = Flat(out);
    for (const Isa isa : AvailableIsas()) {
      SCOPED_TRACE(IsaName(isa));
      SetIsaForTest(isa);
      const std::vector<Tensor> one = c.Run(1);
      ExpectClose(one[0], out, 1e-5);
      const std::vector<Tensor> four = c.Run(4);
      for (size_t output = 0; output < one.size(); ++output) {
        ExpectClose(four[output], one[output], 0);
      }
    }
    SetIsaForTest(AvailableIsas().back());
  }
}

// Flat operands of as many tokens each beside each other: [batch, tokens, sum of columns].
Tensor BesideEachOther(const std::vector<Tensor>& parts) {
  std::vector<float> values;
  const Shape& first = parts[0].shape();
  int64_t columns = 0;
  for (const Tensor& part : parts) columns += part.shape()[2];
  for (int64_t row = 0; row < first[0] * first[1]; ++row) {
    for (const Tensor& part : parts) {
      const auto from = part.span<float>().subspan(static_cast<size_t>(row * part.shape()[2]),
                                                   static_cast<size_t>(part.shape()[2]));
      values.insert(values.end(), from.begin(), from.end());
    }
  }
  return FloatTensor({first[0], first[1], columns}, values);
}

// [2, ...] of two of one shape.
Tensor Stacked(const Tensor& a, const Tensor& b) {
  std::vector<float> values(a.span<float>().begin(), a.span<float>().end());
  values.insert(values.end(), b.span<float>().begin(), b.span<float>().end());
  Shape shape = a.shape();
  shape.Insert(0, 2);
  return FloatTensor(shape, values);
}

// What else the optimizer makes: one tensor of all operands, of the past, of the present.
TEST(Attention, ReadsAndWritesJoinedTensors) {
  std::mt19937 random(47);
  for (int i = 0; i < 30; ++i) {
    SCOPED_TRACE(i);
    const int64_t batch = Pick(1, 3, random), key_heads = Pick(1, 3, random);
    const int64_t query_heads = key_heads * Pick(1, 2, random);
    const int64_t tokens = Pick(1, 20, random), past = Pick(0, 9, random);
    const int64_t size = Pick(0, 1, random) == 0 ? 8 * Pick(1, 5, random) : Pick(1, 40, random);
    OperatorCase apart;
    apart.name = "Attention";
    apart.opset = 24;
    apart.output_count = 3;
    apart.inputs = {RandomTensor({batch, tokens, query_heads * size}, random),
                    RandomTensor({batch, tokens, key_heads * size}, random),
                    RandomTensor({batch, tokens, key_heads * size}, random),
                    RandomTensor({tokens, past + tokens}, random),
                    RandomTensor({batch, key_heads, past, size}, random),
                    RandomTensor({batch, key_heads, past, size}, random)};
    apart.Set("q_num_heads", query_heads);
    apart.Set("kv_num_heads", key_heads);
    apart.Set("is_causal", Pick(0, 1, random));
    OperatorCase joined = apart;
    const Tensor all = BesideEachOther({apart.inputs[0], apart.inputs[1], apart.inputs[2]});
    const Tensor both = Stacked(apart.inputs[4], apart.inputs[5]);
    joined.inputs = {all, all, all, apart.inputs[3], both, both};
    joined.output_count = 2;
    for (const char* name : {"joined_operands", "joined_past", "joined_present"}) {
      joined.Set(name, int64_t{1});
    }
    for (const Isa isa : AvailableIsas()) {
      SCOPED_TRACE(IsaName(isa));
      SetIsaForTest(isa);
      const std::vector<Tensor> expected = apart.Run(1);
      for (const int threads : {1, 4}) {
        const std::vector<Tensor> found = joined.Run(threads);
        ExpectClose(found[0], expected[0], 0);
        ExpectClose(found[1], Stacked(expected[1], expected[2]), 0);
      }
      joined.output_count = 1;  // keys and values meet in scratch memory
      ExpectClose(joined.Run(1)[0], expected[0], 0);
      joined.output_count = 2;
    }
    SetIsaForTest(AvailableIsas().back());
    ExpectClose(joined.RunInDouble()[0], apart.RunInDouble()[0], 0);
  }
}

TEST(Attention, RowsOfMinusInfinityAreNaNWhereWrittenOut) {
  OperatorCase c;
  c.name = "Attention";
  c.opset = 24;
  std::mt19937 random(45);
  const float infinity = std::numeric_limits<float>::infinity();
  c.inputs = {RandomTensor({1, 1, 2, 4}, random), RandomTensor({1, 1, 3, 4}, random),
              RandomTensor({1, 1, 3, 4}, random),
              FloatTensor({2, 3}, {-infinity, -infinity, -infinity, 0, 0, 0})};
  c.Set("fused_fill", 0.0f);
  const std::vector<float> y = Floats(c.Run()[0]);
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_FALSE(std::isnan(y[4]));
}

TEST(Attention, WeightsThatAreNaNAreZerosWhereWrittenOutSo) {
  OperatorCase c;
  c.name = "Attention";
  c.opset = 24;
  std::mt19937 random(47);
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> mask(76, 0);
  std::fill_n(mask.begin(), 19, -infinity);
  mask[19 + 17] = nan;
  mask[38] = infinity;
  c.inputs = {RandomTensor({1, 1, 4, 4}, random), RandomTensor({1, 1, 19, 4}, random),
              RandomTensor({1, 1, 19, 4}, random), FloatTensor({4, 19}, mask)};
  c.Set("fused_fill", 0.0f);
  c.Set("fused_without_nan", int64_t{1});
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    const std::vector<float> y = Floats(c.Run()[0]);
    EXPECT_EQ(std::vector<float>(y.begin(), y.begin() + 12), std::vector<float>(12));
    EXPECT_NE(y[12], 0);
  }
  SetIsaForTest(AvailableIsas().back());
}

TEST(Attention, RefusesMasksThatScoresWouldBeBroadcastTo) {
  OperatorCase c;
  c.name = "Attention";
  c.opset = 24;
  std::mt19937 random(46);
  c.inputs = {RandomTensor({1, 1, 1, 4}, random), RandomTensor({1, 1, 3, 4}, random),
              RandomTensor({1, 1, 3, 4}, random), RandomTensor({2, 3}, random)};
  c.Set("fused_fill", 0.0f);
  EXPECT_NE(c.RunError(), "");
  c.inputs[3] = RandomTensor({1, 1}, random);
  EXPECT_NE(c.RunError().find("which it must cover"), std::string::npos);
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
  const std::vector<float> wide = Floats(c.RunInDouble()[0]);
  EXPECT_EQ(std::vector<float>(wide.begin(), wide.begin() + 4), std::vector<float>(4));
  EXPECT_NE(wide[4], 0);
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
