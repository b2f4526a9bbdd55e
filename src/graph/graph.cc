// SPDX-License-Identifier: MIT
#include "graph/graph.h"

#include <algorithm>
#include <unordered_set>

#include "base/str_cat.h"

namespace mullion {

Graph::Graph(Graph* parent) : parent_(parent) {}
Graph::~Graph() = default;

Value& Graph::AddInput(NameView input_name, TypeInfo type) {
  Value& value = AddValue(input_name, std::move(type));
  inputs_.push_back(&value);
  return value;
}

void Graph::AddOutput(Value& value) {
  outputs_.push_back(&value);
  ++value.output_count_;
}

void Graph::SetOutput(size_t index, Value& value) {
  --outputs_[index]->output_count_;
  outputs_[index] = &value;
  ++value.output_count_;
}

Value& Graph::AddValue(NameView value_name) {
  Value& value = values_.emplace_back();
  value.name_ = value_name;
  value.graph_ = this;
  return value;
}

Value& Graph::AddValue(NameView value_name, TypeInfo type) {
  Value& value = AddValue(value_name);
  value.type = std::move(type);
  return value;
}

Value& Graph::AddConstant(NameView value_name, Tensor tensor) {
  Value& value = AddValue(value_name, TypeInfo::Tensor(tensor.type(), tensor.shape()));
  value.constant = std::move(tensor);
  return value;
}

Node& Graph::AddBareNode(NameView domain, NameView operator_name, int opset, const Node* before) {
  auto node = std::make_unique<Node>();
  node->graph_ = this;
  node->SetOperator(domain, operator_name, opset);
  const auto place = before == nullptr ? nodes_.end() : NodeList::iterator(before->place_);
  const auto inserted = nodes_.insert(place, std::move(node));
  (*inserted)->place_ = inserted;
  return **inserted;
}

Node& Graph::AddNode(NameView domain, NameView operator_name, int opset,
                     std::span<Value* const> inputs, int output_count, NameView output_name,
                     const Node* before) {
  Node& node = AddBareNode(domain, operator_name, opset, before);
  for (Value* const input : inputs) node.AddInput(input);
  for (int i = 0; i < output_count; ++i) node.SetOutput(i, &AddValue(output_name));
  return node;
}

void Graph::Remove(Node& node) {
  for (Graph* const subgraph : node.Subgraphs()) {
    while (!subgraph->nodes_.empty()) subgraph->Remove(*subgraph->nodes_.back());
  }
  for (int i = 0; i < node.input_count(); ++i) node.SetInput(i, nullptr);
  for (Value* const output : node.outputs_) {
    if (output != nullptr) output->producer_ = nullptr;
  }
  nodes_.erase(node.place_);
}

void Graph::ReplaceUses(Value& from, Value& to) {
  if (&from == &to) return;
  to.uses_.reserve(to.uses_.size() + from.uses_.size());
  for (const Use& use : from.uses_) {
    use.node->inputs_[static_cast<size_t>(use.index)] = &to;
    to.uses_.push_back(use);
  }
  from.uses_.clear();
  if (!from.IsGraphOutput()) return;
  Graph& owner = from.graph();
  const auto replace_in = [&](Graph& graph) {
    for (size_t i = 0; i < graph.outputs_.size(); ++i) {
      if (graph.outputs_[i] == &from) graph.SetOutput(i, to);
    }
  };
  replace_in(owner);
  if (&to.graph() != &owner) replace_in(to.graph());
}

const Node* Graph::Next(const Node& node) const {
  const NodeList::const_iterator next = std::next(NodeList::const_iterator(node.place_));
  return next == nodes_.end() ? nullptr : next->get();
}

void Graph::MoveBefore(Node& node, const Node& before) {
  nodes_.splice(NodeList::iterator(before.place_), nodes_, node.place_);
}

Status Graph::SortTopologically() {
  // Kahn's algorithm over this graph's nodes; a subgraph's captures count as inputs of its node.
  std::unordered_map<const Node*, int> waiting;
  std::unordered_map<const Node*, std::vector<Node*>> readers;
  const auto depend = [&](Node& node, const Value* value) {
    if (value == nullptr || value->producer() == nullptr || &value->graph() != this) return;
    readers[value->producer()].push_back(&node);
    ++waiting[&node];
  };
  std::vector<Node*> ready;
  for (const auto& node : nodes_) {
    waiting[node.get()];
    for (const Value* const input : node->inputs()) depend(*node, input);
    for (const Graph* const subgraph : node->Subgraphs()) {
      for (const Value* const value : CapturedValues(*subgraph)) depend(*node, value);
    }
  }
  NodeList sorted;
  for (const auto& node : nodes_) {
    if (waiting[node.get()] == 0) ready.push_back(node.get());
  }
  for (size_t i = 0; i < ready.size(); ++i) {
    sorted.splice(sorted.end(), nodes_, ready[i]->place_);
    for (Node* const reader : readers[ready[i]]) {
      if (--waiting[reader] == 0) ready.push_back(reader);
    }
  }
  if (!nodes_.empty()) {
    const Status status = nodes_.front()->Error(
        StatusCode::kInvalidModel,
        "it depends on its own output; a graph must not contain a cycle, export the model again");
    nodes_.splice(nodes_.begin(), sorted);
    return status;
  }
  nodes_ = std::move(sorted);
  return OkStatus();
}

std::unique_ptr<Graph> Graph::Clone() const {
  ValueMap map;
  return CloneInto(*this, parent_, map);
}

namespace {

AttributeValue CloneAttribute(const AttributeValue& value, auto&& clone_graph) {
  if (const auto* one = std::get_if<std::shared_ptr<Graph>>(&value)) {
    return std::shared_ptr<Graph>(clone_graph(**one));
  }
  if (const auto* many = std::get_if<std::vector<std::shared_ptr<Graph>>>(&value)) {
    std::vector<std::shared_ptr<Graph>> graphs;
    for (const auto& graph : *many) graphs.push_back(clone_graph(*graph));
    return graphs;
  }
  return value;
}

}  // namespace

std::unique_ptr<Graph> Graph::CloneInto(const Graph& graph, Graph* parent, ValueMap& map) {
  auto copy = std::make_unique<Graph>(parent);
  copy->name = graph.name;
  for (const Value& value : graph.values_) {
    Value& twin = copy->AddValue(value.name_, value.type);
    twin.constant = value.constant;
    map[&value] = &twin;
  }
  // Values of graphs around the copied one stay as they are.
  const auto twin_of = [&map](Value* value) {
    const auto found = map.find(value);
    return found == map.end() ? value : found->second;
  };
  for (Value* const input : graph.inputs_) copy->inputs_.push_back(twin_of(input));
  for (const auto& node : graph.nodes_) {
    Node& twin = copy->AddBareNode(node->domain_, node->operator_name_, node->opset_);
    twin.origin = node->origin;
    for (int i = 0; i < node->input_count(); ++i) {
      twin.SetInput(i, node->input(i) == nullptr ? nullptr : twin_of(node->input(i)));
    }
    twin.ResizeInputs(node->input_count());
    for (int i = 0; i < node->output_count(); ++i) {
      twin.SetOutput(i, node->output(i) == nullptr ? nullptr : twin_of(node->output(i)));
    }
    for (const Attribute& attribute : node->attributes_) {
      twin.attributes_.push_back(
          {attribute.name, CloneAttribute(attribute.value, [&](const Graph& subgraph) {
             return CloneInto(subgraph, copy.get(), map);
           })});
    }
  }
  for (Value* const output : graph.outputs_) copy->AddOutput(*twin_of(output));
  return copy;
}

namespace {

void Capture(const Graph& graph, const std::unordered_set<const Graph*>& inside,
             std::unordered_set<const Value*>& seen, std::vector<Value*>& captured) {
  const auto visit = [&](Value* value) {
    if (value == nullptr || inside.contains(&value->graph())) return;
    if (seen.insert(value).second) captured.push_back(value);
  };
  for (const auto& node : graph.nodes()) {
    for (Value* const input : node->inputs()) visit(input);
    for (const Graph* const subgraph : node->Subgraphs()) {
      auto deeper = inside;
      deeper.insert(subgraph);
      Capture(*subgraph, deeper, seen, captured);
    }
  }
  for (Value* const output : graph.outputs()) visit(output);
}

}  // namespace

std::vector<Value*> CapturedValues(const Graph& graph) {
  std::unordered_set<const Value*> seen;
  std::vector<Value*> captured;
  Capture(graph, {&graph}, seen, captured);
  return captured;
}

Status Graph::Validate() const {
  std::unordered_set<const Value*> made;
  for (const auto& node : nodes_) {
    for (int i = 0; i < node->input_count(); ++i) {
      const Value* const input = node->input(i);
      if (input == nullptr) continue;
      const bool listed =
          std::any_of(input->uses_.begin(), input->uses_.end(),
                      [&](const Use& use) { return use.node == node.get() && use.index == i; });
      if (!listed) {
        return node->Error(StatusCode::kInternal, "input ", i, " does not list its use");
      }
      if (&input->graph() == this && input->producer() != nullptr && !made.contains(input)) {
        return node->Error(StatusCode::kInternal, "stands before the producer of its input '",
                           input->name(), "'");
      }
    }
    for (const Value* const output : node->outputs()) made.insert(output);
    for (const Graph* const subgraph : node->Subgraphs()) {
      MULLION_RETURN_IF_ERROR(subgraph->Validate());
    }
  }
  return OkStatus();
}

}  // namespace mullion
