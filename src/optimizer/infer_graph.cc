// SPDX-License-Identifier: MIT
#include "optimizer/infer_graph.h"

#include "base/str_cat.h"

namespace mullion::optimizer {

namespace {

// A chain of upgrades longer than this is a loop of ours.
constexpr int kMostUpgrades = 64;

Result<const OperatorDefinition*> FindDefinition(const Node& node,
                                                 const OperatorRegistry& registry) {
  const OperatorDefinition* const definition =
      registry.Find(node.domain(), node.operator_name(), node.opset());
  if (definition != nullptr) return definition;
  const bool other_version =
      registry.Find(node.domain(), node.operator_name(), kVariadic) != nullptr;
  return node.Error(StatusCode::kUnsupported,
                    other_version ? "this version of the operator is not known; export the model "
                                    "with another opset"
                                  : "the operator is not known; export the model without it or "
                                    "register it as a custom operator");
}

// The views and facts of a node's inputs, in storage that the context borrows.
struct Facts {
  std::vector<InferenceContext::Input> inputs;
  std::vector<TensorView> views;
  std::vector<TypeInfo> outputs;

  explicit Facts(const Node& node)
      : inputs(node.inputs().size()), views(node.inputs().size()), outputs(node.outputs().size()) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      const Value* const value = node.input(static_cast<int>(i));
      if (value == nullptr) continue;
      inputs[i].type = &value->type;
      if (value->type.has_shape) inputs[i].shape = &value->type.shape;
      if (value->IsConstant()) {
        if (value->constant.deferred()) continue;  // weights: no shape hangs on them
        views[i] = value->constant.view();
        inputs[i].data = &views[i];
      }
    }
  }
};

Status InferSubgraphs(Node& node, const OperatorDefinition& definition,
                      const OperatorRegistry& registry, std::vector<Problem>* problems) {
  for (const Attribute& attribute : node.attributes()) {
    const auto* const graph = std::get_if<std::shared_ptr<Graph>>(&attribute.value);
    if (graph == nullptr) continue;
    if (definition.enter_subgraph != nullptr) {
      Facts facts(node);
      InferenceContext context(node, facts.inputs, facts.outputs);
      definition.enter_subgraph(context, attribute.name, **graph);
    }
    MULLION_RETURN_IF_ERROR(InferGraph(**graph, registry, problems));
  }
  return OkStatus();
}

Status InferOne(Node& node, const OperatorDefinition& definition) {
  Facts facts(node);
  InferenceContext context(node, facts.inputs, facts.outputs);
  MULLION_RETURN_IF_ERROR(InferNode(definition, context));
  for (int i = 0; i < node.output_count(); ++i) {
    if (node.output(i) != nullptr) node.output(i)->type = facts.outputs[static_cast<size_t>(i)];
  }
  return OkStatus();
}

// Upgrades (once) or infers. Says whether the node is done; if not, nodes around it may be new.
Result<bool> Advance(Node& node, const OperatorRegistry& registry, std::vector<Problem>* problems) {
  MULLION_ASSIGN_OR_RETURN(const OperatorDefinition* const definition,
                           FindDefinition(node, registry));
  if (definition->upgrade != nullptr) {
    MULLION_RETURN_IF_ERROR(CheckArguments(*definition, node));
    MULLION_RETURN_IF_ERROR(definition->upgrade(node));
    return false;
  }
  MULLION_RETURN_IF_ERROR(InferSubgraphs(node, *definition, registry, problems));
  MULLION_RETURN_IF_ERROR(InferOne(node, *definition));
  return true;
}

// Inference may not contradict a declared output: the declared type of a value in the file.
Status CheckOutputs(const Graph& graph) {
  for (const Value* const output : graph.outputs()) {
    if (output->type.kind == ValueKind::kUnknown) {
      return InvalidModel("the type of output '", output->name(),
                          "' cannot be worked out; export the model again");
    }
  }
  return OkStatus();
}

}  // namespace

Status InferGraph(Graph& graph, const OperatorRegistry& registry, std::vector<Problem>* problems) {
  const Graph::NodeList& nodes = graph.nodes();
  int upgrades = 0;
  for (auto place = nodes.begin(); place != nodes.end();) {
    const bool first = place == nodes.begin();
    const auto before = first ? place : std::prev(place);
    Node& node = **place;
    const Result<bool> done = Advance(node, registry, problems);
    if (!done.ok()) {
      if (problems == nullptr) return done.status();
      problems->push_back({&node, done.status()});
      ++place;
      upgrades = 0;
    } else if (*done) {
      ++place;
      upgrades = 0;
    } else {
      if (++upgrades > kMostUpgrades) {
        return node.Error(StatusCode::kInternal, "its upgrade to the newest form does not end");
      }
      place = first ? nodes.begin() : std::next(before);  // nodes may stand before it now
    }
  }
  return problems != nullptr ? OkStatus() : CheckOutputs(graph);
}

Status InferNodeTypes(Node& node, const OperatorRegistry& registry) {
  MULLION_ASSIGN_OR_RETURN(const OperatorDefinition* const definition,
                           FindDefinition(node, registry));
  return InferOne(node, *definition);
}

}  // namespace mullion::optimizer
