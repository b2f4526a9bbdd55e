// SPDX-License-Identifier: MIT
// com.microsoft's mixtures of experts against what they mean, token by token.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "operators/registry.h"
#include "optimizer/infer_graph.h"
#include "tests/runtime/test_model.h"

namespace mullion {
namespace {

constexpr int64_t kTokens = 37, kHidden = 24, kInner = 40, kExperts = 5, kChoices = 2;

using Row = std::vector<double>;

// Weights [experts, columns, depth], which QMoE has as numbers of 4 bits with one scale a column.
struct Weights {
  Weights(int64_t column_count, int64_t row_depth, bool quantized, std::mt19937& random)
      : columns(column_count),
        depth(row_depth),
        floats(RandomFloats({kExperts, columns, depth}, static_cast<uint32_t>(random()))),
        bias(RandomFloats({kExperts, columns}, static_cast<uint32_t>(random()))) {
    if (!quantized) return;
    scales = RandomFloats({kExperts, columns}, static_cast<uint32_t>(random()));
    numbers = *Tensor::Allocate(ElementType::kUint8, {kExperts, columns, depth / 2});
    auto* const bytes = static_cast<uint8_t*>(numbers.mutable_data());
    auto* const values = static_cast<float*>(floats.mutable_data());
    for (int64_t i = 0; i < numbers.count(); ++i) {
      bytes[i] = static_cast<uint8_t>(random());
      const float scale = scales.span<float>()[static_cast<size_t>(2 * i / depth)];
      values[2 * i] = static_cast<float>((bytes[i] & 15) - 8) * scale;
      values[2 * i + 1] = static_cast<float>((bytes[i] >> 4) - 8) * scale;
    }
  }

  Row Apply(int64_t expert, const Row& row) const {
    Row result;
    for (int64_t c = expert * columns; c < (expert + 1) * columns; ++c) {
      double sum = static_cast<double>(bias.span<float>()[static_cast<size_t>(c)]);
      for (int64_t k = 0; k < depth; ++k) {
        sum += row[static_cast<size_t>(k)] *
               static_cast<double>(floats.span<float>()[static_cast<size_t>(c * depth + k)]);
      }
      result.push_back(sum);
    }
    return result;
  }

  int64_t columns, depth;
  Tensor floats, bias, scales, numbers;
};

struct Mixture {
  explicit Mixture(bool with_numbers)
      : quantized(with_numbers),
        x(RandomFloats({1, kTokens, kHidden}, static_cast<uint32_t>(random()))),
        router(RandomFloats({kTokens, kExperts}, static_cast<uint32_t>(random()))),
        first(2 * kInner, kHidden, quantized, random),
        second(kHidden, kInner, quantized, random) {}

  // The weights of MoE are constant or come at run time, QMoE's are constant.
  void Build(TestModel& model, bool constant) const {
    std::vector<Value*> inputs = {&model.Input("x", {-1, -1, kHidden}),
                                  &model.Input("router", {-1, kExperts})};
    const auto add = [&](const Tensor& tensor) {
      inputs.push_back(constant ? &model.Constant(tensor)
                                : &model.Input(StrCat("w", inputs.size()).c_str(), tensor.shape()));
    };
    for (const Weights* const weights : {&first, &second}) {
      add(quantized ? weights->numbers : weights->floats);
      if (quantized) add(weights->scales);
      add(weights->bias);
    }
    Node& node = model.AddNode("Identity", inputs);
    node.SetOperator("com.microsoft", quantized ? "QMoE" : "MoE", 1);
    node.SetAttribute("k", kChoices);
    node.SetAttribute("activation_type", std::string("swiglu"));
    node.SetAttribute("swiglu_fusion", int64_t{1});
    node.SetAttribute("activation_alpha", 1.702f);
    node.SetAttribute("activation_beta", 1.0f);
    node.SetAttribute("swiglu_limit", 3.0f);
    node.SetAttribute("normalize_routing_weights", int64_t{1});
    model.Output(*node.output(0));
  }

  std::vector<float> Run(bool constant, int threads) const {
    TestModel model;
    Build(model, constant);
    const std::unique_ptr<Session> session = model.MakeSession(threads);
    if (session == nullptr) return {};
    std::vector<Datum> inputs = {Datum::FromTensor(x), Datum::FromTensor(router)};
    for (const Weights* const weights : {&first, &second}) {
      if (constant) break;
      inputs.push_back(Datum::FromTensor(weights->floats));
      inputs.push_back(Datum::FromTensor(weights->bias));
    }
    Datum output;
    const Status status = session->Run(inputs, {&output, 1});
    EXPECT_TRUE(status.ok()) << status.message();
    if (!status.ok()) return {};
    EXPECT_EQ(output.OwnedTensor()->shape(), (Shape{1, kTokens, kHidden}));
    const auto floats = output.OwnedTensor()->span<float>();
    return {floats.begin(), floats.end()};
  }

  std::vector<float> Expected() const {
    std::vector<float> all;
    for (int64_t t = 0; t < kTokens; ++t) {
      const auto scores = router.span<float>().subspan(static_cast<size_t>(t * kExperts), kExperts);
      std::vector<int64_t> order(kExperts);
      std::iota(order.begin(), order.end(), 0);
      std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
        return scores[static_cast<size_t>(a)] > scores[static_cast<size_t>(b)];
      });
      Row sum(kHidden, 0.0);
      double whole = 0;
      for (int64_t i = 0; i < kChoices; ++i) {
        const int64_t expert = order[static_cast<size_t>(i)];
        const double share = std::exp(static_cast<double>(scores[static_cast<size_t>(expert)]));
        whole += share;
        const Row result = Expert(expert, t);
        for (size_t k = 0; k < sum.size(); ++k) sum[k] += share * result[k];
      }
      for (const double value : sum) all.push_back(static_cast<float>(value / whole));
    }
    return all;
  }

  Row Expert(int64_t expert, int64_t token) const {
    const auto row = x.span<float>().subspan(static_cast<size_t>(token * kHidden), kHidden);
    const Row joined = first.Apply(expert, Row(row.begin(), row.end()));
    Row hidden;
    for (size_t i = 0; i < joined.size(); i += 2) {
      const double gate = std::min(joined[i], 3.0);
      const double linear = std::clamp(joined[i + 1], -3.0, 3.0);
      hidden.push_back(gate / (1 + std::exp(-static_cast<double>(1.702f) * gate)) * (linear + 1));
    }
    return second.Apply(expert, hidden);
  }

  std::mt19937 random{7};
  bool quantized;
  Tensor x, router;
  Weights first, second;
};

class Mixtures : public testing::TestWithParam<bool> {};

TEST_P(Mixtures, AddTheChosenExpertsOfEachToken) {
  const Mixture mixture(GetParam());
  const std::vector<float> expected = mixture.Expected();
  for (const cpu::Isa isa : cpu::AvailableIsas()) {
    cpu::SetIsaForTest(isa);
    for (const bool constant : {true, false}) {
      if (!constant && mixture.quantized) continue;
      SCOPED_TRACE(testing::Message() << cpu::IsaName(isa) << " " << constant);
      const std::vector<float> one = mixture.Run(constant, 1);
      ASSERT_EQ(one.size(), expected.size());
      for (size_t i = 0; i < one.size(); ++i) {
        EXPECT_NEAR(one[i], expected[i], 2e-4 * std::max(1.0f, std::abs(expected[i]))) << i;
      }
      EXPECT_EQ(one, mixture.Run(constant, 3));
    }
  }
  cpu::SetIsaForTest(cpu::AvailableIsas().back());
}

TEST_P(Mixtures, SayWhatTheyDoNotTake) {
  const auto error = [&](const char* attribute, int64_t value) {
    Graph graph;
    const TypeInfo any = TypeInfo::Tensor(ElementType::kFloat, {2, 32});
    const std::vector<Value*> inputs(GetParam() ? 8 : 6, &graph.AddInput("x", any));
    Node& node = graph.AddNode("com.microsoft", GetParam() ? "QMoE" : "MoE", 1, inputs, 1, "y");
    node.SetAttribute("activation_type", std::string("swiglu"));
    node.SetAttribute("swiglu_fusion", int64_t{1});
    node.SetAttribute(attribute, value);
    graph.AddOutput(*node.output(0));
    return optimizer::InferGraph(graph, BuiltInOperators()).message();
  };
  EXPECT_NE(error("use_sparse_mixer", 1).find("use_sparse_mixer"), std::string::npos);
  EXPECT_NE(error("k", 0).find("'k' is 0"), std::string::npos);
  EXPECT_NE(error("swiglu_fusion", 0).find("fc3_experts_weights"), std::string::npos);
}

// Zero points of rank 2 are joined only where a column has one block.
TEST(MixtureNumbers, TakeNoZeroPointsOfAnotherSize) {
  const auto message = [](const Shape& weights, const Shape& scales, const Shape& zeros) {
    Graph graph;
    const auto constant = [&](ElementType type, const Shape& shape) {
      Tensor tensor = *Tensor::Allocate(type, shape);
      std::memset(tensor.mutable_data(), 0, tensor.bytes());
      return &graph.AddConstant("c", std::move(tensor));
    };
    const auto input = [&](const Shape& shape) {
      return &graph.AddInput("x", TypeInfo::Tensor(ElementType::kFloat, shape));
    };
    Value* const numbers = constant(ElementType::kUint8, weights);
    Value* const steps = constant(ElementType::kFloat, scales);
    Value* const zero = zeros.rank() == 0 ? nullptr : constant(ElementType::kUint8, zeros);
    const std::vector<Value*> inputs = {input({1, weights[2]}),
                                        input({1, 2}),
                                        numbers,
                                        steps,
                                        nullptr,
                                        numbers,
                                        steps,
                                        nullptr,
                                        nullptr,
                                        nullptr,
                                        nullptr,
                                        zero};
    Node& node = graph.AddNode("com.microsoft", "QMoE", 1, inputs, 1, "y");
    node.SetAttribute("expert_weight_bits", int64_t{8});
    node.SetAttribute("block_size", int64_t{16});
    graph.AddOutput(*node.output(0));
    return optimizer::InferGraph(graph, BuiltInOperators()).message();
  };
  EXPECT_EQ(message({2, 32, 32}, {2, 32, 2}, {2, 32, 2}), "");
  EXPECT_EQ(message({2, 16, 16}, {2, 16, 1}, {2, 16}), "");
  EXPECT_NE(message({2, 32, 32}, {2, 32, 2}, {2, 32}).find("must have 128 elements"),
            std::string::npos);
  EXPECT_NE(message({2, 3, 0}, {2, 3, 0}, {}).find("must not be empty"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Forms, Mixtures, testing::Bool());

}  // namespace
}  // namespace mullion
