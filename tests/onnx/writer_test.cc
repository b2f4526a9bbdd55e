// SPDX-License-Identifier: MIT
#include "onnx/writer.h"

#include <gtest/gtest.h>

#include <utility>

#include "onnx/reader.h"
#include "tests/onnx/graph_equality.h"
#include "tests/onnx/proto_builder.h"
#include "tests/onnx/temporary_folder.h"

namespace mullion {
namespace {

FeatureInfo FeatureOf(const Value& value) {
  FeatureInfo feature;
  feature.name = value.name();
  feature.type = value.type;
  const auto rank = static_cast<size_t>(value.type.shape.rank());
  feature.dim_names.resize(rank);
  feature.dim_denotations.resize(rank);
  return feature;
}

// Describes the graph's inputs and outputs as their values are.
void Describe(Model& model) {
  for (const Value* const input : model.graph->inputs()) model.inputs.push_back(FeatureOf(*input));
  for (const Value* const output : model.graph->outputs()) {
    model.outputs.push_back(FeatureOf(*output));
  }
}

Origin OriginOf(const Node& node, std::string_view name) {
  return {std::string(name), node.operator_name(), node.domain(), node.opset(), ""};
}

// A model with every kind of attribute, type and value.
std::unique_ptr<Model> RichModel() {
  auto model = std::make_unique<Model>();
  model->ir_version = 9;
  model->producer_name = "maker";
  model->model_version = 3;
  model->metadata = {{"k", "v"}, {"empty", ""}};
  model->opsets = {{"", 17}, {"ai.onnx.ml", 3}};
  model->graph = std::make_unique<Graph>();
  Graph& graph = *model->graph;
  graph.name = "main";
  Value& x = graph.AddInput("x", TypeInfo::Tensor(ElementType::kFloat, Shape{-2, 3, kUnknownDim}));
  graph.AddInput("scalar", TypeInfo::Tensor(ElementType::kInt64, Shape{}));
  graph.AddInput("ranked_not", TypeInfo::Tensor(ElementType::kBool));
  graph.AddInput("maps", TypeInfo::Sequence(TypeInfo::Map(ElementType::kString,
                                                          TypeInfo::Tensor(ElementType::kFloat))));
  graph.AddInput("maybe", TypeInfo::Optional(TypeInfo::Tensor(ElementType::kFloat16, Shape{2})));
  Value& w = graph.AddConstant("w", Tensor::Vector<float>(std::vector<float>{1, -2, 3}));
  Value& s = graph.AddConstant("s", Tensor::Vector<std::string>(std::vector<std::string>{"", "b"}));
  Value& none = graph.AddConstant("none", *Tensor::Allocate(ElementType::kInt4, Shape{0, 2}));

  Value* const inputs[] = {&x, nullptr, &w, &s, &none};
  Node& node = graph.AddNode("", "Any", 17, inputs, 3, "t");
  node.SetOutput(1, nullptr);
  node.origin = OriginOf(node, "any");
  node.output(0)->type = TypeInfo::Tensor(ElementType::kFloat, Shape{-2, -3});
  node.SetAttribute("float", 1.5f);
  node.SetAttribute("int", int64_t{-7});
  node.SetAttribute("zero", int64_t{0});
  node.SetAttribute("string", std::string("text"));
  node.SetAttribute("tensor", Tensor::Scalar<double>(2.5));
  node.SetAttribute("floats", std::vector<float>{1, 2});
  node.SetAttribute("ints", std::vector<int64_t>{-1, int64_t{1} << 40});
  node.SetAttribute("strings", std::vector<std::string>{"a", ""});
  node.SetAttribute("tensors", std::vector<Tensor>{Tensor::Scalar<int64_t>(4)});
  node.SetAttribute("no_ints", std::vector<int64_t>());
  node.SetAttribute("type", TypeInfo::Sequence(TypeInfo::Tensor(ElementType::kFloat, Shape{})));

  auto body = std::make_shared<Graph>(&graph);
  Value& i = body->AddInput("i", TypeInfo::Tensor(ElementType::kInt64, Shape{}));
  Value& inner = body->AddConstant("w", Tensor::Scalar<float>(9));
  Value* const captured[] = {&x, &inner, &i};
  Node& deep = body->AddNode("ai.onnx.ml", "Deep", 3, captured, 1, "t");
  deep.origin = OriginOf(deep, "deep");
  body->AddOutput(*deep.output(0));
  node.SetAttribute("graph", body);
  node.SetAttribute("graphs", std::vector<std::shared_ptr<Graph>>{});

  graph.AddOutput(*node.output(0));
  graph.AddOutput(*node.output(2));
  Describe(*model);
  model->outputs[1].name = "t2";
  model->inputs[0].dim_names = {"batch", "", ""};
  model->outputs[0].dim_names = {"batch", "other"};
  model->inputs[0].dim_denotations = {"DATA_BATCH", "", ""};
  model->inputs[0].denotation = "TENSOR";
  model->inputs[0].description = "the input";
  return model;
}

std::unique_ptr<Model> Reread(const Model& model) {
  const Result<std::string> bytes = WriteModel(model);
  EXPECT_TRUE(bytes.ok()) << bytes.status().message();
  if (!bytes.ok()) return nullptr;
  auto read = ReadModel({reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()}, nullptr);
  EXPECT_TRUE(read.ok()) << read.status().message();
  return read.ok() ? *std::move(read) : nullptr;
}

TEST(Writer, WhatIsWrittenReadsBackEqual) {
  const auto model = RichModel();
  const auto again = Reread(*model);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(FirstDifference(*model, *again), "");
  EXPECT_EQ(again->ir_version, 9);
  // Values may share names in a graph but not in a file.
  EXPECT_EQ(again->outputs[0].name, "t");
  EXPECT_EQ(again->outputs[1].name, "t2");
}

TEST(Writer, TheSameModelGivesTheSameBytes) {
  const auto model = RichModel();
  const auto again = Reread(*model);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(*WriteModel(*again), *WriteModel(*Reread(*again)));
}

TEST(Writer, WritesFiles) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "m.onnx";
  ASSERT_TRUE(WriteModelFile(*RichModel(), path).ok());
  const auto model = ReadModelFile(path);
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ(FirstDifference(*RichModel(), **model), "");
  EXPECT_EQ(WriteModelFile(*RichModel(), folder.path() / "no" / "m.onnx").code(),
            StatusCode::kInvalidArgument);
}

std::unique_ptr<Model> Identities() {
  auto model = std::make_unique<Model>();
  model->graph = std::make_unique<Graph>();
  Value& x = model->graph->AddInput("x", TypeInfo::Tensor(ElementType::kFloat));
  Value* const inputs[] = {&x};
  Node& node = model->graph->AddNode("", "Identity", 1, inputs, 1, "y");
  node.origin = OriginOf(node, "");
  model->graph->AddOutput(*node.output(0));
  Describe(*model);
  return model;
}

TEST(Writer, PassedOnInputsNeedNoNode) {
  using proto::Info;
  const auto model = proto::Read(
      proto::ModelOf(proto::MakeGraph({}, {Info("x", 1)}, {Info("x", 1), Info("w", 1, {{1}})},
                                      {proto::FloatTensor("w", {1}, {4})})));
  ASSERT_TRUE(model.ok());
  const Result<std::string> bytes = WriteModel(**model);
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(bytes->find("Identity"), std::string::npos);
  const auto again = Reread(**model);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(FirstDifference(**model, *again), "");
  // One that gives the value another name is a node like any other.
  EXPECT_NE(WriteModel(*Identities())->find("Identity"), std::string::npos);
}

TEST(Writer, ImportsWhatNodesUse) {
  const auto again = Reread(*Identities());
  ASSERT_NE(again, nullptr);
  ASSERT_EQ(again->opsets.size(), 1u);
  EXPECT_EQ(again->opsets[0].version, 1);
  EXPECT_EQ(again->ir_version, 8);
}

TEST(Writer, RefusesWhatAFileCannotSay) {
  auto mixed = RichModel();
  mixed->graph->nodes().front()->set_opset(13);
  EXPECT_EQ(WriteModel(*mixed).status().message(),
            "node 'any' (Any, opset 17): it follows opset 13 but other nodes of its domain 17; a "
            "file has one version per domain");
  auto undescribed = RichModel();
  undescribed->inputs.pop_back();
  EXPECT_EQ(WriteModel(*undescribed).status().message(),
            "the model describes 4 inputs and 2 outputs but its graph has 5 and 2");
  auto clash = RichModel();
  clash->outputs[1].name = "x";
  EXPECT_EQ(WriteModel(*clash).status().message(),
            "the output 'x' cannot have that name, because another value has it or it is an input "
            "or output itself; put an Identity before it");
}

}  // namespace
}  // namespace mullion
