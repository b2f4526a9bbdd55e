// SPDX-License-Identifier: MIT
#include "devices/cpu/registry.h"

#include "base/str_cat.h"

namespace mullion::cpu {

namespace {

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

void KernelRegistry::Add(const KernelDefinition& definition) { kernels_.Add(definition); }

Result<const KernelDefinition*> KernelRegistry::Find(const Node& node) const {
  const ElementType type = LeadingType(node);
  bool known = false;
  ElementTypeSet supported = 0;
  Status reason;
  const KernelDefinition* best = nullptr;
  kernels_.ForEach(node.domain(), node.operator_name(), [&](const KernelDefinition& kernel) {
    known = true;
    if (kernel.since > node.opset()) return;
    supported |= kernel.types;
    if (type != ElementType::kUndefined && !Contains(kernel.types, type)) return;
    if (kernel.supports != nullptr) {
      Status status = kernel.supports(node);
      if (!status.ok()) {
        reason = std::move(status);
        return;
      }
    }
    if (best == nullptr || kernel.since > best->since) best = &kernel;
  });
  if (best != nullptr) return best;
  if (!known) {
    return node.Error(StatusCode::kUnsupported, "the CPU device has no kernel for this operator");
  }
  if (!reason.ok()) return reason;
  return node.Error(StatusCode::kUnsupported, "the CPU device has no kernel for element type ",
                    ElementTypeName(type), "; it has ", NamesOf(supported),
                    ", put a Cast in between");
}

ElementTypeSet KernelRegistry::TypesOf(std::string_view domain, std::string_view name) const {
  ElementTypeSet types = 0;
  kernels_.ForEach(domain, name, [&](const KernelDefinition& kernel) { types |= kernel.types; });
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
