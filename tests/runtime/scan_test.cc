// SPDX-License-Identifier: MIT
// Scan in both of its forms, and SequenceMap. The body adds: state += element; scan output: the
// state so far.
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <vector>

#include "devices/cpu/cpu_device.h"
#include "runtime/session.h"

namespace mullion {
namespace {

using Floats = std::vector<float>;

class ScanTester {
 public:
  // Inputs of Scan-8: lengths, state, x; of Scan-9: state, x.
  ScanTester(int opset, const Shape& state, const Shape& x) {
    auto graph = std::make_unique<Graph>();
    std::vector<Value*> inputs;
    if (opset == 8) inputs.push_back(Input(*graph, "lengths", ElementType::kInt64, {kUnknownDim}));
    inputs.push_back(Input(*graph, "state", ElementType::kFloat, state));
    inputs.push_back(Input(*graph, "x", ElementType::kFloat, x));
    node_ = &graph->AddNode("", "Scan", opset, inputs, 2, "scan");
    node_->origin = {"scan", "Scan", "", opset, ""};
    auto body = std::make_shared<Graph>(graph.get());
    const TypeInfo floats = TypeInfo::Tensor(ElementType::kFloat);
    Value* const both[] = {&body->AddInput("so_far", floats), &body->AddInput("element", floats)};
    Value* const sum = body->AddNode("", "Add", 14, both, 1, "sum").output(0);
    Value* const copied[] = {sum};
    body->AddOutput(*sum);
    body->AddOutput(*body->AddNode("", "Identity", 14, copied, 1, "each").output(0));
    node_->SetAttribute("body", body);
    node_->SetAttribute("num_scan_inputs", int64_t{1});
    for (Value* const output : node_->outputs()) {
      graph->AddOutput(*output);
      FeatureInfo info;
      info.name = output->name();
      model_.outputs.push_back(info);
    }
    model_.graph = std::move(graph);
  }

  Node& node() { return *node_; }
  Status Run(std::vector<Datum> inputs) {
    static const cpu::CpuDevice cpu;
    static const Device* const devices[] = {&cpu};
    MULLION_ASSIGN_OR_RETURN(const auto session,
                             Session::Create(model_, devices, BuiltInOperators(), {}));
    return session->Run(inputs, outputs_);
  }
  Shape OutputShape(int i) const { return outputs_[i].view.shape; }
  Floats Output(int i) const {
    const auto values = outputs_[i].view.span<float>();
    return {values.begin(), values.end()};
  }

 private:
  Value* Input(Graph& graph, const char* name, ElementType type, const Shape& shape) {
    FeatureInfo info;
    info.name = name;
    info.type = TypeInfo::Tensor(type, shape);
    model_.inputs.push_back(info);
    return &graph.AddInput(name, info.type);
  }

  Model model_;
  Node* node_;
  Datum outputs_[2];
};

Datum Of(const Shape& shape, Floats values) {
  return Datum::FromTensor(Tensor::FromSpan<float>(shape, std::span<const float>(values)));
}
Datum Lengths(std::vector<int64_t> values) {
  return Datum::FromTensor(Tensor::Vector<int64_t>(values));
}

TEST(Scan, WalksAlongAnyAxisBothWays) {
  ScanTester tester(9, {2}, {2, 3});
  tester.node().SetAttribute("scan_input_axes", std::vector<int64_t>{1});
  tester.node().SetAttribute("scan_input_directions", std::vector<int64_t>{1});
  tester.node().SetAttribute("scan_output_axes", std::vector<int64_t>{-1});
  tester.node().SetAttribute("scan_output_directions", std::vector<int64_t>{1});
  const Status status = tester.Run({Of({2}, {0, 100}), Of({2, 3}, {1, 2, 3, 4, 5, 6})});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(tester.Output(0), Floats({6, 115}));
  EXPECT_EQ(tester.OutputShape(1), Shape({2, 3}));
  EXPECT_EQ(tester.Output(1), Floats({6, 5, 3, 115, 111, 106}));
}

TEST(Scan, TakesBatchesOfUnequalLengths) {
  ScanTester tester(8, {kUnknownDim, 1}, {kUnknownDim, kUnknownDim, 1});
  const Status status = tester.Run(
      {Lengths({0, 3, 2}), Of({3, 1}, {10, 20, 30}), Of({3, 3, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9})});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(tester.OutputShape(0), Shape({3, 1}));
  EXPECT_EQ(tester.Output(0), Floats({10, 35, 45}));
  EXPECT_EQ(tester.OutputShape(1), Shape({3, 3, 1}));
  EXPECT_EQ(tester.Output(1), Floats({0, 0, 0, 24, 29, 35, 37, 45, 0}));
}

TEST(Scan, WalksBackFromTheEndOfEachBatchEntry) {
  ScanTester tester(8, {2}, {2, 3});
  tester.node().SetAttribute("directions", std::vector<int64_t>{1});
  const Status status =
      tester.Run({Lengths({3, 2}), Of({2}, {0, 0}), Of({2, 3}, {1, 2, 3, 4, 5, 6})});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(tester.Output(0), Floats({6, 9}));
  EXPECT_EQ(tester.Output(1), Floats({3, 5, 6, 5, 9, 0}));
}

TEST(Scan, TakesAnEmptyBatch) {
  ScanTester tester(8, {kUnknownDim, 2}, {kUnknownDim, 3, 2});
  const Status status = tester.Run({Lengths({}), Of({0, 2}, {}), Of({0, 3, 2}, {})});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(tester.OutputShape(1), Shape({0, 3, 2}));
}

TEST(Scan, RefusesLengthsThatDoNotFit) {
  ScanTester tester(8, {2}, {2, 3});
  const Floats x = {1, 2, 3, 4, 5, 6};
  Status status = tester.Run({Lengths({3, 4}), Of({2}, {0, 0}), Of({2, 3}, x)});
  EXPECT_EQ(status.code(), StatusCode::kEvaluation);
  EXPECT_NE(status.message().find("sequence_lens has 4, outside [0, 3]"), std::string::npos)
      << status.message();
  ScanTester another(8, {2}, {2, 3});
  status = another.Run({Lengths({3}), Of({2}, {0, 0}), Of({2, 3}, x)});
  EXPECT_NE(status.message().find("sequence_lens must be int64[2]"), std::string::npos)
      << status.message();
}

TEST(Scan, RefusesBatchesThatDiffer) {
  ScanTester tester(8, {kUnknownDim}, {kUnknownDim, 2});
  const Status status = tester.Run({Lengths({1, 1}), Of({1}, {0}), Of({2, 2}, {1, 2, 3, 4})});
  EXPECT_NE(status.message().find("all must have batch 1"), std::string::npos) << status.message();
}

TEST(Scan, RefusesABodyThatDoesNotFit) {
  ScanTester tester(8, {2}, {2, 3});
  tester.node().SetAttribute("num_scan_inputs", int64_t{3});
  const Status status = tester.Run({Lengths({3, 3}), Of({2}, {0, 0}), Of({2, 3}, Floats(6))});
  EXPECT_EQ(status.code(), StatusCode::kInvalidModel) << status.message();
}

TEST(Scan, RefusesToBeWithoutWhatItsBodyTakes) {
  const auto message = [](const char* name, int opset, int64_t walked, int left_out) {
    ScanTester tester(opset == 8 ? 8 : 9, {2}, {2, 3});
    tester.node().SetOperator("", name, opset);
    tester.node().SetAttribute("num_scan_inputs", walked);
    if (left_out >= 0) tester.node().SetInput(left_out, nullptr);
    std::vector<Datum> inputs = {Of({2}, {0, 0}), Of({2, 3}, {1, 2, 3, 4, 5, 6})};
    if (opset == 8) inputs.insert(inputs.begin(), Lengths({3, 2}));
    return tester.Run(inputs).message();
  };
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  for (const int64_t walked :
       {kLeast, int64_t{-2147483648}, int64_t{0}, int64_t{9}, -(kLeast + 1)}) {
    for (const int opset : {8, 9}) {
      EXPECT_NE(message("Scan", opset, walked, -1).find("do not fit its own"), std::string::npos);
    }
  }
  for (const int left_out : {0, 1}) {
    EXPECT_NE(message("Scan", 9, 1, left_out).find("left out"), std::string::npos);
    EXPECT_NE(message("Scan", 8, 1, 1 + left_out).find("left out"), std::string::npos);
    EXPECT_NE(message("SequenceMap", 17, 1, left_out).find("left out"), std::string::npos);
  }
}

TEST(SequenceMap, RefusesABodyThatTakesMoreThanItHas) {
  ScanTester tester(9, {2}, {2, 3});
  tester.node().SetOperator("", "SequenceMap", 17);
  tester.node().GraphAttribute("body")->AddInput("more", TypeInfo::Tensor(ElementType::kFloat));
  const Status status = tester.Run({Of({2}, {0, 0}), Of({2, 3}, Floats(6))});
  EXPECT_NE(status.message().find("do not fit its own"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace mullion
