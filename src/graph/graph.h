// SPDX-License-Identifier: MIT
// A model's computation in memory: nodes in topological order, joined by values.
//
// Goals: rewrites are local and cheap (every edit is close to constant time), pointers stay valid
// while the graph lives, and a subgraph refers to values of the graphs around it directly.
// Non-goals: thread safety, and any knowledge of what operators mean.
#ifndef MULLION_GRAPH_GRAPH_H_
#define MULLION_GRAPH_GRAPH_H_

#include <deque>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/name_view.h"
#include "base/status.h"
#include "base/tensor.h"
#include "graph/attribute.h"
#include "graph/type_info.h"

namespace mullion {

class Graph;
class Node;

// Where a value is read: input `index` of `node`. The node may stand in a subgraph.
struct Use {
  Node* node;
  int index;
};

// A value that flows: produced by a node, fed as an input, or constant.
class Value {
 public:
  const std::string& name() const { return name_; }
  TypeInfo type;
  // The value itself when it is known for good: an initializer or a folded result.
  Tensor constant;

  bool IsConstant() const { return static_cast<bool>(constant); }
  Node* producer() const { return producer_; }  // null for inputs and constants
  int producer_index() const { return producer_index_; }
  Graph& graph() const { return *graph_; }
  const std::vector<Use>& uses() const { return uses_; }
  bool IsGraphOutput() const { return output_count_ > 0; }

 private:
  friend class Graph;
  friend class Node;
  std::string name_;
  Graph* graph_ = nullptr;
  Node* producer_ = nullptr;
  int producer_index_ = 0;
  int output_count_ = 0;  // how often the graph lists it as an output
  std::vector<Use> uses_;
};

// What a node was in the file it came from. Rewritten nodes keep it, so that messages and profiles
// speak of the user's model.
struct Origin {
  std::string name;
  std::string operator_name;
  std::string domain;
  int opset = 0;
  std::string function_path;  // "" outside local functions

  // "node 'conv1' (Conv, opset 9)".
  std::string ToString() const;
};

class Node {
 public:
  Node();
  ~Node();
  const std::string& operator_name() const { return operator_name_; }
  const std::string& domain() const { return domain_; }  // "" is ai.onnx
  // The opset whose definition of the operator this node follows.
  int opset() const { return opset_; }
  Graph& graph() const { return *graph_; }
  Origin origin;

  // Inputs that are left out are null; so are outputs that nobody wants.
  int input_count() const { return static_cast<int>(inputs_.size()); }
  int output_count() const { return static_cast<int>(outputs_.size()); }
  Value* input(int i) const {
    return i < input_count() ? inputs_[static_cast<size_t>(i)] : nullptr;
  }
  Value* output(int i) const {
    return i < output_count() ? outputs_[static_cast<size_t>(i)] : nullptr;
  }
  std::span<Value* const> inputs() const { return inputs_; }
  std::span<Value* const> outputs() const { return outputs_; }
  void SetInput(int i, Value* value);  // grows the list when needed
  void AddInput(Value* value) { SetInput(input_count(), value); }
  void ResizeInputs(int count);
  void SetOutput(int i, Value* value);  // the value must have no producer
  void TrimOutputs();                   // drops left-out outputs at the end of the list

  // Changes what the node is, for import normalisation and fusion.
  void SetOperator(NameView domain, NameView name, int opset);
  void set_opset(int opset) { opset_ = opset; }

  const std::vector<Attribute>& attributes() const { return attributes_; }
  const AttributeValue* FindAttribute(NameView name) const;
  bool HasAttribute(NameView name) const { return FindAttribute(name) != nullptr; }
  void SetAttribute(NameView name, AttributeValue value);
  void RemoveAttribute(NameView name);

  // Reading with a default; an attribute of another kind counts as absent here and is refused when
  // the model is loaded (optimizer/check_imported.h).
  int64_t IntAttribute(NameView name, int64_t fallback) const;
  float FloatAttribute(NameView name, float fallback) const;
  std::string_view StringAttribute(NameView name, NameView fallback) const;
  std::span<const int64_t> IntsAttribute(NameView name) const;  // empty when absent
  std::span<const float> FloatsAttribute(NameView name) const;  // empty when absent
  std::span<const std::string> StringsAttribute(NameView name) const;
  const Tensor* TensorAttribute(NameView name) const;  // null when absent
  Graph* GraphAttribute(NameView name) const;          // null when absent

  // Every subgraph among the attributes.
  std::vector<Graph*> Subgraphs() const;

  // A status that begins with this node's origin and goes on with `pieces` as by StrCat.
  template <typename... Pieces>
  [[gnu::always_inline]] Status Error(StatusCode code, const Pieces&... pieces) const {
    return JoinedError(code, internal::kPieceKinds<internal::PassedPieceOf<Pieces>...>,
                       internal::PassedPiece(pieces)...);
  }

 private:
  friend class Graph;
  [[gnu::cold]] Status JoinedError(StatusCode code, const char* kinds, ...) const;

  std::string operator_name_;
  std::string domain_;
  int opset_ = 0;
  Graph* graph_ = nullptr;
  std::vector<Value*> inputs_;
  std::vector<Value*> outputs_;
  std::vector<Attribute> attributes_;
  std::list<std::unique_ptr<Node>>::iterator place_;
};

class Graph {
 public:
  // `parent` is the graph around a subgraph; null for a model's main graph.
  explicit Graph(Graph* parent = nullptr);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  std::string name;
  Graph* parent() const { return parent_; }

  // Nodes in topological order: a node stands after the producers of its inputs and of what its
  // subgraphs capture.
  using NodeList = std::list<std::unique_ptr<Node>>;
  const NodeList& nodes() const { return nodes_; }
  size_t node_count() const { return nodes_.size(); }

  const std::vector<Value*>& inputs() const { return inputs_; }
  const std::vector<Value*>& outputs() const { return outputs_; }
  Value& AddInput(NameView name, TypeInfo type);
  void AddInput(Value& value) { inputs_.push_back(&value); }
  void AddOutput(Value& value);
  void SetOutput(size_t index, Value& value);

  // A new value of this graph. Names are for people: they need not be unique.
  Value& AddValue(NameView name);
  Value& AddValue(NameView name, TypeInfo type);
  Value& AddConstant(NameView name, Tensor tensor);

  // A new node before `before`, or at the end when it is null. Its outputs are new values named
  // after `output_name`. Its origin is empty: copy one.
  Node& AddNode(NameView domain, NameView operator_name, int opset, std::span<Value* const> inputs,
                int output_count, NameView output_name, const Node* before = nullptr);
  // The same without outputs: SetOutput gives them.
  Node& AddBareNode(NameView domain, NameView operator_name, int opset,
                    const Node* before = nullptr);

  // Removes a node whose outputs nobody reads. Its subgraphs go with it.
  void Remove(Node& node);
  // Every reader of `from`, graph outputs included, reads `to` from now on.
  void ReplaceUses(Value& from, Value& to);
  // The node that stands after `node`, or null.
  const Node* Next(const Node& node) const;
  // Moves `node` to stand right before `before` (both of this graph).
  void MoveBefore(Node& node, const Node& before);

  // Puts the nodes into topological order; fails with the name of a node on a cycle.
  Status SortTopologically();

  // A deep copy, subgraphs included. Constants share their memory. Captured values of outer graphs
  // are looked up in `outer`, which maps them to those of the copy's surroundings.
  std::unique_ptr<Graph> Clone() const;

  // All values ever made in this graph, dead ones included.
  const std::deque<Value>& values() const { return values_; }

  // True when no value but this graph's own constants would let it run, i.e. for debugging: checks
  // that uses, producers and order agree. Returns the first violation.
  Status Validate() const;

 private:
  friend class Node;
  using ValueMap = std::unordered_map<const Value*, Value*>;
  static std::unique_ptr<Graph> CloneInto(const Graph& graph, Graph* parent, ValueMap& map);

  Graph* parent_;
  NodeList nodes_;
  std::deque<Value> values_;
  std::vector<Value*> inputs_;
  std::vector<Value*> outputs_;
};

// Values of outer graphs that `graph` or its own subgraphs read, each once, in order of first use.
std::vector<Value*> CapturedValues(const Graph& graph);

}  // namespace mullion

#endif  // MULLION_GRAPH_GRAPH_H_
