// SPDX-License-Identifier: MIT
// The part of GraphReader that makes nodes.
#include <algorithm>
#include <utility>

#include "base/str_cat.h"
#include "onnx/attribute_reader.h"
#include "onnx/constant_node.h"
#include "onnx/function_inliner.h"
#include "onnx/graph_reader.h"
#include "onnx/limits.h"

namespace mullion::onnx {

Status GraphReader::AddNode(const NodeRecord& record, const Environment& environment,
                            Scope& scope) {
  MULLION_RETURN_IF_ERROR(ChargeFor(
      sizeof(Node), record.name.size() + record.operator_name.size() + record.domain.size() +
                        environment.prefix.size() + environment.function_path.size() +
                        32 * (record.inputs.size() + record.outputs.size())));
  if (const FunctionRecord* const function = functions_.Find(record)) {
    return FunctionInliner(*this, *function, record, environment, scope).Inline();
  }
  Origin origin;
  origin.name = StrCat(environment.prefix, record.Label());
  origin.operator_name = record.operator_name;
  origin.domain = record.domain;
  origin.function_path = environment.function_path;
  const Result<int> opset = environment.OpsetOf(record.domain);
  if (!opset.ok()) return opset.status().WithPrefix(StrCat(origin.ToString(), ": "));
  origin.opset = *opset;
  const Status status = AddOperator(record, origin, environment, scope);
  return status.ok() ? status : status.WithPrefix(StrCat(origin.ToString(), ": "));
}

Status GraphReader::AddOperator(const NodeRecord& record, const Origin& origin,
                                const Environment& environment, Scope& scope) {
  // Subgraphs first: one that reads an output of its own node is found to be a cycle that way.
  MULLION_ASSIGN_OR_RETURN(std::vector<Attribute> attributes,
                           ReadAttributes(record, environment, scope));
  if (record.operator_name == "Constant" && record.domain.empty()) {
    return AddConstant(record, std::move(attributes), scope);
  }
  Node& node = scope.graph().AddBareNode(record.domain, record.operator_name, origin.opset);
  node.origin = origin;
  for (Attribute& attribute : attributes) {
    node.SetAttribute(attribute.name, std::move(attribute.value));
  }
  MULLION_RETURN_IF_ERROR(ConnectInputs(record, scope, node));
  for (size_t i = 0; i < record.outputs.size(); ++i) {
    const std::string_view name = record.outputs[i];
    node.SetOutput(static_cast<int>(i), name.empty() ? nullptr : scope.FindHere(name));
  }
  return OkStatus();
}

Status GraphReader::ConnectInputs(const NodeRecord& record, const Scope& scope, Node& node) {
  for (size_t i = 0; i < record.inputs.size(); ++i) {
    const std::string_view name = record.inputs[i];
    Value* value = nullptr;
    if (!name.empty() && !scope.Resolve(name, value)) {
      return InvalidModel("its input ", i, " is ", Quoted(name),
                          ", which no node, initializer or input provides; export the "
                          "model again");
    }
    // Optional inputs that are left out at the end leave no trace: that is the same in ONNX.
    if (value != nullptr) node.SetInput(static_cast<int>(i), value);
  }
  return OkStatus();
}

Status GraphReader::AddConstant(const NodeRecord& record, std::vector<Attribute> attributes,
                                Scope& scope) {
  MULLION_ASSIGN_OR_RETURN(Tensor tensor, ConstantTensor(std::move(attributes)));
  if (!record.inputs.empty() || record.outputs.size() > 1) {
    return InvalidModel("a constant has no inputs and one output; export the model again");
  }
  if (record.outputs.empty() || record.outputs[0].empty()) return OkStatus();
  Value& value = *scope.FindHere(record.outputs[0]);
  value.type = TypeInfo::Tensor(tensor.type(), tensor.shape());
  value.constant = std::move(tensor);
  return OkStatus();
}

Result<std::vector<Attribute>> GraphReader::ReadAttributes(const NodeRecord& record,
                                                           const Environment& environment,
                                                           Scope& scope) {
  std::vector<Attribute> attributes;
  attributes.reserve(record.attributes.size());
  for (const std::string_view bytes : record.attributes) {
    MULLION_ASSIGN_OR_RETURN(const AttributeHead head, ReadAttributeHead(bytes, context_));
    const bool known = std::any_of(attributes.begin(), attributes.end(),
                                   [&](const Attribute& a) { return a.name == head.name; });
    if (known) {
      return InvalidModel("it has two attributes named ", Quoted(head.name),
                          "; the file is damaged, export it again");
    }
    auto value = ReadAttribute(bytes, head.reference, environment, scope);
    if (!value.ok()) {
      return value.status().WithPrefix(StrCat("attribute ", Quoted(head.name), ": "));
    }
    if (!value->has_value()) continue;
    MULLION_RETURN_IF_ERROR(ChargeFor(sizeof(Attribute), head.name.size()));
    attributes.push_back({std::string(head.name), **std::move(value)});
  }
  return attributes;
}

Result<std::optional<AttributeValue>> GraphReader::ReadAttribute(std::string_view bytes,
                                                                 std::string_view reference,
                                                                 const Environment& environment,
                                                                 Scope& scope) {
  BoundAttribute bound{bytes, &environment, &scope};
  if (!reference.empty()) {
    if (environment.function == nullptr) {
      return InvalidModel("it refers to the attribute ", Quoted(reference),
                          " of a function, but stands in none; export the model again");
    }
    const auto found = environment.attributes.find(reference);
    // Neither the call nor the function gives a value: the operator's own default counts.
    if (found == environment.attributes.end()) return std::optional<AttributeValue>();
    bound = found->second;
  }
  MULLION_RETURN_IF_ERROR(context_.budget.Charge(bound.bytes.size() / kBytesPerLook));
  const auto read_subgraph = [&](std::string_view graph) {
    return ReadSubgraph(graph, *bound.environment, *bound.scope, scope.graph());
  };
  MULLION_ASSIGN_OR_RETURN(AttributeValue value,
                           ReadAttributeValue(bound.bytes, context_, read_subgraph));
  return std::optional<AttributeValue>(std::move(value));
}

}  // namespace mullion::onnx
