// SPDX-License-Identifier: MIT
#include "operators/attribute_kinds.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace mullion::operators {
namespace {

std::string Other(const char* name, AttributeValue value) {
  return OtherAttributeKind({name, std::move(value)});
}

TEST(AttributeKinds, TakesTheKindThatOnnxHas) {
  EXPECT_EQ(Other("axis", int64_t{1}), "");
  EXPECT_EQ(Other("alpha", 0.5f), "");
  EXPECT_EQ(Other("mode", std::string("linear")), "");
  EXPECT_EQ(Other("pads", std::vector<int64_t>{0, 0}), "");
  EXPECT_EQ(Other("body", std::make_shared<Graph>()), "");
  EXPECT_EQ(Other("type", TypeInfo()), "");
}

TEST(AttributeKinds, NamesTheKindThatShouldBe) {
  EXPECT_EQ(Other("axis", std::string("last")), "int");
  EXPECT_EQ(Other("alpha", int64_t{1}), "float");
  EXPECT_EQ(Other("mode", 1.0f), "string");
  EXPECT_EQ(Other("axes", int64_t{1}), "ints");
  EXPECT_EQ(Other("nodes_values", std::vector<int64_t>{1}), "floats");
  EXPECT_EQ(Other("body", std::string("loop")), "graph");
}

TEST(AttributeKinds, VersionsAndOperatorsMayDiffer) {
  EXPECT_EQ(Other("scale", 0.5f), "");
  EXPECT_EQ(Other("scale", std::vector<float>{0.5f}), "");
  EXPECT_EQ(Other("scale", int64_t{2}), "float or floats or ints");
  EXPECT_EQ(Other("bias", std::vector<float>{1, 2, 3}), "");
  EXPECT_EQ(Other("to", std::string("FLOAT")), "");
  EXPECT_EQ(Other("to", int64_t{1}), "");
  EXPECT_EQ(Other("p", 2.0f), "");
}

TEST(AttributeKinds, EmptyListsAreOfEveryKind) {
  EXPECT_EQ(Other("classlabels_strings", std::vector<int64_t>()), "");
  EXPECT_EQ(Other("axes", std::vector<float>()), "");
  EXPECT_EQ(Other("axis", std::vector<int64_t>()), "int");
}

TEST(AttributeKinds, UnknownNamesArePassedOver) {
  EXPECT_EQ(Other("axi", std::string()), "");
  EXPECT_EQ(Other("xis", std::string()), "");
  EXPECT_EQ(Other("alpha beta", int64_t{1}), "");
  EXPECT_EQ(Other("", int64_t{1}), "");
}

}  // namespace
}  // namespace mullion::operators
