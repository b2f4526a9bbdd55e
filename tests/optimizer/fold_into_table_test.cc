// SPDX-License-Identifier: MIT
#include "optimizer/fold_into_table.h"

#include <gtest/gtest.h>

#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

class FoldIntoTable : public testing::Test {
 protected:
  Value& Rows(const Shape& table) {
    Value& numbers =
        maker_.graph.AddInput("numbers", TypeInfo::Tensor(ElementType::kInt64, Shape{-2, 7}));
    return maker_.Add("Gather", {&maker_.Constant(table), &numbers});
  }
  std::string Rewritten(Value& output) {
    const Status status = maker_.Finish(output);
    EXPECT_TRUE(status.ok()) << status.message();
    const Shape before = output.type.shape;
    optimizer::FoldIntoTable(maker_.graph);
    EXPECT_TRUE(maker_.graph.Validate().ok());
    const Status inferred = optimizer::InferGraph(maker_.graph, BuiltInOperators());
    EXPECT_TRUE(inferred.ok()) << inferred.message();
    EXPECT_EQ(output.type.shape, before);
    return TextOf(maker_.graph);
  }

  GraphMaker maker_;
};

TEST_F(FoldIntoTable, ComputesFunctionsOfTheTable) {
  Value& sum = maker_.Add("Add", {&Rows({9, 4}), &maker_.Constant({1, 1, 4})});
  Value& scaled = maker_.Add("Mul", {&maker_.Constant({1}), &sum});
  EXPECT_EQ(Rewritten(maker_.Add("Tanh", {&scaled})), "Add Mul Tanh Gather");
}

TEST_F(FoldIntoTable, LeavesWhatDiffersFromRowToRow) {
  Value& sum = maker_.Add("Add", {&Rows({9, 4}), &maker_.Constant({7, 4})});
  EXPECT_EQ(Rewritten(maker_.Add("Tanh", {&sum})), "Gather Add Tanh");
}

TEST_F(FoldIntoTable, LeavesWhatHasMoreAxes) {
  Value& sum = maker_.Add("Add", {&Rows({9, 4}), &maker_.Constant({1, 1, 1, 4})});
  EXPECT_EQ(Rewritten(sum), "Gather Add");
}

TEST_F(FoldIntoTable, LeavesRowsThatOthersRead) {
  Value& rows = Rows({9, 4});
  maker_.graph.AddOutput(maker_.Add("Neg", {&rows}));
  EXPECT_EQ(Rewritten(maker_.Add("Tanh", {&rows})), "Gather Neg Tanh");
}

TEST_F(FoldIntoTable, LeavesLargeTables) {
  EXPECT_EQ(Rewritten(maker_.Add("Tanh", {&Rows({1 << 18, 5})})), "Gather Tanh");
}

}  // namespace
}  // namespace mullion
