// SPDX-License-Identifier: MIT
// Gives values the unique names that ONNX asks for; in a Graph names are for people and may repeat.
#ifndef MULLION_ONNX_VALUE_NAMES_H_
#define MULLION_ONNX_VALUE_NAMES_H_

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "graph/graph.h"

namespace mullion::onnx {

// The names of one graph; they differ from each other and from those of the graphs around it.
class ValueNames {
 public:
  explicit ValueNames(const ValueNames* outer) : outer_(outer) {}

  // Names `value` as wished if that is free, else with a number behind. A value that has a name
  // already keeps it.
  void Add(const Value& value, std::string_view wish);
  // Lets `value` share the name of `other`.
  void AddAlias(const Value& value, const Value& other);
  // The name given here or in a graph around; null when there is none.
  const std::string* Find(const Value& value) const;

 private:
  bool IsTaken(const std::string& name) const;

  const ValueNames* outer_;
  std::unordered_map<const Value*, std::string> names_;
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int> next_number_;
};

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_VALUE_NAMES_H_
