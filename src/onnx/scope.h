// SPDX-License-Identifier: MIT
// Which value a name stands for at one place of a model.
#ifndef MULLION_ONNX_SCOPE_H_
#define MULLION_ONNX_SCOPE_H_

#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "graph/graph.h"

namespace mullion::onnx {

// A graph while it is being read.
struct GraphInProgress {
  explicit GraphInProgress(Graph& g) : graph(g) {}
  Graph& graph;
  // Some node reads a value whose producer comes later in the file.
  bool needs_sort = false;
};

// The names of one graph, or of one inlined function body, which adds its nodes to the graph of the
// call but sees none of its names.
class Scope {
 public:
  Scope(GraphInProgress& place, const Scope* outer) : place_(place), outer_(outer) {}

  Graph& graph() const { return place_.graph; }
  GraphInProgress& place() const { return place_; }
  void Reserve(size_t names) { names_.reserve(names); }

  // A value without a producer in this graph: an input, an initializer, an argument. A null value
  // is an argument that the call leaves out. False when the name is taken, as for the next two.
  bool DeclareGiven(std::string_view name, Value* value) {
    return Declare(name, value, Kind::kGiven);
  }
  // A value that a node makes, perhaps one that is still to come.
  bool DeclareProduced(std::string_view name, Value* value) {
    return Declare(name, value, Kind::kProduced);
  }
  // A value that exists already and that some node has to make: a function's output.
  bool DeclareExpected(std::string_view name, Value* value) {
    const bool added = Declare(name, value, Kind::kExpected);
    expected_ += added ? 1 : 0;
    return added;
  }
  // The expected value of that name, which is a produced one from now on; null when there is none.
  Value* Claim(std::string_view name);
  bool IsExpected(std::string_view name) const;
  bool Contains(std::string_view name) const { return names_.contains(name); }

  // The value of this scope alone; null when there is none.
  Value* FindHere(std::string_view name) const;

  // What a reader of `name` gets, from here or from a graph around. False when nothing has that
  // name. `value` is null for an argument that was left out. Notes when the order of nodes in the
  // file is not the order of their dependencies.
  bool Resolve(std::string_view name, Value*& value) const;

 private:
  enum class Kind : uint8_t { kGiven, kProduced, kExpected };
  struct Entry {
    Value* value;
    Kind kind;
  };
  bool Declare(std::string_view name, Value* value, Kind kind) {
    return names_.emplace(name, Entry{value, kind}).second;
  }

  GraphInProgress& place_;
  const Scope* outer_;
  std::unordered_map<std::string_view, Entry> names_;
  int expected_ = 0;  // entries of that kind
};

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_SCOPE_H_
