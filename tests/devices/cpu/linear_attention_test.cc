// SPDX-License-Identifier: MIT
// LinearAttention and CausalConvWithState against their definitions.
#include <gtest/gtest.h>

#include <cmath>

#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

struct Sizes {
  int64_t batch, tokens, query_heads, heads, key_size, value_size;
};

// A case of one update rule; gates of one number for each head, or of one for each element.
OperatorCase Attention(const Sizes& s, const std::string& rule, bool past, bool wide_gates,
                       unsigned seed) {
  std::mt19937 random(seed);
  OperatorCase c;
  c.name = "LinearAttention";
  c.opset = 27;
  c.Set("update_rule", rule);
  c.Set("q_num_heads", s.query_heads);
  c.Set("kv_num_heads", s.heads);
  c.output_count = 2;
  const bool gated = rule == "gated" || rule == "gated_delta";
  const bool delta = rule == "delta" || rule == "gated_delta";
  // Small keys and decays below 1 keep the state from growing.
  const auto scaled = [&](const Shape& shape, float factor, float offset) {
    Tensor tensor = RandomTensor(shape, random);
    auto* const values = static_cast<float*>(tensor.mutable_data());
    for (int64_t i = 0; i < tensor.count(); ++i) values[i] = values[i] * factor + offset;
    return tensor;
  };
  const float key_scale = 1.0f / std::sqrt(static_cast<float>(s.key_size));
  const int64_t gates = s.heads * (wide_gates ? s.key_size : 1);
  c.inputs = {
      scaled({s.batch, s.tokens, s.query_heads * s.key_size}, 1, 0),
      scaled({s.batch, s.tokens, s.heads * s.key_size}, 0.5f * key_scale, 0),
      scaled({s.batch, s.tokens, s.heads * s.value_size}, 1, 0),
      past ? scaled({s.batch, s.heads, s.key_size, s.value_size}, 1, 0) : Tensor(),
      gated ? scaled({s.batch, s.tokens, gates}, 0.25f, -0.5f) : Tensor(),
      delta ? scaled({s.batch, s.tokens, wide_gates ? s.heads : 1}, 0.25f, 0.5f) : Tensor()};
  return c;
}

// Output and state, by the definition.
std::pair<std::vector<double>, std::vector<double>> Expected(const OperatorCase& c,
                                                             const Sizes& s) {
  std::vector<std::vector<float>> in;
  for (const Tensor& input : c.inputs) in.push_back(input ? Floats(input) : std::vector<float>());
  const int64_t group = s.query_heads / s.heads;
  std::vector<double> out(static_cast<size_t>(s.batch * s.tokens * s.query_heads * s.value_size));
  std::vector<double> state(static_cast<size_t>(s.batch * s.heads * s.key_size * s.value_size));
  if (!in[3].empty()) state.assign(in[3].begin(), in[3].end());
  const auto at = [](const auto& list, int64_t i) -> double {
    return list[static_cast<size_t>(i)];
  };
  for (int64_t head = 0; head < s.batch * s.heads; ++head) {
    const int64_t h = head % s.heads;
    double* const rows = state.data() + head * s.key_size * s.value_size;
    for (int64_t t = 0; t < s.tokens; ++t) {
      const int64_t token = head / s.heads * s.tokens + t;
      const int64_t kv = token * s.heads + h;
      for (int64_t i = 0; i < s.key_size && !in[4].empty(); ++i) {
        const bool each = c.inputs[4].shape()[2] > s.heads;
        const double g = at(in[4], each ? kv * s.key_size + i : kv);
        for (int64_t j = 0; j < s.value_size; ++j) rows[i * s.value_size + j] *= std::exp(g);
      }
      for (int64_t j = 0; j < s.value_size; ++j) {
        double change = at(in[2], kv * s.value_size + j);
        if (!in[5].empty()) {
          for (int64_t i = 0; i < s.key_size; ++i) {
            change -= rows[i * s.value_size + j] * at(in[1], kv * s.key_size + i);
          }
          change *= at(in[5], c.inputs[5].shape()[2] > 1 ? kv : token);
        }
        for (int64_t i = 0; i < s.key_size; ++i) {
          rows[i * s.value_size + j] += at(in[1], kv * s.key_size + i) * change;
        }
        for (int64_t q = h * group; q < (h + 1) * group; ++q) {
          double sum = 0;
          for (int64_t i = 0; i < s.key_size; ++i) {
            sum += at(in[0], (token * s.query_heads + q) * s.key_size + i) *
                   rows[i * s.value_size + j];
          }
          out[static_cast<size_t>((token * s.query_heads + q) * s.value_size + j)] =
              sum / std::sqrt(static_cast<double>(s.key_size));
        }
      }
    }
  }
  return {out, state};
}

void ExpectNear(const Tensor& actual, const std::vector<double>& expected) {
  const auto values = actual.span<float>();
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_NEAR(values[i], expected[i], 1e-5 * std::max(1.0, std::abs(expected[i]))) << i;
  }
}

TEST(LinearAttention, FollowsEveryRule) {
  const Sizes all[] = {{2, 5, 4, 2, 8, 16}, {1, 1, 3, 3, 7, 65}, {1, 9, 2, 1, 33, 130}};
  unsigned seed = 0;
  for (const Sizes& sizes : all) {
    for (const char* const rule : {"linear", "gated", "delta", "gated_delta"}) {
      for (const bool past : {false, true}) {
        for (const bool wide : {false, true}) {
          SCOPED_TRACE(testing::Message() << rule << " " << past << " " << wide);
          const OperatorCase c = Attention(sizes, rule, past, wide, ++seed);
          const auto [out, state] = Expected(c, sizes);
          const std::vector<Tensor> outputs = c.Run();
          ASSERT_EQ(outputs.size(), 2u);
          ExpectNear(outputs[0], out);
          ExpectNear(outputs[1], state);
          ExpectAgreement(c, 1e-5);
          const std::vector<Tensor> doubles = c.RunInDouble();
          for (const Isa isa : AvailableIsas()) {
            SetIsaForTest(isa);
            ExpectClose(c.RunInDouble()[1], doubles[1], 1e-13);
          }
        }
      }
    }
  }
}

TEST(LinearAttention, CarriesOnFromItsState) {
  const Sizes whole = {1, 6, 2, 2, 8, 8};
  const OperatorCase c = Attention(whole, "linear", false, false, 1);
  const std::vector<Tensor> expected = c.Run();
  Tensor state;
  for (int64_t t = 0; t < whole.tokens; ++t) {
    OperatorCase step = c;
    for (int i = 0; i < 3; ++i) {
      const std::vector<float> values = Floats(c.inputs[static_cast<size_t>(i)]);
      step.inputs[static_cast<size_t>(i)] =
          FloatTensor({1, 1, 16}, {values.begin() + t * 16, values.begin() + (t + 1) * 16});
    }
    step.inputs[3] = state;
    state = step.Run()[1];
  }
  ExpectClose(state, expected[1], 1e-6);
}

TEST(LinearAttention, TakesAScaleAndNoTokens) {
  const Sizes sizes = {1, 2, 1, 1, 4, 4};
  OperatorCase c = Attention(sizes, "linear", true, false, 2);
  const std::vector<float> usual = Floats(c.Run()[0]);
  c.Set("scale", 1.0f);
  const std::vector<float> twice = Floats(c.Run()[0]);
  for (size_t i = 0; i < usual.size(); ++i) EXPECT_FLOAT_EQ(2 * usual[i], twice[i]);
  for (int i = 0; i < 3; ++i) c.inputs[static_cast<size_t>(i)] = FloatTensor({1, 0, 4}, {});
  const std::vector<Tensor> none = c.Run();
  EXPECT_EQ(none[0].shape(), Shape({1, 0, 4}));
  ExpectClose(none[1], c.inputs[3], 0);
}

TEST(LinearAttention, RefusesWhatDoesNotFit) {
  const Sizes sizes = {1, 2, 2, 2, 4, 4};
  OperatorCase c = Attention(sizes, "gated_delta", true, true, 3);
  c.inputs[4] = Tensor();
  ExpectError(c, "the update rule 'gated_delta' needs input 'decay'");
  c = Attention(sizes, "delta", true, true, 3);
  c.inputs[5] = FloatTensor({1, 2, 3}, std::vector<float>(6));
  ExpectError(c, "the last axis of input 'beta' has 3 elements but must have 1 or 2");
  c = Attention(sizes, "linear", true, true, 3);
  c.inputs[3] = FloatTensor({1, 2, 4, 3}, std::vector<float>(24));
  ExpectError(c, "input 'past_state' has shape [1,2,4,3] but its axis 3 must have 4");
  c.inputs[3] = FloatTensor({2, 4, 4}, std::vector<float>(32));
  ExpectError(c, "must have 4 axes");
  c = Attention(sizes, "linear", false, false, 3);
  c.inputs[1] = FloatTensor({1, 2, 7}, std::vector<float>(14));
  ExpectError(c, "which 2 heads cannot share");
  c.inputs[1] = FloatTensor({1, 2, 6}, std::vector<float>(12));
  ExpectError(c, "a head of the query has 4 elements, one of the key 3");
  c.inputs[1] = FloatTensor({1, 3, 8}, std::vector<float>(24));
  ExpectError(c, "its axis 1 must have 2 elements");
  c = Attention(sizes, "cubic", false, false, 3);
  ExpectError(c, "'update_rule' is 'cubic'");
  c = Attention({1, 2, 3, 2, 4, 4}, "linear", false, false, 3);
  ExpectError(c, "'q_num_heads' and 'kv_num_heads' are 3 and 2");
}

OperatorCase Convolution(int64_t length, int64_t taps, bool bias, bool past, unsigned seed) {
  std::mt19937 random(seed);
  OperatorCase c;
  c.name = "CausalConvWithState";
  c.opset = 27;
  c.inputs = {RandomTensor({2, 3, length}, random), RandomTensor({3, 1, taps}, random),
              bias ? RandomTensor({3}, random) : Tensor(),
              past ? RandomTensor({2, 3, taps - 1}, random) : Tensor()};
  c.output_count = 2;
  return c;
}

TEST(CausalConvWithState, SlidesOverPastAndPresent) {
  for (const int64_t length : {0, 1, 2, 7, 200}) {
    for (const int64_t taps : {1, 2, 4, 9}) {
      for (const bool past : {false, true}) {
        SCOPED_TRACE(testing::Message() << length << " " << taps << " " << past);
        const OperatorCase c = Convolution(length, taps, taps % 2 == 0, past, 4);
        const std::vector<Tensor> outputs = c.Run(3);
        ASSERT_EQ(outputs.size(), 2u);
        const auto x = c.inputs[0].span<float>();
        const auto w = c.inputs[1].span<float>();
        for (int64_t row = 0; row < 6; ++row) {
          std::vector<float> line(static_cast<size_t>(taps - 1), 0.0f);
          if (past) {
            const auto before = c.inputs[3].span<float>();
            line.assign(before.begin() + row * (taps - 1), before.begin() + (row + 1) * (taps - 1));
          }
          line.insert(line.end(), x.begin() + row * length, x.begin() + (row + 1) * length);
          for (int64_t t = 0; t < length; ++t) {
            double sum = c.inputs[2] ? c.inputs[2].span<float>()[static_cast<size_t>(row % 3)] : 0;
            for (int64_t k = 0; k < taps; ++k) {
              sum += static_cast<double>(w[static_cast<size_t>(row % 3 * taps + k)]) *
                     line[static_cast<size_t>(t + k)];
            }
            EXPECT_NEAR(outputs[0].span<float>()[static_cast<size_t>(row * length + t)], sum, 1e-5);
          }
          for (int64_t k = 0; k < taps - 1; ++k) {
            EXPECT_EQ(outputs[1].span<float>()[static_cast<size_t>(row * (taps - 1) + k)],
                      line[static_cast<size_t>(length + k)]);
          }
        }
      }
    }
  }
}

TEST(CausalConvWithState, Activates) {
  OperatorCase c = Convolution(70, 4, true, true, 5);
  const std::vector<float> plain = Floats(c.Run()[0]);
  for (const char* const name : {"silu", "swish"}) {
    c.attributes.clear();
    c.Set("activation", std::string(name));
    const std::vector<float> active = Floats(c.Run()[0]);
    for (size_t i = 0; i < plain.size(); ++i) {
      EXPECT_NEAR(active[i], plain[i] / (1 + std::exp(-plain[i])), 1e-5);
    }
    ExpectAgreement(c, 1e-5);
  }
}

TEST(CausalConvWithState, RefusesWhatDoesNotFit) {
  OperatorCase c = Convolution(5, 3, true, true, 6);
  c.Set("activation", std::string("relu"));
  ExpectError(c, "'activation' is 'relu'");
  c = Convolution(5, 3, true, true, 6);
  c.inputs[3] = FloatTensor({2, 3, 3}, std::vector<float>(18));
  ExpectError(c, "its axis 2 must have 2 elements");
  c = Convolution(5, 3, true, true, 6);
  c.inputs[1] = FloatTensor({3, 2, 3}, std::vector<float>(18));
  ExpectError(c, "its axis 1 must have 1 elements");
  c.inputs[1] = FloatTensor({3, 1, 0}, {});
  ExpectError(c, "its weight has no taps");
}

}  // namespace
}  // namespace mullion::cpu
