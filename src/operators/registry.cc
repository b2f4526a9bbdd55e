// SPDX-License-Identifier: MIT
#include "operators/registry.h"

#include "base/str_cat.h"

namespace mullion {

namespace {

Status CheckArity(const Node& node, const char* what, int count, Arity arity) {
  if (count >= arity.min && count <= arity.max) return OkStatus();
  const std::string wanted = arity.max == kVariadic   ? StrCat(arity.min, " or more")
                             : arity.min == arity.max ? StrCat(arity.min)
                                                      : StrCat(arity.min, " to ", arity.max);
  return node.Error(StatusCode::kInvalidModel, "it has ", count, " ", what,
                    " but the operator takes ", wanted, "; export the model again");
}

// Of `count` inputs those that are looked at: of a list without end all.
int Needed(const OperatorDefinition& definition, int count) {
  return definition.inputs.max == kVariadic ? count : definition.inputs.min;
}

bool MayBeLeftOut(const OperatorDefinition& definition, int input) {
  return (input < 32 && (definition.optional >> input & 1) != 0) ||
         definition.domain == operators::kInternalDomain;  // of which the optimizer knows more
}

}  // namespace

Status CheckArguments(const OperatorDefinition& definition, const Node& node) {
  MULLION_RETURN_IF_ERROR(CheckArity(node, "inputs", node.input_count(), definition.inputs));
  MULLION_RETURN_IF_ERROR(CheckArity(node, "outputs", node.output_count(), definition.outputs));
  for (int i = 0; i < Needed(definition, node.input_count()); ++i) {
    if (node.input(i) != nullptr || MayBeLeftOut(definition, i)) continue;
    return node.Error(StatusCode::kInvalidModel, "input ", i,
                      " is required but left out; export the model again");
  }
  return OkStatus();
}

void OperatorRegistry::Add(const OperatorDefinition& definition) { forms_.Add(definition); }

const OperatorDefinition* OperatorRegistry::Find(std::string_view domain, std::string_view name,
                                                 int opset) const {
  const OperatorDefinition* best = nullptr;
  forms_.ForEach(domain, name, [&](const OperatorDefinition& form) {
    if (form.since <= opset && (best == nullptr || form.since >= best->since)) best = &form;
  });
  if (best != nullptr) return best;
  return behind_ == nullptr ? nullptr : behind_->Find(domain, name, opset);
}

std::vector<const OperatorDefinition*> OperatorRegistry::All() const {
  std::vector<const OperatorDefinition*> all;
  forms_.ForEach([&](const OperatorDefinition& form) { all.push_back(&form); });
  if (behind_ != nullptr) {
    for (const OperatorDefinition* const form : behind_->All()) all.push_back(form);
  }
  return all;
}

const OperatorRegistry& BuiltInOperators() {
  static const OperatorRegistry* const registry = [] {
    auto* const made = new OperatorRegistry();
    operators::RegisterAll(*made);
    return made;
  }();
  return *registry;
}

Status InferNode(const OperatorDefinition& definition, InferenceContext& context) {
  const Node& node = context.node();
  MULLION_RETURN_IF_ERROR(CheckArity(node, "inputs", context.input_count(), definition.inputs));
  MULLION_RETURN_IF_ERROR(CheckArity(node, "outputs", context.output_count(), definition.outputs));
  for (int i = 0; i < Needed(definition, context.input_count()); ++i) {
    if (!MayBeLeftOut(definition, i)) MULLION_RETURN_IF_ERROR(context.RequireInput(i));
  }
  if (context.HasInput(0) && context.InputInfo(0).IsTensor()) {
    MULLION_RETURN_IF_ERROR(context.RequireType(0, definition.types));
  }
  if (definition.infer == nullptr) return OkStatus();
  MULLION_RETURN_IF_ERROR(definition.infer(context));
  for (int i = 0; i < context.output_count(); ++i) {
    const TypeInfo& output = context.OutputInfo(i);
    if (!output.IsTensor() || !output.has_shape || !output.shape.IsConcrete()) continue;
    if (output.shape.CheckedElementCount().has_value()) continue;
    return context.node().Error(StatusCode::kOutOfMemory, "its output ", i, " would be ",
                                output.ToString(), ", which is too large; use smaller inputs");
  }
  return OkStatus();
}

}  // namespace mullion
