// SPDX-License-Identifier: MIT
// Which forms of com.microsoft's MatMulNBits keep their weights packed.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "operators/registry.h"
#include "optimizer/infer_graph.h"

namespace mullion {
namespace {

// [2, 20] by [20, 3] in blocks of 16.
class MatmulNbitsForms : public testing::Test {
 protected:
  MatmulNbitsForms() {
    Value* const left = &graph_.AddInput("a", TypeInfo::Tensor(ElementType::kFloat, {2, 20}));
    Value* const numbers = &Constant<uint8_t>({3, 2, 8});
    Value* const scales = &Constant<float>({3, 2});
    Value* const inputs[] = {left, numbers, scales};
    node_ = &graph_.AddNode("com.microsoft", "MatMulNBits", 1, inputs, 1, "y");
    node_->SetAttribute("K", int64_t{20});
    node_->SetAttribute("N", int64_t{3});
    node_->SetAttribute("block_size", int64_t{16});
    graph_.AddOutput(*node_->output(0));
  }

  template <typename T>
  Value& Constant(const Shape& shape) {
    const std::vector<T> values(static_cast<size_t>(shape.ElementCount()), T{1});
    return graph_.AddConstant("c", Tensor::FromSpan<T>(shape, std::span<const T>(values)));
  }
  void SetGroups(std::vector<int32_t> groups) {
    node_->SetInput(4, &graph_.AddConstant("g", Tensor::Vector(std::span<const int32_t>(groups))));
  }
  // The operator that the node becomes.
  std::string Become() {
    const Status status = optimizer::InferGraph(graph_, BuiltInOperators());
    if (!status.ok()) return status.message();
    EXPECT_EQ(node_->output(0)->type.shape, (Shape{2, 3}));
    return std::string(node_->operator_name());
  }
  void ExpectError(const std::string& text) {
    const std::string message = Become();
    EXPECT_NE(message.find(text), std::string::npos) << message;
  }

  Graph graph_;
  Node* node_;
};

TEST_F(MatmulNbitsForms, StaysWithoutGroups) {
  node_->SetInput(3, &Constant<uint8_t>({3, 1}));
  node_->SetInput(5, &Constant<float>({3}));
  EXPECT_EQ(Become(), "MatMulNBits");
  EXPECT_EQ(graph_.node_count(), 1u);
}

TEST_F(MatmulNbitsForms, StaysWithGroupsThatAreItsBlocks) {
  std::vector<int32_t> groups(20, 0);
  for (size_t i = 16; i < 20; ++i) groups[i] = 1;
  SetGroups(groups);
  EXPECT_EQ(Become(), "MatMulNBits");
}

TEST_F(MatmulNbitsForms, TurnsFloatZeroPointsIntoShifts) {
  node_->SetInput(3, &Constant<float>({3, 2}));
  EXPECT_EQ(Become(), "MatMulNBits");
  EXPECT_EQ(node_->input(3)->constant.span<float>()[0], 7.0f);  // of 8, the middle
}

TEST_F(MatmulNbitsForms, IsAPlainProductOfOtherGroups) {
  std::vector<int32_t> groups(20, 0);
  groups[3] = 1;
  SetGroups(groups);
  EXPECT_EQ(Become(), "MatMul");
}

TEST_F(MatmulNbitsForms, IsAPlainProductOfWeightsThatComeLater) {
  node_->SetInput(1, &graph_.AddInput("b", TypeInfo::Tensor(ElementType::kUint8, {3, 2, 8})));
  EXPECT_EQ(Become(), "MatMul");
}

TEST_F(MatmulNbitsForms, RefusesWhatDoesNotFit) {
  node_->SetInput(3, &Constant<float>({3, 1}));
  ExpectError("must have 6 elements");
}

TEST_F(MatmulNbitsForms, RefusesGroupsOfAnotherCount) {
  SetGroups({0, 1});
  ExpectError("attribute K is 20");
}

TEST_F(MatmulNbitsForms, RefusesOtherBits) {
  node_->SetAttribute("bits", int64_t{3});
  ExpectError("may be 2, 4 or 8");
}

TEST_F(MatmulNbitsForms, RefusesSizesThatCannotBeCounted) {
  node_->SetAttribute("K", int64_t{2147483647});
  node_->SetAttribute("N", int64_t{2147483647});
  ExpectError("block_size");
}

}  // namespace
}  // namespace mullion
