// SPDX-License-Identifier: MIT
// Operators of com.microsoft that are written out as several nodes, against their equations.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "operators/registry.h"
#include "optimizer/infer_graph.h"
#include "tests/runtime/test_model.h"

namespace mullion {
namespace {

double At(const Tensor& tensor, int64_t i) {
  return static_cast<double>(tensor.span<float>()[static_cast<size_t>(i)]);
}

void ExpectFloats(const Datum& actual, const Shape& shape, const std::vector<float>& expected) {
  const Tensor& tensor = *actual.OwnedTensor();
  ASSERT_EQ(tensor.shape(), shape);
  ASSERT_EQ(tensor.count(), static_cast<int64_t>(expected.size()));
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(tensor.span<float>()[i], expected[i], 2e-5) << i;
  }
}

// com.microsoft's Attention that turns queries and keys, whose two halves of a head's first
// `turned` numbers are the parts of complex ones; what it keeps of keys is turned, too.
TEST(MicrosoftAttention, TurnsByPlacesBehindThePast) {
  constexpr int64_t kBatch = 2, kHeads = 2, kTokens = 3, kSize = 8, kWidth = 5;
  constexpr int64_t kHidden = kHeads * kSize;
  for (const int64_t turned : {0, 4}) {
    for (const int64_t past : {0, 2, 3000}) {
      SCOPED_TRACE(testing::Message() << turned << " " << past);
      const Tensor x = RandomFloats({kBatch, kTokens, kWidth}, 1);
      const Tensor weights = RandomFloats({kWidth, 3 * kHidden}, 2);
      const Tensor before = RandomFloats({2, kBatch, kHeads, past, kSize}, 3);
      TestModel model;
      // Nothing of the weights' shape is known where a whole head turns.
      Value& given = turned != 0 ? model.Constant(weights) : model.Input("w", {-1, -1});
      Node& node = model.AddNode("Attention",
                                 {&model.Input("x", {-1, -1, kWidth}), &given, nullptr, nullptr,
                                  &model.Input("past", {2, kBatch, kHeads, -1, kSize})},
                                 2);
      node.SetOperator("com.microsoft", "Attention", 1);
      node.SetAttribute("num_heads", kHeads);
      node.SetAttribute("scale", 0.2f);
      node.SetAttribute("do_rotary", int64_t{1});
      if (turned != 0) node.SetAttribute("rotary_embedding_dim", turned);
      for (int i = 0; i < 2; ++i) model.Output(*node.output(i));
      const std::unique_ptr<Session> session = model.MakeSession(2);
      ASSERT_NE(session, nullptr);
      std::vector<Datum> inputs = {Datum::FromTensor(x), Datum::FromTensor(before)};
      if (turned == 0) inputs.insert(inputs.begin(), Datum::FromTensor(weights));
      Datum actual[2];
      const Status status = session->Run(inputs, actual);
      ASSERT_TRUE(status.ok()) << status.message();
      // Number i of a head of query (0), key or value.
      const auto projected = [&](int64_t part, int64_t b, int64_t t, int64_t h, int64_t i) {
        double sum = 0;
        for (int64_t j = 0; j < kWidth; ++j) {
          sum += At(x, (b * kTokens + t) * kWidth + j) *
                 At(weights, (j * 3 + part) * kHidden + h * kSize + i);
        }
        return sum;
      };
      const int64_t count = turned != 0 ? turned : kSize, half = count / 2;
      const auto number = [&](int64_t part, int64_t b, int64_t t, int64_t h, int64_t i) {
        const double plain = projected(part, b, t, h, i);
        if (part == 2 || i >= count) return plain;
        const double angle =
            static_cast<double>(past + t) *
            std::pow(10000.0, -2.0 * static_cast<double>(i % half) / static_cast<double>(count));
        const double other = projected(part, b, t, h, i < half ? i + half : i - half);
        return plain * std::cos(angle) + (i < half ? -other : other) * std::sin(angle);
      };
      const int64_t keys = past + kTokens;
      std::vector<float> present, out;
      const auto held = [&](int64_t which, int64_t b, int64_t h, int64_t t, int64_t i) {
        return t >= past ? number(1 + which, b, t - past, h, i)
                         : At(before, (((which * kBatch + b) * kHeads + h) * past + t) * kSize + i);
      };
      for (int64_t i = 0; i < 2 * kBatch * kHeads * keys * kSize; ++i) {
        const int64_t row = i / kSize / keys;
        present.push_back(static_cast<float>(held(row / kHeads / kBatch, row / kHeads % kBatch,
                                                  row % kHeads, i / kSize % keys, i % kSize)));
      }
      for (int64_t row = 0; row < kBatch * kTokens * kHeads; ++row) {
        const int64_t b = row / kHeads / kTokens, t = row / kHeads % kTokens, h = row % kHeads;
        double sum = 0, mixed[kSize] = {};
        for (int64_t k = 0; k < keys; ++k) {
          double score = 0;
          for (int64_t i = 0; i < kSize; ++i) {
            score += number(0, b, t, h, i) * held(0, b, h, k, i);
          }
          sum += score = std::exp(0.2 * score);
          for (int64_t i = 0; i < kSize; ++i) mixed[i] += score * held(1, b, h, k, i);
        }
        for (const double x_i : mixed) out.push_back(static_cast<float>(x_i / sum));
      }
      ExpectFloats(actual[0], {kBatch, kTokens, kHidden}, out);
      ExpectFloats(actual[1], {2, kBatch, kHeads, keys, kSize}, present);
    }
  }
}

// Why the model is refused, of float inputs of known shapes.
std::string RefusalOf(const char* name, const std::vector<TypeInfo>& inputs,
                      const std::vector<std::pair<const char*, int64_t>>& attributes) {
  Graph graph;
  std::vector<Value*> values;
  for (const TypeInfo& input : inputs) values.push_back(&graph.AddInput("x", input));
  Node& node = graph.AddNode("com.microsoft", name, 1, values, 1, "y");
  for (const auto& [attribute, number] : attributes) node.SetAttribute(attribute, number);
  graph.AddOutput(*node.output(0));
  return optimizer::InferGraph(graph, BuiltInOperators()).message();
}

TEST(MicrosoftAttention, SaysWhatItCannotTurnAndShare) {
  const auto of = [](ElementType type, const Shape& shape) {
    return TypeInfo::Tensor(type, shape);
  };
  constexpr ElementType kFloat = ElementType::kFloat, kByte = ElementType::kUint8;
  const std::vector<TypeInfo> floats = {of(kFloat, {1, 3, 5}), of(kFloat, {5, 48})};
  for (const int64_t turned : {-2, 3, 10, 8}) {
    const std::string why =
        RefusalOf("Attention", floats,
                  {{"num_heads", 2}, {"do_rotary", 1}, {"rotary_embedding_dim", turned}});
    EXPECT_EQ(why.find("'rotary_embedding_dim'") != std::string::npos, turned != 8) << why;
  }
  std::vector<TypeInfo> bytes = {
      of(kByte, {1, 3, 5}), of(kByte, {5, 48}),           of(kFloat, {48}), of(kFloat, {}),
      of(kFloat, {}),       of(ElementType::kInt32, {1}), of(kByte, {}),    of(kByte, {})};
  EXPECT_EQ(RefusalOf("QAttention", bytes, {{"num_heads", 2}, {"past_present_share_buffer", 1}}),
            "");
  bytes.push_back(of(kFloat, {2, 1, 2, 4, 8}));
  EXPECT_NE(RefusalOf("QAttention", bytes, {{"num_heads", 2}, {"past_present_share_buffer", 1}})
                .find("QAttention has no input"),
            std::string::npos);
}

TEST(MicrosoftMatmulNbits, SaysWhatToDoWithPackedWeights) {
  const TypeInfo any = TypeInfo::Tensor(ElementType::kFloat, {2, 32});
  EXPECT_NE(RefusalOf("MatMulNBits", {any, any, any}, {{"weight_prepacked", 1}})
                .find("export the model without it"),
            std::string::npos);
}

// The mean, which nothing is taken from, and the inverse of the root.
TEST(SkipSimplifiedLayerNormalization, GivesStatistics) {
  const Shape shape = {2, 3, 33};
  const Tensor x = RandomFloats(shape, 1), skip = RandomFloats(shape, 2);
  TestModel model;
  Node& node = model.AddNode("SkipSimplifiedLayerNormalization",
                             {&model.Input("x", shape), &model.Input("skip", shape),
                              &model.Constant(RandomFloats({33}, 3))},
                             4);
  node.SetOperator("com.microsoft", "SkipSimplifiedLayerNormalization", 1);
  node.SetAttribute("epsilon", 1e-3f);
  for (int i = 0; i < 4; ++i) model.Output(*node.output(i));
  const std::unique_ptr<Session> session = model.MakeSession();
  ASSERT_NE(session, nullptr);
  const Datum inputs[] = {Datum::FromTensor(x), Datum::FromTensor(skip)};
  Datum outputs[4];
  const Status status = session->Run(inputs, outputs);
  ASSERT_TRUE(status.ok()) << status.message();
  std::vector<float> means, inverses;
  for (int64_t row = 0; row < 6; ++row) {
    double sum = 0, squares = 0;
    for (int64_t i = row * 33; i < (row + 1) * 33; ++i) {
      const double number = At(x, i) + At(skip, i);
      sum += number;
      squares += number * number;
    }
    means.push_back(static_cast<float>(sum / 33));
    inverses.push_back(static_cast<float>(1 / std::sqrt(squares / 33 + 1e-3)));
  }
  ExpectFloats(outputs[1], {2, 3, 1}, means);
  ExpectFloats(outputs[2], {2, 3, 1}, inverses);
}

}  // namespace
}  // namespace mullion
