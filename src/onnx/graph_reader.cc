// SPDX-License-Identifier: MIT
#include "onnx/graph_reader.h"

#include <unordered_set>
#include <utility>

#include "base/str_cat.h"
#include "onnx/limits.h"
#include "onnx/sparse_tensor.h"
#include "onnx/tensor_reader.h"
#include "onnx/type_reader.h"

namespace mullion::onnx {

Status DepthGuard::Check() const {
  if (depth_ <= kMaxGraphDepth) return OkStatus();
  return InvalidModel("subgraphs and functions are nested more than ", kMaxGraphDepth,
                      " deep; flatten the model");
}

Status GraphReader::ChargeFor(size_t object, size_t name_bytes) {
  // The place in its list, the entry in the table of names, and the allocator's own.
  constexpr size_t kOverhead = 128;
  return context_.budget.Charge(object + name_bytes + kOverhead);
}

Status GraphReader::ReadMain(std::string_view bytes, const Environment& environment, Model& model) {
  MULLION_ASSIGN_OR_RETURN(const GraphRecord record, ReadGraphRecord(bytes, context_));
  if (record.outputs.empty()) {
    return InvalidModel("its graph has no outputs; the file is damaged, export it again");
  }
  model.graph = std::make_unique<Graph>();
  model.graph->name = record.name;
  GraphInProgress place(*model.graph);
  Scope scope(place, nullptr);
  // An input with an initializer is that constant: callers of IR version 4 and later could feed
  // another value, earlier ones had to list every initializer.
  MULLION_RETURN_IF_ERROR(DeclareInitializers(record, /*inputs_win=*/false, scope));
  MULLION_RETURN_IF_ERROR(DeclareInputs(record, scope, &model.inputs));
  MULLION_RETURN_IF_ERROR(AddNodes(record, environment, scope));
  MULLION_RETURN_IF_ERROR(AddOutputs(record, environment, scope, &model.outputs));
  return place.needs_sort ? model.graph->SortTopologically() : OkStatus();
}

Result<std::shared_ptr<Graph>> GraphReader::ReadSubgraph(std::string_view bytes,
                                                         const Environment& environment,
                                                         const Scope& outer, Graph& parent) {
  const DepthGuard guard(depth_);
  MULLION_RETURN_IF_ERROR(guard.Check());
  MULLION_RETURN_IF_ERROR(ChargeFor(sizeof(Graph), 0));
  MULLION_ASSIGN_OR_RETURN(const GraphRecord record, ReadGraphRecord(bytes, context_));
  auto graph = std::make_shared<Graph>(&parent);
  graph->name = record.name;
  GraphInProgress place(*graph);
  Scope scope(place, &outer);
  // If, Loop and Scan feed inputs by position, so none may vanish.
  MULLION_RETURN_IF_ERROR(DeclareInputs(record, scope, nullptr));
  MULLION_RETURN_IF_ERROR(DeclareInitializers(record, /*inputs_win=*/true, scope));
  MULLION_RETURN_IF_ERROR(AddNodes(record, environment, scope));
  MULLION_RETURN_IF_ERROR(AddOutputs(record, environment, scope, nullptr));
  if (place.needs_sort) MULLION_RETURN_IF_ERROR(graph->SortTopologically());
  return graph;
}

Status GraphReader::AddNodes(const GraphRecord& record, const Environment& environment,
                             Scope& scope) {
  MULLION_RETURN_IF_ERROR(DeclareNodeOutputs(record.nodes, environment, scope));
  MULLION_RETURN_IF_ERROR(ReadHints(record, scope));
  for (const NodeRecord& node : record.nodes) {
    MULLION_RETURN_IF_ERROR(AddNode(node, environment, scope));
  }
  return OkStatus();
}

Status GraphReader::DeclareConstant(std::string_view name, Tensor tensor, bool inputs_win,
                                    Scope& scope) {
  if (inputs_win && scope.Contains(name)) {
    Value* const value = scope.FindHere(name);
    if (value != nullptr && !value->IsConstant()) return OkStatus();
  }
  MULLION_RETURN_IF_ERROR(ChargeFor(sizeof(Value), name.size()));
  if (scope.DeclareGiven(name, &scope.graph().AddConstant(name, std::move(tensor)))) {
    return OkStatus();
  }
  return InvalidModel("there are two initializers named ", Quoted(name),
                      "; names of values must be unique, export the model again");
}

Status GraphReader::DeclareInitializers(const GraphRecord& record, bool inputs_win, Scope& scope) {
  scope.Reserve(record.initializers.size() + record.nodes.size() + record.inputs.size());
  for (const std::string_view bytes : record.initializers) {
    const std::string_view name = TensorName(bytes);
    Result<Tensor> tensor = ReadTensor(bytes, context_);
    if (!tensor.ok()) {
      return tensor.status().WithPrefix(StrCat("initializer ", Quoted(name), ": "));
    }
    MULLION_RETURN_IF_ERROR(DeclareConstant(name, *std::move(tensor), inputs_win, scope));
  }
  for (const std::string_view bytes : record.sparse_initializers) {
    Result<SparseTensor> sparse = ReadSparseTensor(bytes, context_);
    if (!sparse.ok()) return sparse.status().WithPrefix("a sparse initializer: ");
    MULLION_RETURN_IF_ERROR(
        DeclareConstant(sparse->name, std::move(sparse->dense), inputs_win, scope));
  }
  return OkStatus();
}

Status GraphReader::DeclareInputs(const GraphRecord& record, Scope& scope,
                                  std::vector<FeatureInfo>* features) {
  std::unordered_set<std::string_view> seen;
  for (const std::string_view bytes : record.inputs) {
    MULLION_ASSIGN_OR_RETURN(const ValueInfoRecord info, ReadValueInfo(bytes, context_));
    if (info.name.empty() || !seen.insert(info.name).second) {
      return InvalidModel("there are two inputs named ", Quoted(info.name),
                          " or one without a name; export the model again");
    }
    if (scope.Contains(info.name)) continue;  // an initializer
    Result<FeatureInfo> feature = ReadFeature(info, context_);
    if (!feature.ok()) {
      return feature.status().WithPrefix(StrCat("input ", Quoted(info.name), ": "));
    }
    if (features != nullptr && feature->type.kind == ValueKind::kUnknown) {
      return Unsupported("input ", Quoted(info.name),
                         ": it has no type, or one that this version does not know; "
                         "tensors, sequences, maps and optionals are supported");
    }
    MULLION_RETURN_IF_ERROR(ChargeFor(sizeof(Value), info.name.size()));
    scope.DeclareGiven(info.name, &scope.graph().AddInput(info.name, feature->type));
    if (features != nullptr) features->push_back(*std::move(feature));
  }
  return OkStatus();
}

Status GraphReader::DeclareNodeOutputs(const std::vector<NodeRecord>& nodes,
                                       const Environment& environment, Scope& scope) {
  for (const NodeRecord& node : nodes) {
    for (const std::string_view name : node.outputs) {
      if (name.empty() || scope.Claim(name) != nullptr) continue;
      MULLION_RETURN_IF_ERROR(ChargeFor(sizeof(Value), environment.prefix.size() + name.size()));
      Value& value = scope.graph().AddValue(StrCat(environment.prefix, name));
      if (scope.DeclareProduced(name, &value)) continue;
      return InvalidModel("the node ", Quoted(node.Label()), " makes the value ", Quoted(name),
                          ", which is made elsewhere too; names of values must be unique, "
                          "export the model again");
    }
  }
  return OkStatus();
}

Status GraphReader::ReadHints(const GraphRecord& record, Scope& scope) {
  for (const std::string_view bytes : record.value_infos) {
    MULLION_ASSIGN_OR_RETURN(const ValueInfoRecord info, ReadValueInfo(bytes, context_));
    Value* const value = scope.FindHere(info.name);
    if (value == nullptr || value->type.kind != ValueKind::kUnknown) continue;
    Result<TypeInfo> type = ReadType(info.type, context_);
    if (!type.ok()) return type.status().WithPrefix(StrCat("value ", Quoted(info.name), ": "));
    value->type = *std::move(type);
  }
  return OkStatus();
}

void GraphReader::PassOn(Value& value, Value& into, const Environment& environment) {
  const int opset = environment.DefaultOpset();
  Node& node = into.graph().AddBareNode("", "Identity", opset);
  node.origin = {into.name(), "Identity", "", opset, environment.function_path};
  node.AddInput(&value);
  node.SetOutput(0, &into);
}

Value& GraphReader::ProducedHere(Value& value, const Environment& environment, Graph& graph) {
  if (value.producer() != nullptr && &value.graph() == &graph) return value;
  Value& into = graph.AddValue(value.name(), value.type);
  PassOn(value, into, environment);
  return into;
}

Status GraphReader::AddOutputs(const GraphRecord& record, const Environment& environment,
                               Scope& scope, std::vector<FeatureInfo>* features) {
  std::unordered_set<std::string_view> seen;
  for (const std::string_view bytes : record.outputs) {
    MULLION_ASSIGN_OR_RETURN(const ValueInfoRecord info, ReadValueInfo(bytes, context_));
    Value* value = nullptr;
    if (!scope.Resolve(info.name, value) || value == nullptr) {
      return InvalidModel("output ", Quoted(info.name),
                          ": no node, initializer or input provides it; export the model "
                          "again");
    }
    // Subgraphs may give one value twice: by position they are different outputs.
    if (!seen.insert(info.name).second && features != nullptr) {
      return InvalidModel("there are two outputs named ", Quoted(info.name),
                          "; give each a name of its own");
    }
    Result<FeatureInfo> feature = ReadFeature(info, context_);
    if (!feature.ok()) {
      return feature.status().WithPrefix(StrCat("output ", Quoted(info.name), ": "));
    }
    MULLION_RETURN_IF_ERROR(ChargeFor(sizeof(Value) + sizeof(Node), 4 * info.name.size()));
    if (value->type.kind == ValueKind::kUnknown) value->type = feature->type;
    scope.graph().AddOutput(ProducedHere(*value, environment, scope.graph()));
    if (features != nullptr) features->push_back(*std::move(feature));
  }
  return OkStatus();
}

}  // namespace mullion::onnx
