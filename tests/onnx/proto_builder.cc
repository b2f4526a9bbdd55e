// SPDX-License-Identifier: MIT
#include "tests/onnx/proto_builder.h"

#include <protozero/pbf_writer.hpp>

namespace mullion::proto {

namespace field = onnx::field;
using onnx::AttributeKind;
using protozero::pbf_writer;

Message& Message::Int(uint32_t number, int64_t value) {
  pbf_writer(bytes).add_int64(number, value);
  return *this;
}

Message& Message::Float(uint32_t number, float value) {
  pbf_writer(bytes).add_float(number, value);
  return *this;
}

Message& Message::Double(uint32_t number, double value) {
  pbf_writer(bytes).add_double(number, value);
  return *this;
}

Message& Message::Bytes(uint32_t number, std::string_view value) {
  pbf_writer(bytes).add_bytes(number, value.data(), value.size());
  return *this;
}

Message& Message::PackedInts(uint32_t number, const std::vector<int64_t>& values) {
  pbf_writer(bytes).add_packed_int64(number, values.begin(), values.end());
  return *this;
}

Message MakeNode(std::string_view op, const Names& inputs, const Names& outputs,
                 const Messages& attributes, std::string_view domain, std::string_view name) {
  Message node;
  for (const auto input : inputs) node.Bytes(field::node::kInput, input);
  for (const auto output : outputs) node.Bytes(field::node::kOutput, output);
  if (!name.empty()) node.Bytes(field::node::kName, name);
  node.Bytes(field::node::kOpType, op);
  for (const Message& attribute : attributes) node.Add(field::node::kAttribute, attribute);
  if (!domain.empty()) node.Bytes(field::node::kDomain, domain);
  return node;
}

namespace {

Message AttributeOf(std::string_view name, AttributeKind kind) {
  Message attribute;
  attribute.Bytes(field::attribute::kName, name);
  attribute.Int(field::attribute::kType, static_cast<int64_t>(kind));
  return attribute;
}

}  // namespace

Message IntAttribute(std::string_view name, int64_t value) {
  return AttributeOf(name, AttributeKind::kInt).Int(field::attribute::kInt, value);
}

Message FloatAttribute(std::string_view name, float value) {
  return AttributeOf(name, AttributeKind::kFloat).Float(field::attribute::kFloat, value);
}

Message GraphAttribute(std::string_view name, const Message& graph) {
  return AttributeOf(name, AttributeKind::kGraph).Add(field::attribute::kGraph, graph);
}

Message TensorAttribute(std::string_view name, const Message& tensor) {
  return AttributeOf(name, AttributeKind::kTensor).Add(field::attribute::kTensor, tensor);
}

Message Reference(std::string_view name, std::string_view function_attribute, AttributeKind kind) {
  return AttributeOf(name, kind).Bytes(field::attribute::kRefAttrName, function_attribute);
}

Message Info(std::string_view name, int element_type, std::optional<std::vector<int64_t>> dims) {
  Message tensor;
  tensor.Int(field::type::kElemType, element_type);
  if (dims.has_value()) {
    Message shape;
    for (const int64_t dim : *dims) {
      shape.Add(field::type::kDim,
                dim < 0 ? Message() : Message().Int(field::type::kDimValue, dim));
    }
    tensor.Add(field::type::kShape, shape);
  }
  const Message type = Message().Add(field::type::kTensor, tensor);
  return Message().Bytes(field::value_info::kName, name).Add(field::value_info::kType, type);
}

namespace {

Message TensorHead(std::string_view name, int element_type, const std::vector<int64_t>& dims) {
  Message tensor;
  for (const int64_t dim : dims) tensor.Int(field::tensor::kDims, dim);
  return tensor.Int(field::tensor::kDataType, element_type).Bytes(field::tensor::kName, name);
}

}  // namespace

Message RawTensor(std::string_view name, int element_type, const std::vector<int64_t>& dims,
                  std::string_view raw) {
  return TensorHead(name, element_type, dims).Bytes(field::tensor::kRawData, raw);
}

std::string Raw(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

Message FloatTensor(std::string_view name, const std::vector<int64_t>& dims,
                    const std::vector<float>& values) {
  return RawTensor(name, 1, dims, Raw(values));
}

Message ExternalTensor(std::string_view name, const std::vector<int64_t>& dims,
                       const std::vector<std::pair<std::string, std::string>>& entries) {
  Message tensor = TensorHead(name, 1, dims).Int(field::tensor::kDataLocation, 1);
  for (const auto& [key, value] : entries) {
    tensor.Add(field::tensor::kExternalData,
               Message().Bytes(field::entry::kKey, key).Bytes(field::entry::kValue, value));
  }
  return tensor;
}

Message MakeGraph(const Messages& nodes, const Messages& inputs, const Messages& outputs,
                  const Messages& initializers) {
  Message graph;
  for (const Message& node : nodes) graph.Add(field::graph::kNode, node);
  graph.Bytes(field::graph::kName, "g");
  for (const Message& tensor : initializers) graph.Add(field::graph::kInitializer, tensor);
  for (const Message& input : inputs) graph.Add(field::graph::kInput, input);
  for (const Message& output : outputs) graph.Add(field::graph::kOutput, output);
  return graph;
}

namespace {

Message Import(std::string_view domain, int64_t version) {
  return Message().Bytes(field::opset::kDomain, domain).Int(field::opset::kVersion, version);
}

}  // namespace

Message MakeFunction(std::string_view name, const Names& inputs, const Names& outputs,
                     const Messages& nodes, const Messages& defaults, std::string_view domain) {
  Message function;
  function.Bytes(field::function::kName, name);
  for (const auto input : inputs) function.Bytes(field::function::kInput, input);
  for (const auto output : outputs) function.Bytes(field::function::kOutput, output);
  for (const Message& node : nodes) function.Add(field::function::kNode, node);
  function.Add(field::function::kOpsetImport, Import("", 13));
  function.Bytes(field::function::kDomain, domain);
  for (const Message& attribute : defaults) {
    function.Add(field::function::kAttributeProto, attribute);
  }
  return function;
}

Message ModelOf(const Message& graph, const Messages& functions) {
  Message model;
  model.Int(field::model::kIrVersion, 8).Add(field::model::kGraph, graph);
  model.Add(field::model::kOpsetImport, Import("", 13));
  model.Add(field::model::kOpsetImport, Import("fn", 1));
  for (const Message& function : functions) model.Add(field::model::kFunctions, function);
  return model;
}

Message Chain(const Messages& nodes, const Messages& initializers) {
  return MakeGraph(nodes, {Info("x", 1, {{2}})}, {Info("y", 1, {{2}})}, initializers);
}

Result<std::unique_ptr<Model>> Read(const Message& model, const ReadOptions& options) {
  const auto* const data = reinterpret_cast<const uint8_t*>(model.bytes.data());
  ReadOptions named = options;
  if (named.name.empty()) named.name = "m.onnx";
  return ReadModel({data, model.bytes.size()}, nullptr, named);
}

std::string ErrorOf(const Message& model, const ReadOptions& options) {
  const auto result = Read(model, options);
  return result.ok() ? std::string() : result.status().message();
}

}  // namespace mullion::proto
