// SPDX-License-Identifier: MIT
#include "onnx/reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/onnx/proto_builder.h"

namespace mullion {
namespace {

namespace field = onnx::field;
using namespace proto;  // NOLINT(build/namespaces)

std::vector<std::string> Operators(const Graph& graph) {
  std::vector<std::string> names;
  for (const auto& node : graph.nodes()) names.push_back(node->operator_name());
  return names;
}

TEST(Reader, ReadsNodesValuesAndFeatures) {
  const auto model = Read(ModelOf(
      Chain({MakeNode("Relu", {"x"}, {"r"}, {}, "", "first"), MakeNode("Add", {"r", "w"}, {"y"})},
            {FloatTensor("w", {2}, {1, 2})})));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Graph& graph = *(*model)->graph;
  EXPECT_EQ(Operators(graph), (std::vector<std::string>{"Relu", "Add"}));
  EXPECT_TRUE(graph.Validate().ok());
  ASSERT_EQ((*model)->inputs.size(), 1u);
  EXPECT_EQ((*model)->inputs[0].name, "x");
  EXPECT_EQ((*model)->inputs[0].type.ToString(), "float[2]");
  EXPECT_EQ((*model)->outputs[0].name, "y");
  EXPECT_EQ((*model)->path, "m.onnx");

  const Node& relu = *graph.nodes().front();
  const Node& add = *graph.nodes().back();
  EXPECT_EQ(relu.origin.ToString(), "node 'first' (Relu, opset 13)");
  EXPECT_EQ(add.origin.name, "y") << "a node without a name goes by its first output";
  EXPECT_EQ(relu.input(0), graph.inputs()[0]);
  EXPECT_EQ(add.input(0), relu.output(0));
  ASSERT_TRUE(add.input(1)->IsConstant());
  EXPECT_EQ(add.input(1)->constant.span<float>()[1], 2.0f);
  EXPECT_EQ(graph.outputs()[0], add.output(0));
}

TEST(Reader, ReadsWhatTheModelSaysAboutItself) {
  Message model = ModelOf(Chain({MakeNode("Relu", {"x"}, {"y"})}));
  model.Bytes(field::model::kProducerName, "maker").Bytes(field::model::kProducerVersion, "1.2");
  model.Bytes(field::model::kDomain, "org").Bytes(field::model::kDocString, "doc");
  model.Int(field::model::kModelVersion, 7);
  model.Add(field::model::kMetadata,
            Message().Bytes(field::entry::kKey, "k").Bytes(field::entry::kValue, "v"));
  const auto read = Read(model);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ((*read)->producer_name, "maker");
  EXPECT_EQ((*read)->producer_version, "1.2");
  EXPECT_EQ((*read)->domain, "org");
  EXPECT_EQ((*read)->description, "doc");
  EXPECT_EQ((*read)->model_version, 7);
  EXPECT_EQ((*read)->ir_version, 8);
  ASSERT_EQ((*read)->metadata.size(), 1u);
  EXPECT_EQ((*read)->metadata[0], std::make_pair(std::string("k"), std::string("v")));
  ASSERT_EQ((*read)->opsets.size(), 2u);
  EXPECT_EQ((*read)->opsets[0].version, 13);
}

Message Dim(std::string_view name, std::string_view denotation = "") {
  Message dim;
  if (!name.empty()) dim.Bytes(field::type::kDimParam, name);
  if (!denotation.empty()) dim.Bytes(field::type::kDimDenotation, denotation);
  return dim;
}

Message InfoOf(std::string_view name, const Messages& dims) {
  Message shape;
  for (const Message& dim : dims) shape.Add(field::type::kDim, dim);
  const Message tensor = Message().Int(field::type::kElemType, 1).Add(field::type::kShape, shape);
  const Message type =
      Message().Add(field::type::kTensor, tensor).Bytes(field::type::kDenotation, "IMAGE");
  return Message()
      .Bytes(field::value_info::kName, name)
      .Add(field::value_info::kType, type)
      .Bytes(field::value_info::kDocString, "about");
}

TEST(Reader, NamedDimensionsBecomeSymbols) {
  const auto model = Read(ModelOf(MakeGraph(
      {MakeNode("Relu", {"x"}, {"y"})}, {InfoOf("x", {Dim("n", "DATA_BATCH"), Dim("m"), Dim("")})},
      {InfoOf("y", {Dim("m"), Dim("n"), Dim("?")})})));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const FeatureInfo& x = (*model)->inputs[0];
  const FeatureInfo& y = (*model)->outputs[0];
  EXPECT_LT(x.type.shape[0], kUnknownDim);
  EXPECT_NE(x.type.shape[0], x.type.shape[1]);
  EXPECT_EQ(x.type.shape[2], kUnknownDim);
  EXPECT_EQ(y.type.shape[0], x.type.shape[1]);
  EXPECT_EQ(y.type.shape[1], x.type.shape[0]);
  EXPECT_EQ(y.type.shape[2], kUnknownDim);
  EXPECT_EQ(x.dim_names, (std::vector<std::string>{"n", "m", ""}));
  EXPECT_EQ(x.dim_denotations, (std::vector<std::string>{"DATA_BATCH", "", ""}));
  EXPECT_EQ(x.denotation, "IMAGE");
  EXPECT_EQ(x.description, "about");
}

TEST(Reader, InputsWithInitializersAreConstants) {
  // As every file up to IR version 3 has them.
  const auto model = Read(ModelOf(MakeGraph({MakeNode("Add", {"x", "w"}, {"y"})},
                                            {Info("x", 1, {{2}}), Info("w", 1, {{2}})},
                                            {Info("y", 1)}, {FloatTensor("w", {2}, {1, 2})})));
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ((*model)->inputs.size(), 1u);
  EXPECT_EQ((*model)->graph->inputs().size(), 1u);
  EXPECT_TRUE((*model)->graph->nodes().front()->input(1)->IsConstant());
}

TEST(Reader, ConstantNodesBecomeConstants) {
  const auto constant = [](std::string_view output, const Message& attribute) {
    return MakeNode("Constant", {}, {output}, {attribute});
  };
  Message ints = Message().Bytes(field::attribute::kName, "value_ints");
  ints.Int(field::attribute::kType, static_cast<int64_t>(onnx::AttributeKind::kInts));
  ints.Int(field::attribute::kInts, 4).PackedInts(field::attribute::kInts, {5, -6});
  Message text = Message().Bytes(field::attribute::kName, "value_string");
  text.Int(field::attribute::kType, static_cast<int64_t>(onnx::AttributeKind::kString));
  text.Bytes(field::attribute::kString, "hello");
  const auto model = Read(
      ModelOf(Chain({constant("a", TensorAttribute("value", FloatTensor("", {1, 1}, {3}))),
                     constant("b", FloatAttribute("value_float", 0.5f)), constant("c", ints),
                     constant("d", text), MakeNode("Any", {"x", "a", "b", "c", "d"}, {"y"})})));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Graph& graph = *(*model)->graph;
  ASSERT_EQ(graph.node_count(), 1u);
  const Node& node = *graph.nodes().front();
  EXPECT_EQ(node.input(1)->type.ToString(), "float[1,1]");
  EXPECT_EQ(node.input(2)->constant.span<float>()[0], 0.5f);
  EXPECT_EQ(node.input(2)->constant.shape(), Shape());
  const auto numbers = node.input(3)->constant.span<int64_t>();
  EXPECT_EQ(std::vector<int64_t>(numbers.begin(), numbers.end()), (std::vector<int64_t>{4, 5, -6}));
  EXPECT_EQ(node.input(4)->constant.span<std::string>()[0], "hello");
}

TEST(Reader, OutputsThatNoNodeMakesGetAnIdentity) {
  const auto model =
      Read(ModelOf(MakeGraph({}, {Info("x", 1, {{2}})}, {Info("x", 1, {{2}}), Info("w", 1, {{2}})},
                             {FloatTensor("w", {2}, {1, 2})})));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Graph& graph = *(*model)->graph;
  EXPECT_EQ(Operators(graph), (std::vector<std::string>{"Identity", "Identity"}));
  EXPECT_EQ((*model)->outputs[0].name, "x");
  EXPECT_NE(graph.outputs()[0], graph.inputs()[0]);
  EXPECT_EQ(graph.outputs()[0]->producer()->input(0), graph.inputs()[0]);
  EXPECT_TRUE(graph.outputs()[1]->producer()->input(0)->IsConstant());
}

TEST(Reader, SortsNodes) {
  const auto model = Read(ModelOf(Chain(
      {MakeNode("C", {"b"}, {"y"}), MakeNode("B", {"a"}, {"b"}), MakeNode("A", {"x"}, {"a"})})));
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ(Operators(*(*model)->graph), (std::vector<std::string>{"A", "B", "C"}));
  EXPECT_TRUE((*model)->graph->Validate().ok());
}

TEST(Reader, KeepsTheOrderOfTheFileWhereItIsRight) {
  const auto model = Read(ModelOf(Chain({MakeNode("B", {"x"}, {"b"}), MakeNode("A", {"x"}, {"a"}),
                                         MakeNode("C", {"a", "b"}, {"y"})})));
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(Operators(*(*model)->graph), (std::vector<std::string>{"B", "A", "C"}));
}

TEST(Reader, LeavesOutOptionalInputsAndOutputs) {
  const auto model = Read(ModelOf(Chain({MakeNode("Any", {"", "x", "", ""}, {"y", "", "z"})})));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Node& node = *(*model)->graph->nodes().front();
  ASSERT_EQ(node.input_count(), 2) << "nothing stays of inputs left out at the end";
  EXPECT_EQ(node.input(0), nullptr);
  ASSERT_EQ(node.output_count(), 3);
  EXPECT_EQ(node.output(1), nullptr);
}

TEST(Reader, DeclaredTypesOfValuesAreHints) {
  Message graph = Chain({MakeNode("Any", {"x"}, {"a"}), MakeNode("Any", {"a"}, {"y"})});
  graph.Add(field::graph::kValueInfo, Info("a", 7, {{3, -1}}));
  graph.Add(field::graph::kValueInfo, Info("nobody", 7, {{3, -1}}));
  const auto model = Read(ModelOf(graph));
  ASSERT_TRUE(model.ok());
  EXPECT_EQ((*model)->graph->nodes().front()->output(0)->type.ToString(), "int64[3,?]");
}

TEST(Reader, OldModelsHaveNoImports) {
  Message model;
  model.Int(field::model::kIrVersion, 2);
  model.Add(field::model::kGraph, Chain({MakeNode("Relu", {"x"}, {"y"})}));
  const auto read = Read(model);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ((*read)->graph->nodes().front()->opset(), 1);
}

TEST(Reader, AttributesWithoutAKindAreToldByTheirField) {
  const Message attribute =
      Message().Bytes(field::attribute::kName, "axis").Int(field::attribute::kInt, 3);
  const auto model = Read(ModelOf(Chain({MakeNode("Softmax", {"x"}, {"y"}, {attribute})})));
  ASSERT_TRUE(model.ok());
  EXPECT_EQ((*model)->graph->nodes().front()->IntAttribute("axis", 0), 3);
}

TEST(Reader, MicrosoftOperatorsNeedNoImport) {
  const auto model =
      Read(ModelOf(Chain({MakeNode("FastGelu", {"x"}, {"y"}, {}, "com.microsoft")})));
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ((*model)->graph->nodes().front()->opset(), 1);
}

class StringSource final : public ModelSource {
 public:
  explicit StringSource(std::string bytes) : bytes_(std::move(bytes)) {}
  uint64_t size() const override { return bytes_.size(); }
  Status Read(uint64_t offset, std::span<uint8_t> into) override {
    if (fail) return NotFound("the vault is closed");
    std::memcpy(into.data(), bytes_.data() + offset, into.size());
    return OkStatus();
  }
  bool fail = false;

 private:
  std::string bytes_;
};

TEST(Reader, ReadsFromASource) {
  StringSource source(ModelOf(Chain({MakeNode("Relu", {"x"}, {"y"})})).bytes);
  const auto model = ReadModel(source);
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ((*model)->path, "<memory>");
  source.fail = true;
  EXPECT_EQ(ReadModel(source).status().message(), "model '<memory>': the vault is closed");
}

TEST(Reader, TensorsKeepTheBytesAlive) {
  // With an owner and where the data happen to be aligned, tensors look into the bytes.
  int views = 0;
  for (int padding = 0; padding < 4; ++padding) {
    Message model =
        ModelOf(Chain({MakeNode("Add", {"x", "w"}, {"y"})}, {FloatTensor("w", {2}, {1, 2})}));
    auto bytes = std::make_shared<std::string>();
    *bytes = Message().Bytes(field::model::kDocString, std::string(padding + 100u, ' ')).bytes;
    *bytes += model.bytes;
    const auto* const data = reinterpret_cast<const uint8_t*>(bytes->data());
    auto read = ReadModel({data, bytes->size()}, bytes);
    ASSERT_TRUE(read.ok()) << read.status().message();
    const Tensor w = (*read)->graph->nodes().front()->input(1)->constant;
    const auto* const at = static_cast<const uint8_t*>(w.data());
    const bool inside = at >= data && at < data + bytes->size();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(at) % alignof(float), 0u);
    views += inside ? 1 : 0;
    bytes.reset();
    read->reset();
    EXPECT_EQ(w.span<float>()[0], 1.0f);
    EXPECT_EQ(w.span<float>()[1], 2.0f);
  }
  EXPECT_EQ(views, 1);
}

TEST(Reader, LargeTensorsStayInTheBytesUntilLookedAt) {
  const std::vector<float> numbers(20000, 1.5f);
  int in_memory = 0;
  for (int padding = 0; padding < 4; ++padding) {
    Message model =
        ModelOf(Chain({MakeNode("Add", {"x", "w"}, {"y"})}, {FloatTensor("w", {20000}, numbers)}));
    auto bytes = std::make_shared<std::string>();
    *bytes = Message().Bytes(field::model::kDocString, std::string(padding + 100u, ' ')).bytes;
    *bytes += model.bytes;
    auto read = ReadModel({reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()}, bytes);
    ASSERT_TRUE(read.ok()) << read.status().message();
    const Tensor w = (*read)->graph->nodes().front()->input(1)->constant;
    EXPECT_TRUE(w.deferred());
    in_memory += w.InMemory() ? 1 : 0;
    bytes.reset();
    read->reset();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(w.data()) % alignof(float), 0u);
    EXPECT_EQ(w.span<float>()[19999], 1.5f);
  }
  EXPECT_EQ(in_memory, 1);
}

}  // namespace
}  // namespace mullion
