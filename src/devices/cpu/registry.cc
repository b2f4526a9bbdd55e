// SPDX-License-Identifier: MIT
#include "devices/cpu/registry.h"

#include "base/str_cat.h"

namespace mullion::cpu {

namespace {

std::string Key(std::string_view domain, std::string_view name) {
  return StrCat(domain == "ai.onnx" ? std::string_view() : domain, "::", name);
}

// The element type that chooses a kernel: that of the first input there is.
ElementType LeadingType(const Node& node) {
  for (const Value* const input : node.inputs()) {
    if (input != nullptr && input->type.IsTensor()) return input->type.element_type;
    if (input != nullptr) return ElementType::kUndefined;
  }
  const Value* const output = node.output(0);
  return output != nullptr && output->type.IsTensor() ? output->type.element_type
                                                      : ElementType::kUndefined;
}

std::string NamesOf(ElementTypeSet set) {
  std::string names;
  for (int i = 1; i < kElementTypeCount; ++i) {
    const auto type = static_cast<ElementType>(i);
    if (Contains(set, type)) names += StrCat(names.empty() ? "" : ", ", ElementTypeName(type));
  }
  return names;
}

}  // namespace

void KernelRegistry::Add(const KernelDefinition& definition) {
  kernels_[Key(definition.domain, definition.name)].push_back(definition);
}

Result<const KernelDefinition*> KernelRegistry::Find(const Node& node) const {
  const auto found = kernels_.find(Key(node.domain(), node.operator_name()));
  if (found == kernels_.end()) {
    return node.Error(StatusCode::kUnsupported, "the CPU device has no kernel for this operator");
  }
  const ElementType type = LeadingType(node);
  ElementTypeSet supported = 0;
  Status reason;
  const KernelDefinition* best = nullptr;
  for (const KernelDefinition& kernel : found->second) {
    if (kernel.since > node.opset()) continue;
    supported |= kernel.types;
    if (type != ElementType::kUndefined && !Contains(kernel.types, type)) continue;
    if (kernel.supports != nullptr) {
      Status status = kernel.supports(node);
      if (!status.ok()) {
        reason = std::move(status);
        continue;
      }
    }
    if (best == nullptr || kernel.since > best->since) best = &kernel;
  }
  if (best != nullptr) return best;
  if (!reason.ok()) return reason;
  return node.Error(StatusCode::kUnsupported,
                    StrCat("the CPU device has no kernel for element type ", ElementTypeName(type),
                           "; it has ", NamesOf(supported), ", put a Cast in between"));
}

ElementTypeSet KernelRegistry::TypesOf(std::string_view domain, std::string_view name) const {
  ElementTypeSet types = 0;
  const auto found = kernels_.find(Key(domain, name));
  if (found == kernels_.end()) return types;
  for (const KernelDefinition& kernel : found->second) types |= kernel.types;
  return types;
}

const KernelRegistry& BuiltInKernels() {
  static const KernelRegistry* const registry = [] {
    auto* const made = new KernelRegistry();
    RegisterAll(*made);
    return made;
  }();
  return *registry;
}

}  // namespace mullion::cpu
