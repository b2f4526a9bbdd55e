// SPDX-License-Identifier: MIT
// The operators that are known, each with the versions it had.
//
// A family file `operators/foo.cc` defines `void RegisterFoo(OperatorRegistry&)`; CMake collects
// the calls. A registry may chain to another one behind it: a model's or session's own operators
// come first and may override.
#ifndef MULLION_OPERATORS_REGISTRY_H_
#define MULLION_OPERATORS_REGISTRY_H_

#include <limits>
#include <string_view>
#include <vector>

#include "operators/definition_table.h"
#include "operators/inference.h"

namespace mullion {

// How many inputs or outputs an operator takes. Missing optional ones in between are null.
struct Arity {
  int min = 0;
  int max = 0;
};
inline constexpr int kVariadic = std::numeric_limits<int>::max();

// One form of an operator: from opset `since` until the next form of the same operator.
struct OperatorDefinition {
  NameView name;
  NameView domain = "";  // "" is ai.onnx
  int since = 1;
  Arity inputs;
  Arity outputs{1, 1};
  // Which of the first `inputs.min` may be left out all the same, a bit for each; `infer` and
  // `upgrade` find all others.
  uint32_t optional = 0;
  // How many of the inputs, at the end, come from the optimizer: no model may have them.
  int added_inputs = 0;
  // Element types allowed for input 0; wider rules are checked by `infer`.
  ElementTypeSet types = types::kAll;
  // Sets every output's type and, as far as it can be known, shape; checks attributes, types and
  // ranks. Null for forms that `upgrade` always turns into another one.
  Status (*infer)(InferenceContext&) = nullptr;
  // Import normalisation: rewrites a node of this form into the next one (attributes become
  // constant inputs and so on) and sets its opset to the new form's. Repeated until a form has
  // none. The pass asks again afterwards, so each form only knows its successor. Types of the
  // node's inputs, and shapes where known, are already inferred when it is called.
  Status (*upgrade)(Node&) = nullptr;
  // Operators with subgraphs: sets the types of a subgraph's inputs from the node's, before the
  // subgraph is inferred. `infer` then finds the types of the subgraph's outputs in it.
  void (*enter_subgraph)(InferenceContext&, std::string_view attribute, Graph&) = nullptr;
  // The outputs hang on the inputs' shapes alone, not on their contents.
  bool shape_only = false;
  // Two runs on the same inputs may differ: never folded, never merged.
  bool random = false;
};

class OperatorRegistry {
 public:
  explicit OperatorRegistry(const OperatorRegistry* behind = nullptr) : behind_(behind) {}

  // Not after the first of the questions below.
  void Add(const OperatorDefinition& definition);

  // The form of `domain::name` in force at `opset`: the one with the greatest since <= opset; null
  // when there is none.
  const OperatorDefinition* Find(std::string_view domain, std::string_view name, int opset) const;
  // All forms of all operators, this registry's first; order unspecified.
  std::vector<const OperatorDefinition*> All() const;

 private:
  DefinitionTable<OperatorDefinition> forms_;
  const OperatorRegistry* behind_;
};

// The operators that come with the library. Made on first use; thread-safe.
const OperatorRegistry& BuiltInOperators();

// The newest opset of ai.onnx that the library knows; newer models are tried.
inline constexpr int kNewestOpset = 28;

// That a node has the inputs and outputs that its form must have, and no more: before `upgrade`.
Status CheckArguments(const OperatorDefinition& definition, const Node& node);

// Runs the definition's arity and type checks and its inference for one node.
Status InferNode(const OperatorDefinition& definition, InferenceContext& context);

namespace operators {
// The domain of nodes that only the optimizer makes, such as fused elementwise chains.
inline constexpr std::string_view kInternalDomain = "mullion";
void RegisterAll(OperatorRegistry& registry);  // written by CMake
}  // namespace operators

}  // namespace mullion

#endif  // MULLION_OPERATORS_REGISTRY_H_
