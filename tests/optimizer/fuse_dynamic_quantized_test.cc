// SPDX-License-Identifier: MIT
#include "optimizer/fuse_dynamic_quantized.h"

#include <gtest/gtest.h>

#include <string>

#include "operators/scaled_conv.h"
#include "optimizer/fuse_epilogue.h"
#include "optimizer/layout.h"
#include "optimizer/remove_dead_code.h"
#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

// Graphs as ONNX Runtime's dynamic quantization makes them.
class DynamicMaker : public GraphMaker {
 public:
  struct Bytes {
    Value* bytes;
    Value* scale;
    Value* zero;
  };

  Bytes Quantized(Value& x) {
    Node& node = graph.AddNode("", "DynamicQuantizeLinear", 11, std::vector<Value*>{&x}, 3, "q");
    return {node.output(0), node.output(1), node.output(2)};
  }
  Value& Weights(const Shape& shape) {
    const std::vector<int8_t> values(static_cast<size_t>(shape.ElementCount()), 1);
    return graph.AddConstant("w", Tensor::FromSpan<int8_t>(shape, values));
  }
  // A product of bytes as floats: times the scale of x and `scale`.
  Value& Scaled(std::string_view name, const Bytes& x, const Shape& weights, const Shape& scale) {
    Value& factor = Add("Mul", {x.scale, &Constant(scale)});
    Value& product = Add(name, {x.bytes, &Weights(weights), x.zero});
    Value& cast = Add("Cast", {&product});
    cast.producer()->SetAttribute("to", static_cast<int64_t>(ElementType::kFloat));
    return Add("Mul", {&cast, &factor});
  }
  Value& Convolved(const Bytes& x, int64_t in, int64_t out) {
    return Add("Add", {&Scaled("ConvInteger", x, {out, in, 1, 1}, {}), &Constant({1, out, 1, 1})});
  }

  std::string Fused(Value& output) {
    const Status status = Finish(output);
    EXPECT_TRUE(status.ok()) << status.message();
    optimizer::FuseScaledProducts(graph);
    optimizer::RemoveDeadCode(graph);
    optimizer::FuseEpilogue(graph);
    optimizer::FuseDynamicQuantization(graph);
    optimizer::RemoveDeadCode(graph);
    EXPECT_TRUE(graph.Validate().ok());
    return TextOf(graph);
  }
};

TEST(FuseDynamicQuantized, AChainKeepsNoFloats) {
  DynamicMaker maker;
  const auto x = maker.Quantized(maker.Input({1, 3, 8, 8}));
  Value& relu = maker.Add("Relu", {&maker.Convolved(x, 3, 4)});
  Value& y = maker.Convolved(maker.Quantized(relu), 4, 5);
  EXPECT_EQ(maker.Fused(y), "DynamicQuantizeLinear ScaledConv+Relu ScaledConv");
  const Node& first = **std::next(maker.graph.nodes().begin());
  EXPECT_EQ(first.output(operators::scaled_conv::kY), nullptr);
  EXPECT_NE(first.input(operators::scaled_conv::kBias), nullptr);
  EXPECT_TRUE(optimizer::PlaceChannelsLast(maker.graph, BuiltInOperators()));
  EXPECT_TRUE(maker.graph.Validate().ok());
  // The picture is turned when it is bytes.
  EXPECT_EQ(TextOf(maker.graph),
            "DynamicQuantizeLinear Transpose(0,2,3,1) ScaledConv+Relu@last ScaledConv@last "
            "Transpose(0,3,1,2)");
}

TEST(FuseDynamicQuantized, FloatsStayForOtherReaders) {
  DynamicMaker maker;
  const auto x = maker.Quantized(maker.Input({1, 4, 8, 8}));
  Value& a = maker.Convolved(x, 4, 4);
  Value& b = maker.Convolved(maker.Quantized(a), 4, 4);
  Value& sum = maker.Add("Add", {&a, &b});
  EXPECT_EQ(maker.Fused(sum), "DynamicQuantizeLinear ScaledConv ScaledConv");
  const Node& first = **std::next(maker.graph.nodes().begin());
  const Node& second = **std::next(maker.graph.nodes().begin(), 2);
  EXPECT_EQ(second.input(operators::scaled_conv::kResidual), first.output(0));
}

TEST(FuseDynamicQuantized, SigmoidGateIsSwish) {
  DynamicMaker maker;
  const auto x = maker.Quantized(maker.Input({1, 4, 8, 8}));
  Value& a = maker.Convolved(x, 4, 4);
  Value& gated = maker.Add("Mul", {&a, &maker.Add("Sigmoid", {&a})});
  EXPECT_EQ(maker.Fused(gated), "DynamicQuantizeLinear ScaledConv+Swish");
}

TEST(FuseDynamicQuantized, ScalesAlongAnotherAxisStay) {
  DynamicMaker maker;
  const auto x = maker.Quantized(maker.Input({1, 4, 4, 4}));
  // [4] scales the columns of the image.
  EXPECT_EQ(maker.Fused(maker.Scaled("ConvInteger", x, {4, 4, 1, 1}, {4})),
            "DynamicQuantizeLinear Mul ConvInteger Cast Mul");
  DynamicMaker channels;
  const auto y = channels.Quantized(channels.Input({1, 4, 4, 4}));
  EXPECT_EQ(channels.Fused(channels.Scaled("ConvInteger", y, {4, 4, 1, 1}, {4, 1, 1})),
            "DynamicQuantizeLinear ScaledConv");
}

TEST(FuseDynamicQuantized, ScalesThatAddAxesStay) {
  DynamicMaker maker;
  const auto x = maker.Quantized(maker.Input({1, 4, 4, 4}));
  EXPECT_EQ(maker.Fused(maker.Scaled("ConvInteger", x, {4, 4, 1, 1}, {1, 1, 1, 1, 1})),
            "DynamicQuantizeLinear Mul ConvInteger Cast Mul");
}

TEST(FuseDynamicQuantized, JoinedFloatsBecomeBytes) {
  DynamicMaker maker;
  Value& a = maker.Convolved(maker.Quantized(maker.Input({1, 4, 8, 8})), 4, 6);
  Value& joined = maker.Add("Concat", {&a, &maker.Add("Neg", {&a})});
  joined.producer()->SetAttribute("axis", int64_t{1});
  EXPECT_EQ(maker.Fused(maker.Convolved(maker.Quantized(joined), 12, 4)),
            "DynamicQuantizeLinear ScaledConv Neg QuantizedConcat ScaledConv");
  EXPECT_TRUE(optimizer::PlaceChannelsLast(maker.graph, BuiltInOperators()));
  EXPECT_TRUE(maker.graph.Validate().ok());
  EXPECT_EQ(TextOf(maker.graph),
            "DynamicQuantizeLinear Transpose(0,2,3,1) ScaledConv@last Neg QuantizedConcat "
            "ScaledConv@last Transpose(0,3,1,2)");
}

TEST(FuseDynamicQuantized, MatrixProductsTakeTheirBias) {
  DynamicMaker maker;
  const auto x = maker.Quantized(maker.Input({2, 7, 6}));
  Value& product = maker.Scaled("MatMulInteger", x, {6, 5}, {5});
  EXPECT_EQ(maker.Fused(maker.Add("Add", {&maker.Constant({5}), &product})),
            "DynamicQuantizeLinear MatMulIntegerToFloat");
  EXPECT_EQ(std::prev(maker.graph.nodes().end())->get()->input_count(), 7);
}

}  // namespace
}  // namespace mullion
