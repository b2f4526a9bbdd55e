// SPDX-License-Identifier: MIT
// A graph made ready to run: steps in order, values numbered, executables compiled. Independent of
// shapes; made once per session and read-only afterwards.
#ifndef MULLION_PLANNER_PROGRAM_H_
#define MULLION_PLANNER_PROGRAM_H_

#include <memory>
#include <string>
#include <vector>

#include "device/device.h"
#include "device/kernel.h"
#include "graph/graph.h"
#include "operators/registry.h"

namespace mullion {

struct Program;

inline constexpr int kNoSlot = -1;

// How a step is carried out.
enum class StepKind : uint8_t { kExecutable, kIf, kLoop, kScan, kSequenceMap };

// One node, or one island of nodes, in the order of execution.
struct Step {
  StepKind kind = StepKind::kExecutable;
  const Node* node = nullptr;
  const OperatorDefinition* definition = nullptr;
  const Device* device = nullptr;
  std::unique_ptr<Executable> executable;  // kExecutable only
  std::vector<int> inputs;                 // slots; kNoSlot where an input is left out
  std::vector<int> outputs;                // slots; kNoSlot where nobody wants the output
  // Control flow: If has then, else; Loop, Scan and SequenceMap one body.
  std::vector<std::unique_ptr<Program>> subprograms;
};

// A value of the program.
struct Slot {
  const Value* value = nullptr;
  // The last step that reads it (a control-flow step for what its subprograms capture);
  // steps.size() when the program gives it out, -1 when nobody reads it.
  int last_use = -1;
  bool constant = false;  // the value's constant holds it
  // A constant whose contents nobody looks at any more: all its readers hold what they need of it.
  bool held = false;
};

struct Program {
  const Graph* graph = nullptr;  // owned by the session
  std::vector<Slot> slots;
  std::vector<Step> steps;
  std::vector<int> inputs;    // slots of the graph's inputs, in order
  std::vector<int> outputs;   // slots of the graph's outputs, in order
  std::vector<int> captures;  // slots here of values of the surrounding program...
  std::vector<int> captured;  // ...and their slots there, parallel to `captures`

  bool GivesOut(int slot) const {
    return slots[static_cast<size_t>(slot)].last_use == static_cast<int>(steps.size());
  }
};

}  // namespace mullion

#endif  // MULLION_PLANNER_PROGRAM_H_
