// SPDX-License-Identifier: MIT
#include "optimizer/join_attention.h"

#include <gtest/gtest.h>

#include <vector>

#include "optimizer/remove_dead_code.h"
#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

using Ints = std::vector<int64_t>;

class JoinAttention : public testing::Test {
 protected:
  Value& Number(int64_t value) {
    return maker_.graph.AddConstant("i", Tensor::Scalar<int64_t>(value));
  }
  Value& Numbers(const Ints& values) {
    return maker_.graph.AddConstant("i", Tensor::Vector<int64_t>(values));
  }
  // Attention of a Split of [2, tokens, 3 * 4 * 5] of the given sizes.
  Node& Attend(const Ints& sizes, int64_t axis = -1) {
    Value& x = maker_.Add("Neg", {&maker_.Input({2, -2, sizes[0] + sizes[1] + sizes[2]})});
    Value* const split_inputs[] = {&x, &Numbers(sizes)};
    split_ = &maker_.graph.AddNode("", "Split", 18, split_inputs, 3, "part");
    split_->origin = {"Split", "Split", "", 18, ""};
    split_->SetAttribute("axis", axis);
    std::vector<Value*> inputs(split_->outputs().begin(), split_->outputs().end());
    if (past_ != nullptr) {
      inputs.push_back(nullptr);
      for (const int64_t which : order_) {
        inputs.push_back(&maker_.Add("Gather", {past_, &Number(which)}));
      }
    }
    Node& node = maker_.graph.AddNode("", "Attention", 24, inputs, 3, "attention");
    node.origin = {"Attention", "Attention", "", 24, ""};
    node.SetAttribute("q_num_heads", int64_t{4});
    node.SetAttribute("kv_num_heads", int64_t{4});
    return node;
  }
  // The stack of outputs `first` and `second` of `node`.
  Value& Stack(Node& node, int first, int second) {
    Value& a = maker_.Add("Unsqueeze", {node.output(first), &Numbers({0})});
    Value& b = maker_.Add("Unsqueeze", {node.output(second), &Numbers({0})});
    Value& stack = maker_.Add("Concat", {&a, &b});
    stack.producer()->SetAttribute("axis", int64_t{0});
    return stack;
  }
  std::string Rewritten(std::vector<Value*> outputs) {
    for (size_t i = 1; i < outputs.size(); ++i) maker_.graph.AddOutput(*outputs[i]);
    Status status = maker_.Finish(*outputs[0]);
    EXPECT_TRUE(status.ok()) << status.message();
    std::vector<Shape> before;
    for (const Value* const output : outputs) before.push_back(output->type.shape);
    optimizer::JoinAttention(maker_.graph);
    optimizer::RemoveDeadCode(maker_.graph);
    EXPECT_TRUE(maker_.graph.Validate().ok());
    status = optimizer::InferGraph(maker_.graph, BuiltInOperators());
    EXPECT_TRUE(status.ok()) << status.message();
    for (size_t i = 0; i < outputs.size(); ++i) EXPECT_EQ(outputs[i]->type.shape, before[i]);
    return TextOf(maker_.graph);
  }
  void AddPast(int64_t stacked = 2) {
    past_ = &maker_.graph.AddInput("past",
                                   TypeInfo::Tensor(ElementType::kFloat, {stacked, 2, 4, -3, 5}));
  }

  GraphMaker maker_;
  Node* split_ = nullptr;
  Value* past_ = nullptr;
  Ints order_ = {0, 1};
};

TEST_F(JoinAttention, ReadsWhatSplitsTookApart) {
  EXPECT_EQ(Rewritten({Attend({20, 20, 20}).output(0)}), "Neg Attention");
}

TEST_F(JoinAttention, ReadsAndWritesCachesInOneTensor) {
  AddPast();
  Node& node = Attend({20, 20, 20});
  Value& present = Stack(node, 1, 2);
  EXPECT_EQ(Rewritten({node.output(0), &present}), "Neg Attention");
  EXPECT_EQ(node.input(4), past_);
  EXPECT_EQ(node.output(1), &present);
}

TEST_F(JoinAttention, LeavesPartsThatOthersRead) {
  Node& node = Attend({20, 20, 20});
  Value& other = maker_.Add("Abs", {split_->output(1)});
  EXPECT_EQ(Rewritten({node.output(0), &other}), "Neg Split Attention Abs");
}

TEST_F(JoinAttention, LeavesOtherSizes) {
  EXPECT_EQ(Rewritten({Attend({20, 20, 40}).output(0)}), "Neg Split Attention");
}

TEST_F(JoinAttention, LeavesValuesBeforeKeys) {
  AddPast();
  order_ = {1, 0};
  Node& node = Attend({20, 20, 20});
  Value& present = Stack(node, 2, 1);
  EXPECT_EQ(Rewritten({node.output(0), &present}),
            "Neg Gather Gather Attention Unsqueeze Unsqueeze Concat");
}

TEST_F(JoinAttention, LeavesPastsOfMoreThanTwo) {
  AddPast(3);
  EXPECT_EQ(Rewritten({Attend({20, 20, 20}).output(0)}), "Neg Gather Gather Attention");
}

TEST_F(JoinAttention, LeavesCachesThatOthersRead) {
  AddPast();
  Node& node = Attend({20, 20, 20});
  Value& present = Stack(node, 1, 2);
  Value& other = maker_.Add("Abs", {node.output(1)});
  EXPECT_EQ(Rewritten({node.output(0), &present, &other}),
            "Neg Attention Unsqueeze Unsqueeze Concat Abs");
}

TEST_F(JoinAttention, LeavesValuesThatAreReadBesideTheStack) {
  AddPast();
  Node& node = Attend({20, 20, 20});
  Value& present = Stack(node, 1, 2);
  Value& other = maker_.Add("Abs", {present.producer()->input(1)});
  EXPECT_EQ(Rewritten({node.output(0), &present, &other}),
            "Neg Attention Unsqueeze Unsqueeze Concat Abs");
}

}  // namespace
}  // namespace mullion
