// SPDX-License-Identifier: MIT
#include "optimizer/scan_first_axis.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/optimizer/graph_text.h"

namespace mullion {
namespace {

// A Scan whose body adds up: inputs are the state and what is walked along.
std::string Walked(const Shape& state, const Shape& x, int64_t input_axis, int64_t output_axis) {
  GraphMaker maker;
  Value& start = maker.graph.AddInput("start", TypeInfo::Tensor(ElementType::kFloat, state));
  Value& sums = maker.Add("Scan", {&start, &maker.Input(x)});
  Node& scan = *sums.producer();
  Value& stacked = maker.graph.AddValue("stacked");
  scan.SetOutput(1, &stacked);
  scan.SetAttribute("num_scan_inputs", int64_t{1});
  scan.SetAttribute("scan_input_axes", std::vector<int64_t>{input_axis});
  scan.SetAttribute("scan_output_axes", std::vector<int64_t>{output_axis});
  auto body = std::make_shared<Graph>(&maker.graph);
  Value* const both[] = {&body->AddInput("sum", {}), &body->AddInput("item", {})};
  Value* const sum = body->AddNode("", "Add", 22, both, 1, "next").output(0);
  Value* const copied[] = {sum};
  body->AddOutput(*sum);
  body->AddOutput(*body->AddNode("", "Identity", 22, copied, 1, "each").output(0));
  scan.SetAttribute("body", body);
  const Status status = maker.Finish(stacked);
  EXPECT_TRUE(status.ok()) << status.message();
  optimizer::ScanFirstAxis(maker.graph);
  EXPECT_TRUE(maker.graph.Validate().ok());
  return TextOf(maker.graph) + " along " +
         std::to_string(scan.IntsAttribute("scan_input_axes")[0]) + " onto " +
         std::to_string(scan.IntsAttribute("scan_output_axes")[0]);
}

TEST(ScanFirstAxis, OtherAxesAreBroughtToTheFront) {
  EXPECT_EQ(Walked({3, 4}, {3, 5, 4}, 1, 2),
            "Transpose(1,0,2) Scan Transpose(1,2,0) along 0 onto 0");
  EXPECT_EQ(Walked({3, 4}, {3, 4, 5}, -1, -2),
            "Transpose(2,0,1) Scan Transpose(1,0,2) along 0 onto 0");
}

TEST(ScanFirstAxis, TheFirstAxisStays) {
  EXPECT_EQ(Walked({3, 4}, {5, 3, 4}, -3, 0), "Scan along -3 onto 0");
}

}  // namespace
}  // namespace mullion
