// SPDX-License-Identifier: MIT
#include "onnx/graph_writer.h"

#include <algorithm>

#include "base/str_cat.h"
#include "onnx/attribute_writer.h"
#include "onnx/read_context.h"
#include "onnx/schema.h"
#include "onnx/tensor_writer.h"

namespace mullion::onnx {

namespace {

using protozero::pbf_writer;

// An Identity as the reader puts it in where a graph lists an input, constant or outer value as its
// output. ONNX does without.
bool IsPassThrough(const Node& node) {
  if (node.operator_name() != "Identity" || !node.domain().empty() || node.input_count() != 1 ||
      node.output_count() != 1 || node.input(0) == nullptr || node.output(0) == nullptr) {
    return false;
  }
  const Value& from = *node.input(0);
  const Value& to = *node.output(0);
  const bool made_here = from.producer() != nullptr && &from.graph() == &node.graph();
  return !made_here && to.IsGraphOutput() && to.uses().empty() && from.name() == to.name();
}

bool IsLiveConstant(const Value& value) {
  return value.IsConstant() && value.producer() == nullptr &&
         (!value.uses().empty() || value.IsGraphOutput());
}

void NameInside(const Graph& graph, ValueNames& names) {
  for (const Value& value : graph.values()) {
    if (IsLiveConstant(value)) names.Add(value, value.name());
  }
  for (const auto& node : graph.nodes()) {
    if (IsPassThrough(*node)) {
      names.AddAlias(*node->output(0), *node->input(0));
      continue;
    }
    for (const Value* const output : node->outputs()) {
      if (output != nullptr) names.Add(*output, output->name());
    }
  }
}

}  // namespace

GraphWriter::GraphWriter(const Model& model, const KeptTensors& kept, const std::string& bytes)
    : model_(model), kept_(kept), bytes_(bytes), dimensions_(model) {
  for (const OpsetImport& import : model.opsets) opsets_[import.domain] = import.version;
}

Status GraphWriter::WriteMain(pbf_writer& message) {
  const Graph& graph = *model_.graph;
  if (model_.inputs.size() != graph.inputs().size() ||
      model_.outputs.size() != graph.outputs().size()) {
    return InvalidArgument("the model describes ", model_.inputs.size(), " inputs and ",
                           model_.outputs.size(), " outputs but its graph has ",
                           graph.inputs().size(), " and ", graph.outputs().size());
  }
  // What callers bind by name comes first and keeps its name.
  ValueNames names(nullptr);
  for (size_t i = 0; i < model_.inputs.size(); ++i) {
    names.Add(*graph.inputs()[i], model_.inputs[i].name);
  }
  for (size_t i = 0; i < model_.outputs.size(); ++i) {
    const Value& output = *graph.outputs()[i];
    if (output.producer() != nullptr && !IsPassThrough(*output.producer())) {
      names.Add(output, model_.outputs[i].name);
    }
  }
  NameInside(graph, names);
  for (size_t i = 0; i < model_.outputs.size(); ++i) {
    const std::string* const name = names.Find(*graph.outputs()[i]);
    if (name != nullptr && *name == model_.outputs[i].name) continue;
    return InvalidArgument("the output ", Quoted(model_.outputs[i].name),
                           " cannot have that name, because another value has it or it is "
                           "an input or output itself; put an Identity before it");
  }
  MULLION_RETURN_IF_ERROR(WriteBody(graph, names, message));
  for (const FeatureInfo& input : model_.inputs) {
    message.add_message(field::graph::kInput, EncodeFeature(input, dimensions_));
  }
  for (const FeatureInfo& output : model_.outputs) {
    message.add_message(field::graph::kOutput, EncodeFeature(output, dimensions_));
  }
  return OkStatus();
}

Status GraphWriter::WriteSubgraph(const Graph& graph, const ValueNames& outer, std::string& bytes) {
  pbf_writer message(bytes);
  ValueNames names(&outer);
  for (const Value* const input : graph.inputs()) names.Add(*input, input->name());
  NameInside(graph, names);
  MULLION_RETURN_IF_ERROR(WriteBody(graph, names, message));
  for (const Value* const input : graph.inputs()) {
    message.add_message(field::graph::kInput,
                        EncodeValueInfo(*names.Find(*input), input->type, dimensions_));
  }
  for (const Value* const output : graph.outputs()) {
    const std::string* const name = names.Find(*output);
    if (name == nullptr) {
      return InvalidArgument("the subgraph output ", Quoted(output->name()), " has no producer");
    }
    message.add_message(field::graph::kOutput, EncodeValueInfo(*name, output->type, dimensions_));
  }
  return OkStatus();
}

void GraphWriter::WriteHint(const Value& value, const ValueNames& names, pbf_writer& message) {
  if (value.type.kind == ValueKind::kUnknown || value.IsGraphOutput()) return;
  message.add_message(field::graph::kValueInfo,
                      EncodeValueInfo(*names.Find(value), value.type, dimensions_));
}

Status GraphWriter::WriteBody(const Graph& graph, const ValueNames& names, pbf_writer& message) {
  for (const auto& node : graph.nodes()) {
    if (IsPassThrough(*node)) continue;
    pbf_writer inner(message, field::graph::kNode);
    MULLION_RETURN_IF_ERROR(WriteNode(*node, names, inner));
  }
  if (!graph.name.empty()) message.add_string(field::graph::kName, graph.name);
  for (const Value& value : graph.values()) {
    if (!IsLiveConstant(value)) continue;
    if (const auto kept = kept_.find(&value); kept != kept_.end()) {
      WriteKeptTensor(value.constant.type(), value.constant.shape(), *names.Find(value),
                      kept->second, field::graph::kInitializer, message);
      continue;
    }
    MULLION_RETURN_IF_ERROR(WriteTensor(value.constant.view(), *names.Find(value),
                                        field::graph::kInitializer, bytes_, message));
  }
  for (const auto& node : graph.nodes()) {
    if (IsPassThrough(*node)) continue;
    for (const Value* const output : node->outputs()) {
      if (output != nullptr) WriteHint(*output, names, message);
    }
  }
  return OkStatus();
}

Status GraphWriter::CheckOpset(const Node& node) {
  const auto [import, added] = opsets_.emplace(node.domain(), node.opset());
  // Identity is the same in every opset.
  if (import->second == node.opset() || node.operator_name() == "Identity") return OkStatus();
  return node.Error(StatusCode::kUnsupported, "it follows opset ", node.opset(),
                    " but other nodes of its domain ", import->second,
                    "; a file has one version per domain");
}

Status GraphWriter::WriteNode(const Node& node, const ValueNames& names, pbf_writer& message) {
  MULLION_RETURN_IF_ERROR(CheckOpset(node));
  for (const Value* const input : node.inputs()) {
    const std::string* const name = input == nullptr ? nullptr : names.Find(*input);
    if (input != nullptr && name == nullptr) {
      return node.Error(StatusCode::kInvalidArgument, "its input ", Quoted(input->name()),
                        " has no producer");
    }
    AddBytes(message, field::node::kInput, name == nullptr ? std::string_view() : *name);
  }
  for (const Value* const output : node.outputs()) {
    AddBytes(message, field::node::kOutput,
             output == nullptr ? std::string_view() : *names.Find(*output));
  }
  if (!node.origin.name.empty()) message.add_string(field::node::kName, node.origin.name);
  message.add_string(field::node::kOpType, node.operator_name());
  for (const Attribute& attribute : node.attributes()) {
    pbf_writer inner(message, field::node::kAttribute);
    MULLION_RETURN_IF_ERROR(WriteAttribute(attribute, names, inner));
  }
  if (!node.domain().empty()) message.add_string(field::node::kDomain, node.domain());
  return OkStatus();
}

Status GraphWriter::WriteAttribute(const Attribute& attribute, const ValueNames& names,
                                   pbf_writer& message) {
  const auto encode_subgraph = [&](const Graph& graph, std::string& bytes) {
    return WriteSubgraph(graph, names, bytes);
  };
  return AttributeWriter(message, bytes_, dimensions_, encode_subgraph).Write(attribute);
}

}  // namespace mullion::onnx
