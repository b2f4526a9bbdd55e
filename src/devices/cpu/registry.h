// SPDX-License-Identifier: MIT
// The kernels of the CPU device.
//
// A family file `devices/cpu/foo.cc` defines `void RegisterFoo(KernelRegistry&)`; CMake collects
// the calls. Kernels know the newest form of each operator only: older ones were rewritten on
// import.
#ifndef MULLION_DEVICES_CPU_REGISTRY_H_
#define MULLION_DEVICES_CPU_REGISTRY_H_

#include <memory>
#include <string_view>

#include "device/kernel.h"
#include "device/weight_store.h"
#include "operators/definition_table.h"

namespace mullion::cpu {

struct KernelDefinition {
  NameView name;
  NameView domain = "";
  int since = 1;
  // Element types of input 0 (of output 0 for operators without inputs).
  ElementTypeSet types = types::kAll;
  // Reads the node's attributes and constants and packs weights. The node is valid by its
  // operator's inference and outlives the executable.
  Result<std::unique_ptr<Executable>> (*make)(const Node& node, WeightStore& weights) = nullptr;
  // Further conditions, such as types of other inputs; the error says what is supported. Optional.
  Status (*supports)(const Node& node) = nullptr;
};

class KernelRegistry {
 public:
  // Not after the first of the questions below.
  void Add(const KernelDefinition& definition);

  // The kernel for the node, or an error that says what is missing and which types there are.
  Result<const KernelDefinition*> Find(const Node& node) const;

  // Element types for which an operator has a kernel, whatever the form; none when it has none.
  ElementTypeSet TypesOf(std::string_view domain, std::string_view name) const;

 private:
  DefinitionTable<KernelDefinition> kernels_;
};

const KernelRegistry& BuiltInKernels();
void RegisterAll(KernelRegistry& registry);  // written by CMake

// For `KernelDefinition::make` of executables that are made from the node alone.
template <typename Kernel>
Result<std::unique_ptr<Executable>> MakeKernel(const Node& node, WeightStore& /*weights*/) {
  return std::unique_ptr<Executable>(std::make_unique<Kernel>(node));
}

// The same of those that pack their weights first: `Status Prepare(node, weights)` does.
template <typename Kernel>
Result<std::unique_ptr<Executable>> MakePrepared(const Node& node, WeightStore& weights) {
  auto executable = std::make_unique<Kernel>();
  MULLION_RETURN_IF_ERROR(executable->Prepare(node, weights));
  return std::unique_ptr<Executable>(std::move(executable));
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_REGISTRY_H_
