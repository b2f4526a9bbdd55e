// SPDX-License-Identifier: MIT
// What operators that move data say of their outputs when a model is loaded: with dimensions and
// contents that are not known yet.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "operators/registry.h"

namespace mullion {
namespace {

// Dimensions "N" and "S" of a model, as symbols.
constexpr int64_t kN = -2;
constexpr int64_t kS = -3;

class Load {
 public:
  Load(const char* name, int opset) : node_(graph_.AddBareNode("", name, opset)) {}

  Load& Input(const Shape& shape, ElementType type = ElementType::kFloat) {
    node_.AddInput(&graph_.AddValue("x", TypeInfo::Tensor(type, shape)));
    return *this;
  }
  Load& UnknownRank() {
    node_.AddInput(&graph_.AddValue("x", TypeInfo::Tensor(ElementType::kFloat)));
    return *this;
  }
  Load& Ints(std::vector<int64_t> values) {
    node_.AddInput(&graph_.AddConstant("c", Tensor::Vector(std::span<const int64_t>(values))));
    return *this;
  }
  Load& Skip() {
    node_.AddInput(nullptr);
    return *this;
  }
  Load& Set(const char* name, AttributeValue value) {
    node_.SetAttribute(name, std::move(value));
    return *this;
  }

  // The type of output `index`, or the error.
  std::string Output(int index = 0) {
    std::vector<InferenceContext::Input> facts(node_.inputs().size());
    std::vector<TensorView> views(facts.size());
    for (size_t i = 0; i < facts.size(); ++i) {
      const Value* const value = node_.input(static_cast<int>(i));
      if (value == nullptr) continue;
      facts[i].type = &value->type;
      if (value->type.has_shape) facts[i].shape = &value->type.shape;
      if (!value->IsConstant()) continue;
      views[i] = value->constant.view();
      facts[i].data = &views[i];
    }
    const OperatorDefinition* const definition =
        BuiltInOperators().Find("", node_.operator_name(), node_.opset());
    const int most = definition->outputs.max;
    std::vector<TypeInfo> outputs(most == kVariadic ? 3 : static_cast<size_t>(most));
    InferenceContext context(node_, facts, outputs);
    const Status status = InferNode(*definition, context);
    return status.ok() ? outputs[static_cast<size_t>(index)].ToString() : status.message();
  }

 private:
  Graph graph_;
  Node& node_;
};

const ElementType kInt64 = ElementType::kInt64;

TEST(MovementInference, ReshapeCarriesUnknownDimensions) {
  EXPECT_EQ(Load("Reshape", 14).Input({kN, 12, 64}).Ints({0, -1}).Output(), "float[?,768]");
  EXPECT_EQ(Load("Reshape", 14).Input({kN, 12, 64}).Ints({-1, 768}).Output(), "float[?,768]");
  EXPECT_EQ(Load("Reshape", 14).Input({kN, kS, 64}).Ints({0, 0, 8, 8}).Output(), "float[?,?,8,8]");
  EXPECT_EQ(Load("Reshape", 14).Input({kN, kS, 64}).Ints({0, -1, 8}).Output(), "float[?,?,8]");
  EXPECT_EQ(Load("Reshape", 14).Input({2, 3}).Input({4}, kInt64).Output(), "float[?,?,?,?]");
  EXPECT_EQ(Load("Reshape", 14).Input({2, 3}).Input({kN}, kInt64).Output(), "float[...]");
  EXPECT_EQ(Load("Reshape", 14).UnknownRank().Ints({2, 3}).Output(), "float[...]");
}

TEST(MovementInference, AxesThatAreKnownTellTheRank) {
  EXPECT_EQ(Load("Squeeze", 13).Input({kN, 1, 3}).Ints({1}).Output(), "float[?,3]");
  EXPECT_EQ(Load("Squeeze", 13).Input({kN, kS}).Ints({0}).Output(), "float[?]");
  EXPECT_EQ(Load("Squeeze", 13).Input({kN, 1}).Output(), "float[...]");
  EXPECT_EQ(Load("Squeeze", 13).Input({2, 1}).Output(), "float[2]");
  EXPECT_EQ(Load("Unsqueeze", 13).Input({kN}).Ints({0}).Output(), "float[1,?]");
  EXPECT_EQ(Load("Unsqueeze", 13).Input({kN}).Input({1}, kInt64).Output(), "float[...]");
  EXPECT_EQ(Load("Flatten", 13).Input({kN, 3, 4}).Output(), "float[?,12]");
  EXPECT_EQ(Load("Flatten", 13).UnknownRank().Output(), "float[?,?]");
}

TEST(MovementInference, JoiningAndCuttingKeepWhatIsKnown) {
  EXPECT_EQ(Load("Concat", 13).Input({kN, 3}).Input({2, kS}).Set("axis", int64_t{1}).Output(),
            "float[2,?]");
  EXPECT_EQ(Load("Concat", 13).UnknownRank().Input({2, 3}).Set("axis", int64_t{1}).Output(),
            "float[2,?]");
  EXPECT_EQ(Load("Split", 13).Input({kN, 6}).Ints({2, 2, 2}).Set("axis", int64_t{1}).Output(2),
            "float[?,2]");
  EXPECT_EQ(Load("Split", 13).Input({kN, 6}).Ints({2, 2, 2}).Output(2), "float[2,6]");
  EXPECT_EQ(Load("Split", 13).Input({kN, 6}).Output(2), "float[?,6]");
  EXPECT_EQ(Load("Slice", 13).Input({kN, 6}).Ints({1}).Ints({4}).Ints({1}).Output(), "float[?,3]");
  EXPECT_EQ(Load("Slice", 13).Input({kN, 6}).Input({1}, kInt64).Ints({4}).Ints({0}).Output(),
            "float[?,6]");
  EXPECT_EQ(Load("Slice", 13).Input({kN, 6}).Input({1}, kInt64).Ints({4}).Output(), "float[?,?]");
  EXPECT_EQ(Load("Pad", 13).Input({kN, 6}).Ints({0, 1, 0, 1}).Output(), "float[?,8]");
  EXPECT_EQ(Load("Pad", 18).Input({2, 6}).Input({2}, kInt64).Skip().Ints({1}).Output(),
            "float[2,?]");
}

TEST(MovementInference, SizesThatHangOnContentsAreUnknown) {
  EXPECT_EQ(Load("NonZero", 13).Input({2, kN}).Output(), "int64[2,?]");
  EXPECT_EQ(Load("TopK", 11).Input({kN, 9}).Ints({3}).Output(1), "int64[?,3]");
  EXPECT_EQ(Load("TopK", 11).Input({kN, 9}).Input({1}, kInt64).Output(), "float[?,?]");
  EXPECT_EQ(Load("Range", 11).Input({}).Input({}).Input({}).Output(), "float[?]");
  EXPECT_EQ(Load("ConstantOfShape", 9).Input({3}, kInt64).Output(), "float[?,?,?]");
  EXPECT_EQ(Load("Expand", 13).Input({kN, 1}).Input({3}, kInt64).Output(), "float[?,?,?]");
  EXPECT_EQ(Load("Expand", 13).Input({kN, 1}).Ints({1, 5}).Output(), "float[?,5]");
  EXPECT_EQ(Load("Tile", 13).Input({kN, 2}).Ints({1, 3}).Output(), "float[?,6]");
  EXPECT_EQ(Load("Gather", 13).Input({kN, 9}).Input({kS, 2}, kInt64).Output(), "float[?,2,9]");
  EXPECT_EQ(Load("GatherND", 13).Input({kN, 9}).Input({4, kS}, kInt64).Output(), "float[...]");
}

// A dimension that -1 stands for keeps its symbol, so that later nodes see it is the same.
TEST(MovementInference, TheRestKeepsItsSymbol) {
  Graph graph;
  Node& node = graph.AddBareNode("", "Reshape", 14);
  const int64_t target[] = {-1, 8, 8};
  node.AddInput(&graph.AddValue("x", TypeInfo::Tensor(ElementType::kFloat, Shape{kN, 64})));
  node.AddInput(&graph.AddConstant("c", Tensor::Vector(std::span<const int64_t>(target))));
  const TensorView view = node.input(1)->constant.view();
  const InferenceContext::Input facts[] = {
      {&node.input(0)->type, &node.input(0)->type.shape, nullptr},
      {&node.input(1)->type, &node.input(1)->type.shape, &view}};
  std::vector<TypeInfo> outputs(1);
  InferenceContext context(node, facts, outputs);
  ASSERT_TRUE(BuiltInOperators().Find("", "Reshape", 14)->infer(context).ok());
  EXPECT_EQ(outputs[0].shape[0], kN);
}

TEST(MovementInference, RefusesOutputsThatNoMemoryHolds) {
  const std::string message =
      Load("Tile", 13).Input({4, 3}).Ints({int64_t{1} << 40, int64_t{1} << 40}).Output();
  EXPECT_NE(message.find("its output 0 would be float[4398046511104,3298534883328], which is too "
                         "large; use smaller inputs"),
            std::string::npos)
      << message;
}

}  // namespace
}  // namespace mullion
