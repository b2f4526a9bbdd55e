// SPDX-License-Identifier: MIT
#include "optimizer/fuse_quantized.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>

#include "device/weight_store.h"
#include "devices/cpu/cpu_device.h"
#include "optimizer/fold_constants.h"
#include "optimizer/remove_dead_code.h"
#include "runtime/run_node.h"
#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

const cpu::CpuDevice kCpu;

class CpuCapabilities final : public optimizer::Capabilities {
 public:
  bool Supports(const Node& node) const override { return kCpu.Supports(node).ok(); }
};

struct Scale {
  float scale;
  int zero_point;
};

// Graphs of uint8 tensors with float operators between.
class QuantizedMaker : public GraphMaker {
 public:
  Value& Bytes(const Shape& shape) {
    return graph.AddInput("bytes", TypeInfo::Tensor(ElementType::kUint8, shape));
  }
  Value& Dequantized(Value& bytes, Scale scale) {
    return Add("DequantizeLinear", {&bytes, &Number(scale.scale), &Zero(scale.zero_point)});
  }
  Value& Quantized(Value& floats, Scale scale) {
    return Add("QuantizeLinear", {&floats, &Number(scale.scale), &Zero(scale.zero_point)});
  }
  Value& Number(float value) { return graph.AddConstant("scale", Tensor::Scalar(value)); }
  Value& Zero(int value) {
    return graph.AddConstant("zero", Tensor::Scalar(static_cast<uint8_t>(value)));
  }
  // Weights of `shape` with a scale for each index of `axis`.
  Value& Weights(const Shape& shape, int axis) {
    std::vector<int8_t> values(static_cast<size_t>(shape.ElementCount()));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int8_t>(i * 37 % 251 - 125);
    std::vector<float> scales(static_cast<size_t>(shape[axis]));
    for (size_t i = 0; i < scales.size(); ++i) scales[i] = 0.01f + 0.001f * static_cast<float>(i);
    const Tensor tensor = Tensor::FromSpan<int8_t>(shape, std::span<const int8_t>(values));
    Value& result = Add("DequantizeLinear", {&graph.AddConstant("w", tensor), &Floats(scales)});
    result.producer()->SetAttribute("axis", int64_t{axis});
    return result;
  }
  Value& Floats(const std::vector<float>& values) {
    return graph.AddConstant("floats", Tensor::Vector<float>(values));
  }

  bool Fuse() {
    DeviceEvaluator evaluator(kCpu, BuiltInOperators(), WeightStore::Global());
    const bool fused =
        optimizer::FuseQuantized(graph, BuiltInOperators(), CpuCapabilities(), evaluator);
    optimizer::RemoveDeadCode(graph);
    EXPECT_TRUE(graph.Validate().ok()) << graph.Validate().message();
    return fused;
  }

  // The graph's one output when its inputs hold bytes that look random.
  Tensor Evaluate() const {
    const std::unique_ptr<Graph> copy = graph.Clone();
    DeviceEvaluator evaluator(kCpu, BuiltInOperators(), WeightStore::Global());
    std::mt19937 random(7);
    for (Value* const input : copy->inputs()) {
      std::vector<uint8_t> bytes(static_cast<size_t>(input->type.shape.ElementCount()));
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
      input->constant =
          Tensor::FromSpan<uint8_t>(input->type.shape, std::span<const uint8_t>(bytes));
    }
    for (const auto& node : copy->nodes()) {
      std::vector<Tensor> inputs;
      for (const Value* const input : node->inputs()) {
        inputs.push_back(input == nullptr ? Tensor() : input->constant);
      }
      const auto outputs = evaluator.Evaluate(*node, inputs);
      EXPECT_TRUE(outputs.ok()) << outputs.status().message();
      if (!outputs.ok()) return Tensor();
      node->output(0)->constant = (*outputs)[0];
    }
    return copy->outputs()[0]->constant;
  }
};

// Fused or not, results are the same; `slack` steps apart where float sums become exact.
void ExpectFusion(QuantizedMaker& maker, Value& output, const char* text, int slack = 0) {
  ASSERT_TRUE(maker.Finish(output).ok());
  const Tensor expected = maker.Evaluate();
  EXPECT_TRUE(maker.Fuse());
  EXPECT_EQ(TextOf(maker.graph), text);
  const Tensor result = maker.Evaluate();
  ASSERT_EQ(result.count(), expected.count());
  ASSERT_GT(result.count(), 0);
  for (int64_t i = 0; i < result.count(); ++i) {
    const auto at = static_cast<size_t>(i);
    ASSERT_NEAR(result.span<uint8_t>()[at], expected.span<uint8_t>()[at], slack) << i;
  }
  const auto range =
      std::minmax_element(expected.span<uint8_t>().begin(), expected.span<uint8_t>().end());
  EXPECT_GT(*range.second, *range.first);
}

TEST(FuseQuantized, MakesATableOfAFunctionOfOneByte) {
  QuantizedMaker maker;
  Value& x = maker.Dequantized(maker.Bytes({3, 50}), {0.05f, 100});
  Value& gate = maker.Quantized(maker.Add("Sigmoid", {&x}), {1.0f / 255, 0});
  Value& swish = maker.Add("Mul", {&x, &maker.Dequantized(gate, {1.0f / 255, 0})});
  ExpectFusion(maker, maker.Quantized(swish, {0.03f, 9}), "ByteTable");
}

TEST(FuseQuantized, TakesSingleNumbersAlong) {
  QuantizedMaker maker;
  Value& x = maker.Dequantized(maker.Bytes({4, 40}), {0.05f, 100});
  Value& scaled = maker.Add("Mul", {&maker.Constant({1}, 0.5f), &x});
  Value& moved = maker.Add("Add", {&scaled, &maker.Constant({}, 1.5f)});
  ExpectFusion(maker, maker.Quantized(moved, {0.03f, 90}), "ByteTable");
}

TEST(FuseQuantized, LeavesWhatIsNoFunctionOfOneByte) {
  QuantizedMaker maker;
  Value& x = maker.Dequantized(maker.Bytes({2, 3}), {0.05f, 100});
  // One number a column, and a number that would add a dimension.
  Value& sum = maker.Add("Add", {&x, &maker.Floats({1, 2, 3})});
  ASSERT_TRUE(maker.Finish(maker.Quantized(sum, {0.05f, 0})).ok());
  Value& wide = maker.Add("Add", {&x, &maker.Constant({1, 1, 1})});
  ASSERT_TRUE(maker.Finish(maker.Quantized(wide, {0.05f, 0})).ok());
  EXPECT_FALSE(maker.Fuse());
}

TEST(FuseQuantized, DropsAPairThatChangesNothing) {
  QuantizedMaker maker;
  Value& bytes = maker.Bytes({100});
  Value& again = maker.Quantized(maker.Dequantized(bytes, {0.1f, 3}), {0.1f, 3});
  Value& relu = maker.Add("Relu", {&maker.Dequantized(again, {0.1f, 3})});
  ExpectFusion(maker, maker.Quantized(relu, {0.1f, 3}), "ByteTable");
  EXPECT_EQ(maker.graph.nodes().front()->input(0), &bytes);
}

TEST(FuseQuantized, MakesConvolutionsOfBytes) {
  for (const bool with_bias : {false, true}) {
    QuantizedMaker maker;
    Value& x = maker.Dequantized(maker.Bytes({1, 8, 9, 9}), {0.05f, 100});
    Value& weights = maker.Weights({5, 8, 3, 3}, 0);
    Value& conv = with_bias ? maker.Add("Conv", {&x, &weights, &maker.Floats({3, 1, -4, 1, -5})})
                            : maker.Add("Conv", {&x, &weights});
    conv.producer()->SetAttribute("strides", std::vector<int64_t>{2, 2});
    ExpectFusion(maker, maker.Quantized(conv, {0.4f, 120}), "QLinearConv", 1);
  }
}

TEST(FuseQuantized, TakesAStoredBiasAsItIs) {
  QuantizedMaker maker;
  Value& x = maker.Dequantized(maker.Bytes({1, 4, 6, 6}), {0.05f, 100});
  Value& weights = maker.Weights({2, 4, 1, 1}, 0);
  const std::vector<int32_t> stored = {1234, -5678};
  Value& bias =
      maker.Add("DequantizeLinear", {&maker.graph.AddConstant("b", Tensor::Vector<int32_t>(stored)),
                                     &maker.Floats({0.05f * 0.01f, 0.05f * (0.01f + 0.001f)})});
  bias.producer()->SetAttribute("axis", int64_t{0});
  Value& conv = maker.Add("Conv", {&x, &weights, &bias});
  ExpectFusion(maker, maker.Quantized(conv, {0.2f, 120}), "QLinearConv", 1);
  const Value* const taken = maker.graph.nodes().front()->input(8);
  EXPECT_TRUE(std::ranges::equal(taken->constant.span<int32_t>(), stored));
}

TEST(FuseQuantized, ClampsAfterTheConvolution) {
  for (const int zero : {0, 30}) {
    QuantizedMaker maker;
    Value& x = maker.Dequantized(maker.Bytes({1, 4, 9, 9}), {0.05f, 100});
    Value& conv = maker.Add("Conv", {&x, &maker.Weights({6, 4, 3, 3}, 0)});
    Value& relu = maker.Add("Relu", {&conv});
    // Zero is the least byte: the rounding clamps.
    ExpectFusion(maker, maker.Quantized(relu, {0.4f, zero}),
                 zero == 0 ? "QLinearConv" : "QLinearConv ByteTable", 1);
  }
}

// As in residual networks whose BatchNormalization was not folded before they were quantized.
TEST(FuseQuantized, RescalesConvolutionsByChannel) {
  const auto normalized = [](QuantizedMaker& maker, Value& x) -> Value& {
    return maker.Add("BatchNormalization",
                     {&x, &maker.Floats({1, 2, -1, 0.5f, 3, 1}), &maker.Floats({0, 1, 2, 3, -4, 5}),
                      &maker.Floats({1, -1, 0, 0, 2, 2}), &maker.Floats({1, 2, 3, 4, 5, 6})});
  };
  for (const int64_t group : {1, 2, 6}) {
    for (const std::string shortcut : {"", "bytes", "floats", "convolution"}) {
      for (const bool rectified : {false, true}) {
        QuantizedMaker maker;
        const Scale scale = {0.05f, 100};
        Value& x = maker.Dequantized(maker.Bytes({2, 6, 7, 5}), scale);
        const auto convolution = [&]() -> Value& {
          Value& conv = maker.Add("Conv", {&x, &maker.Weights({6, 6 / group, 3, 3}, 0)});
          conv.producer()->SetAttribute("pads", std::vector<int64_t>(4, 1));
          conv.producer()->SetAttribute("group", group);
          return maker.Dequantized(maker.Quantized(conv, {0.4f, 120}), {0.4f, 120});
        };
        Value* sum = &normalized(maker, convolution());
        if (shortcut == "bytes") sum = &maker.Add("Sum", {&x, sum});
        if (shortcut == "floats") sum = &maker.Add("Add", {sum, &maker.Add("Exp", {&x})});
        if (shortcut == "convolution") {
          sum = &maker.Add("Add", {sum, &normalized(maker, convolution())});
        }
        if (rectified) sum = &maker.Add("Relu", {sum});
        const std::string text = shortcut == "floats"
                                     ? "DequantizeLinear QLinearConv DequantizeLinear "
                                       "BatchNormalization Exp Add QuantizeLinear"
                                 : shortcut == "convolution" ? "QLinearConv RescaledConv"
                                                             : "RescaledConv";
        if (shortcut == "floats" && rectified) continue;
        ExpectFusion(maker, maker.Quantized(*sum, {0.5f, rectified ? 20 : 110}), text.c_str(), 1);
      }
    }
  }
}

TEST(FuseQuantized, MakesMatrixProductsOfBytes) {
  QuantizedMaker maker;
  Value& x = maker.Dequantized(maker.Bytes({7, 16}), {0.05f, 100});
  Value& product = maker.Add("MatMul", {&x, &maker.Weights({16, 10}, 1)});
  ExpectFusion(maker, maker.Quantized(product, {0.4f, 120}), "QLinearMatMul", 1);
}

TEST(FuseQuantized, MultipliesMatricesOfRunTimeAndAroundAnyZeroPoint) {
  for (const bool constant : {false, true}) {
    SCOPED_TRACE(constant);
    QuantizedMaker maker;
    Value& x = maker.Dequantized(maker.Bytes({3, 7, 16}), {0.05f, 100});
    std::vector<uint8_t> weights(3 * 16 * 10);
    for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<uint8_t>(i * 37 % 251);
    const Tensor tensor =
        Tensor::FromSpan<uint8_t>(Shape{3, 16, 10}, std::span<const uint8_t>(weights));
    Value& bytes = constant ? maker.graph.AddConstant("w", tensor) : maker.Bytes({3, 16, 10});
    Value& product = maker.Add("MatMul", {&x, &maker.Dequantized(bytes, {0.02f, 130})});
    ExpectFusion(maker, maker.Quantized(product, {0.2f, 120}), "QLinearMatMul", 1);
  }
}

// Heads of attention are turned as bytes, too.
TEST(FuseQuantized, MultipliesWhatWasMoved) {
  QuantizedMaker maker;
  const auto turned = [&](std::vector<int64_t> perm) -> Value& {
    Value& x = maker.Dequantized(maker.Bytes({2, 6, 3, 8}), {0.05f, 100});
    Value& result = maker.Add("Transpose", {&x});
    result.producer()->SetAttribute("perm", std::move(perm));
    return result;
  };
  Value& a = turned({0, 2, 1, 3});
  Value& product = maker.Add("MatMul", {&a, &turned({0, 2, 3, 1})});
  ExpectFusion(maker, maker.Quantized(product, {0.2f, 120}),
               "Transpose(0,2,1,3) Transpose(0,2,3,1) QLinearMatMul", 1);
}

TEST(FuseQuantized, AddsBiasesToBytesOfMatrixProducts) {
  const std::vector<float> numbers = {1, -2, 0.5f, 0, 3, 7, -9, 2, 0.25f, 1};
  for (const std::string kind : {"floats", "bytes", "other floats", "rectified"}) {
    SCOPED_TRACE(kind);
    QuantizedMaker maker;
    Value& x = maker.Dequantized(maker.Bytes({2, 7, 16}), {0.05f, 100});
    Value& product = maker.Add("MatMul", {&x, &maker.Weights({16, 10}, 1)});
    Value& bytes = maker.Dequantized(maker.Quantized(product, {0.4f, 120}), {0.4f, 120});
    Value* bias = &maker.Floats(numbers);
    if (kind == "bytes") {
      std::vector<uint8_t> row;
      for (const float number : numbers) row.push_back(static_cast<uint8_t>(100 + 10 * number));
      Value& stored = maker.graph.AddConstant("row", Tensor::Vector<uint8_t>(row));
      bias = &maker.Dequantized(stored, {0.1f, 100});
    }
    if (kind == "other floats") {  // one for each row, too
      std::vector<float> many(70, 1.0f);
      many[3] = 5;
      bias = &maker.graph.AddConstant(
          "many", Tensor::FromSpan<float>({7, 10}, std::span<const float>(many)));
    }
    Value* sum = &maker.Add("Add", {bias, &bytes});
    if (kind == "rectified") sum = &maker.Add("Relu", {sum});
    ExpectFusion(maker, maker.Quantized(*sum, {0.5f, kind == "rectified" ? 20 : 110}),
                 kind == "other floats" ? "QLinearMatMul DequantizeLinear Add QuantizeLinear"
                                        : "RescaledMatMul",
                 1);
  }
}

TEST(FuseQuantized, AddsBiasesBeforeTheQuantization) {
  const std::vector<float> numbers = {1, -2, 0.5f, 0, 3, 7, -9, 2, 0.25f, 1};
  for (const bool rectified : {false, true}) {
    QuantizedMaker maker;
    Value& x = maker.Dequantized(maker.Bytes({2, 7, 16}), {0.05f, 100});
    Value& product = maker.Add("MatMul", {&x, &maker.Weights({16, 10}, 1)});
    Value* sum = &maker.Add("Add", {&product, &maker.Floats(numbers)});
    if (rectified) sum = &maker.Add("Relu", {sum});
    ExpectFusion(maker, maker.Quantized(*sum, {0.4f, rectified ? 0 : 120}), "RescaledMatMul", 1);
  }
}

// As attention is written out: stacks of products of run time, and a mask for the columns.
TEST(FuseQuantized, RescalesScoresByAMaskOfColumns) {
  for (const std::string scaling : {"Div", "Mul", ""}) {
    for (const Shape& shape : {Shape{2, 1, 1, 9}, Shape{1, 1, 1, 9}, Shape{9}, Shape{2, 1, 5, 9}}) {
      SCOPED_TRACE(scaling);
      QuantizedMaker maker;
      Value& a = maker.Dequantized(maker.Bytes({2, 3, 5, 8}), {0.05f, 100});
      Value& b = maker.Dequantized(maker.Bytes({2, 3, 8, 9}), {0.04f, 120});
      Value& mask = maker.Add("Exp", {&maker.Dequantized(maker.Bytes(shape), {0.01f, 110})});
      Value& product = maker.Quantized(maker.Add("MatMul", {&a, &b}), {0.2f, 120});
      Value* scores = &maker.Dequantized(product, {0.2f, 120});
      if (!scaling.empty()) scores = &maker.Add(scaling, {scores, &maker.Constant({}, 3.0f)});
      Value& sum = maker.Add("Add", {scores, &mask});
      const std::string rest = scaling.empty() ? "" : scaling + " ";
      const bool by_row = shape.rank() == 4 && shape[2] != 1;
      ExpectFusion(maker, maker.Quantized(sum, {0.3f, 90}),
                   by_row ? ("DequantizeLinear Exp QLinearMatMul DequantizeLinear " + rest +
                             "Add QuantizeLinear")
                                .c_str()
                          : "DequantizeLinear Exp Div RescaledMatMul",
                   1);
    }
  }
}

// Columns that are known at run time only: of the mask, of the product, and one to be repeated.
TEST(FuseQuantized, RescalesScoresOfAnyNumberOfColumns) {
  QuantizedMaker maker;
  Value& left = maker.Bytes({2, 3, 5, 8});
  Value& right = maker.Bytes({2, 3, 8, kUnknownDim});
  Value& mask = maker.Bytes({2, 1, 1, kUnknownDim});
  Value& product = maker.Add(
      "MatMul", {&maker.Dequantized(left, {0.05f, 100}), &maker.Dequantized(right, {0.04f, 120})});
  Value& scores = maker.Dequantized(maker.Quantized(product, {0.2f, 120}), {0.2f, 120});
  Value& added = maker.Add("Exp", {&maker.Dequantized(mask, {0.01f, 110})});
  Value& result = maker.Quantized(maker.Add("Add", {&scores, &added}), {0.3f, 90});
  ASSERT_TRUE(maker.Finish(result).ok());
  const auto evaluate = [&](int64_t columns, int64_t mask_columns) {
    right.type.shape[3] = columns;
    mask.type.shape[3] = mask_columns;
    return maker.Evaluate();
  };
  const std::vector<std::pair<int64_t, int64_t>> cases = {{9, 9}, {9, 1}, {1, 1}, {1, 9}, {1, 0}};
  std::vector<Tensor> expected;
  for (const auto& [columns, mask_columns] : cases) {
    expected.push_back(evaluate(columns, mask_columns));
  }
  right.type.shape[3] = mask.type.shape[3] = kUnknownDim;
  ASSERT_TRUE(maker.Fuse());
  EXPECT_EQ(TextOf(maker.graph), "DequantizeLinear Exp Div RescaledMatMul");
  EXPECT_EQ(maker.graph.outputs()[0]->type.shape, Shape({2, 3, 5, kUnknownDim}));
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(i);
    const Tensor got = evaluate(cases[i].first, cases[i].second);
    ASSERT_EQ(got.shape(), expected[i].shape());
    for (int64_t j = 0; j < got.count(); ++j) {
      const auto at = static_cast<size_t>(j);
      ASSERT_NEAR(got.span<uint8_t>()[at], expected[i].span<uint8_t>()[at], 1) << j;
    }
  }
}

// Weights of bytes around another zero point.
TEST(FuseQuantized, TakesWeightsAroundAnyZeroPoint) {
  const std::vector<float> numbers = {1, -2, 0.5f, 0, 3, 7, -9, 2, 0.25f, 1};
  std::vector<uint8_t> stored(16 * 10);
  for (size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<uint8_t>(i * 37 % 251);
  for (const std::string kind : {"before", "behind", "floats"}) {
    SCOPED_TRACE(kind);
    QuantizedMaker maker;
    Value& x = maker.Dequantized(maker.Bytes({7, 16}), {0.05f, 100});
    const Tensor tensor = Tensor::FromSpan<uint8_t>({16, 10}, std::span<const uint8_t>(stored));
    Value& bytes = maker.graph.AddConstant("w", tensor);
    Value* product = &maker.Add("MatMul", {&x, &maker.Dequantized(bytes, {0.02f, 130})});
    if (kind == "behind") {
      product = &maker.Dequantized(maker.Quantized(*product, {0.4f, 120}), {0.4f, 120});
    }
    Value& sum = maker.Add("Add", {product, &maker.Floats(numbers)});
    Value& result = kind == "floats" ? maker.Add("Sin", {&sum}) : sum;
    ExpectFusion(
        maker, maker.Quantized(result, {kind == "floats" ? 0.01f : 0.3f, 120}),
        kind == "floats" ? "MatMulIntegerToFloat Add Sin QuantizeLinear" : "RescaledMatMul", 1);
  }
}

// Weights as they are stored, or turned.
TEST(FuseQuantized, MakesProductsOfBytesOfGemm) {
  for (const bool turned : {false, true}) {
    for (const bool has_bias : {false, true}) {
      QuantizedMaker maker;
      Value& x = maker.Dequantized(maker.Bytes({7, 16}), {0.05f, 100});
      Value& weights = turned ? maker.Weights({10, 16}, 0) : maker.Weights({16, 10}, 1);
      Value& bias = maker.Floats({1, -2, 0.5f, 0, 3, 7, -9, 2, 0.25f, 1});
      Value& product =
          has_bias ? maker.Add("Gemm", {&x, &weights, &bias}) : maker.Add("Gemm", {&x, &weights});
      if (turned) product.producer()->SetAttribute("transB", int64_t{1});
      ExpectFusion(maker, maker.Quantized(product, {0.4f, 120}),
                   has_bias ? "RescaledMatMul" : "QLinearMatMul", 1);
    }
  }
}

// Where nothing quantizes the result, sums of bytes become floats at once.
TEST(FuseQuantized, MakesFloatsOfProductsOfBytes) {
  for (const bool is_gemm : {false, true}) {
    QuantizedMaker maker;
    Value& x = maker.Dequantized(maker.Bytes({7, 16}), {0.05f, 100});
    Value& weights = maker.Weights({16, 10}, 1);
    Value& bias = maker.Floats({1, -2, 0.5f, 0, 3, 7, -9, 2, 0.25f, 1});
    Value& product =
        is_gemm ? maker.Add("Gemm", {&x, &weights, &bias}) : maker.Add("MatMul", {&x, &weights});
    ExpectFusion(maker, maker.Quantized(maker.Add("Sin", {&product}), {0.01f, 120}),
                 "MatMulIntegerToFloat Sin QuantizeLinear", 1);
  }
}

TEST(FuseQuantized, LeavesScaledAndTurnedGemms) {
  for (const char* const attribute : {"alpha", "transA"}) {
    QuantizedMaker maker;
    Value& x = maker.Dequantized(maker.Bytes({16, 16}), {0.05f, 100});
    Value& product = maker.Add("Gemm", {&x, &maker.Weights({16, 10}, 1)});
    if (attribute[0] == 'a') {
      product.producer()->SetAttribute(attribute, 0.5f);
    } else {
      product.producer()->SetAttribute(attribute, int64_t{1});
    }
    ASSERT_TRUE(maker.Finish(maker.Quantized(product, {0.4f, 120})).ok());
    EXPECT_FALSE(maker.Fuse());
  }
}

TEST(FuseQuantized, AddsAndMultipliesBytes) {
  for (const char* const name : {"Add", "Mul"}) {
    QuantizedMaker maker;
    Value& a = maker.Dequantized(maker.Bytes({2, 60}), {0.05f, 100});
    Value& b = maker.Dequantized(maker.Bytes({2, 60}), {0.02f, 120});
    Value& both = maker.Add(name, {&a, &b});
    ExpectFusion(maker, maker.Quantized(both, {0.06f, 110}),
                 ("QLinear" + std::string(name)).c_str(), 1);
  }
}

// As biases of matrix products are.
TEST(FuseQuantized, AddsAConstantRowOfBytes) {
  QuantizedMaker maker;
  Value& a = maker.Dequantized(maker.Bytes({5, 20}), {0.05f, 100});
  std::vector<uint8_t> row(20);
  for (size_t i = 0; i < row.size(); ++i) row[i] = static_cast<uint8_t>(i * 37 % 251);
  Value& bytes = maker.graph.AddConstant("row", Tensor::Vector<uint8_t>(row));
  Value& sum = maker.Add("Add", {&maker.Dequantized(bytes, {0.02f, 120}), &a});
  ExpectFusion(maker, maker.Quantized(sum, {0.06f, 110}), "QLinearAdd", 1);
}

TEST(FuseQuantized, TakesMeansOfBytes) {
  for (const char* const name : {"AveragePool", "GlobalAveragePool"}) {
    QuantizedMaker maker;
    Value& x = maker.Dequantized(maker.Bytes({1, 5, 6, 6}), {0.05f, 100});
    Value& pool = maker.Add(name, {&x});
    if (name[0] == 'A') {
      pool.producer()->SetAttribute("kernel_shape", std::vector<int64_t>{2, 3});
    }
    ExpectFusion(maker, maker.Quantized(pool, {0.03f, 110}),
                 ("QLinear" + std::string(name)).c_str(), 1);
  }
}

TEST(FuseQuantized, MovesBytes) {
  QuantizedMaker maker;
  Value& x = maker.Dequantized(maker.Bytes({1, 2, 6, 6}), {0.05f, 100});
  Value& pool = maker.Add("MaxPool", {&x});
  pool.producer()->SetAttribute("kernel_shape", std::vector<int64_t>{2, 2});
  Value& pooled = maker.Dequantized(maker.Quantized(pool, {0.05f, 100}), {0.05f, 100});
  Value& turned = maker.Add("Transpose", {&pooled});
  turned.producer()->SetAttribute("perm", std::vector<int64_t>{0, 2, 3, 1});
  ExpectFusion(maker, maker.Quantized(turned, {0.07f, 90}), "MaxPool Transpose(0,2,3,1) ByteTable");
}

TEST(FuseQuantized, BringsJoinedTensorsToOneScale) {
  QuantizedMaker maker;
  Value& a = maker.Dequantized(maker.Bytes({1, 2, 30}), {0.05f, 100});
  Value& b = maker.Dequantized(maker.Bytes({1, 3, 30}), {0.02f, 120});
  Value& both = maker.Add("Concat", {&a, &b});
  both.producer()->SetAttribute("axis", int64_t{1});
  ExpectFusion(maker, maker.Quantized(both, {0.05f, 100}), "ByteTable Concat");
}

// As the Focus layer of YOLOX begins.
TEST(FuseQuantized, MovesBytesThroughChains) {
  QuantizedMaker maker;
  Value& x = maker.Dequantized(maker.Bytes({1, 6, 4}), {0.05f, 100});
  const auto flat = [&](Value& value, std::vector<int64_t> perm) -> Value& {
    Value& turned = maker.Add("Transpose", {&value});
    turned.producer()->SetAttribute("perm", std::move(perm));
    return turned;
  };
  Value& a = flat(flat(x, {0, 2, 1}), {1, 0, 2});
  Value& b = flat(flat(x, {2, 1, 0}), {0, 2, 1});
  Value& both = maker.Add("Concat", {&a, &b});
  both.producer()->SetAttribute("axis", int64_t{1});
  ExpectFusion(maker, maker.Quantized(both, {0.05f, 100}),
               "Transpose(0,2,1) Transpose(1,0,2) Transpose(2,1,0) Transpose(0,2,1) Concat");
}

// What is read as floats too stays, beside the bytes.
TEST(FuseQuantized, LeavesFloatsThatAreReadElsewhere) {
  QuantizedMaker maker;
  Value& x = maker.Dequantized(maker.Bytes({1, 4, 6, 6}), {0.05f, 100});
  Value& conv = maker.Add("Conv", {&x, &maker.Weights({2, 4, 1, 1}, 0)});
  maker.graph.AddOutput(conv);
  ASSERT_TRUE(maker.Finish(maker.Quantized(conv, {0.2f, 120})).ok());
  EXPECT_FALSE(maker.Fuse());
}

TEST(FoldConstants, LeavesDequantizedWeightsUntilAsked) {
  QuantizedMaker maker;
  Value& x = maker.Input({1, 4, 6, 6});
  ASSERT_TRUE(maker.Finish(maker.Add("Conv", {&x, &maker.Weights({2, 4, 1, 1}, 0)})).ok());
  DeviceEvaluator evaluator(kCpu, BuiltInOperators(), WeightStore::Global());
  EXPECT_FALSE(optimizer::FoldConstants(maker.graph, BuiltInOperators(), evaluator,
                                        optimizer::Dequantizing::kKeep));
  EXPECT_TRUE(optimizer::FoldConstants(maker.graph, BuiltInOperators(), evaluator));
  EXPECT_EQ(TextOf(maker.graph), "Conv");
}

}  // namespace
}  // namespace mullion
