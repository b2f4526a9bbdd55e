// SPDX-License-Identifier: MIT
#include "optimizer/widen_halves.h"

#include <gtest/gtest.h>

#include "optimizer/remove_dead_code.h"
#include "optimizer/simplify.h"
#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

// A device that has everything in half precision but MatMul.
class NoHalfProducts final : public optimizer::Capabilities {
 public:
  bool Supports(const Node& node) const override {
    return node.operator_name() != "MatMul" ||
           node.input(0)->type.element_type == ElementType::kFloat;
  }
};

class HalfMaker : public GraphMaker {
 public:
  Value& Half(const Shape& shape) {
    return graph.AddInput("x", TypeInfo::Tensor(ElementType::kFloat16, shape));
  }
  std::string Widened(optimizer::HalfRange range) {
    EXPECT_TRUE(optimizer::WidenHalves(graph, NoHalfProducts(), range));
    optimizer::Simplify(graph);
    optimizer::RemoveDeadCode(graph);
    EXPECT_TRUE(graph.Validate().ok());
    return TextOf(graph);
  }
};

TEST(WidenHalves, PutsCastsAroundWhatNoDeviceHas) {
  HalfMaker maker;
  Value& x = maker.Half({4, 4});
  Value& product = maker.Add("MatMul", {&maker.Add("Relu", {&x}), &x});
  ASSERT_TRUE(maker.Finish(maker.Add("Relu", {&product})).ok());
  EXPECT_EQ(maker.Widened(optimizer::HalfRange::kWhereNeeded), "Relu Cast Cast MatMul Cast Relu");
}

TEST(WidenHalves, KeepsFloatsBetweenThem) {
  HalfMaker maker;
  Value& x = maker.Half({4, 4});
  Value& first = maker.Add("MatMul", {&x, &x});
  Value& second = maker.Add("Relu", {&first});
  ASSERT_TRUE(maker.Finish(maker.Add("MatMul", {&second, &second})).ok());
  EXPECT_EQ(maker.Widened(optimizer::HalfRange::kWherePossible),
            "Cast Cast MatMul Relu MatMul Cast");
}

TEST(WidenHalves, LeavesTheModelsOwnRounding) {
  HalfMaker maker;
  Value& x = maker.Half({4, 4});
  Value& rounded = maker.Add("Cast", {&maker.Add("MatMul", {&x, &x})});
  rounded.producer()->SetAttribute("to", static_cast<int64_t>(ElementType::kFloat));
  ASSERT_TRUE(maker.Finish(maker.Add("Relu", {&rounded})).ok());
  EXPECT_EQ(maker.Widened(optimizer::HalfRange::kWherePossible), "Cast Cast MatMul Cast Cast Relu");
}

}  // namespace
}  // namespace mullion
