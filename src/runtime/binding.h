// SPDX-License-Identifier: MIT
// What a program is for one set of concrete shapes.
//
// A program runs in segments. Each segment is a run of steps whose output shapes all follow from
// what is known when the segment begins; it ends before a step whose output shapes hang on run-time
// values. That step is looked at again when those values exist (see frame.h), and what comes of it
// is the key of the next segment's binding, a child of this one. A program of static arithmetic is
// one segment.
//
// Bindings are immutable and shared by all threads that evaluate a session.
#ifndef MULLION_RUNTIME_BINDING_H_
#define MULLION_RUNTIME_BINDING_H_

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "planner/program.h"
#include "runtime/help_choice.h"
#include "runtime/loop_costs.h"
#include "runtime/sample_groups.h"

namespace mullion {

// Where the bytes of a value are during a segment.
enum class PlacementKind : uint8_t {
  kArena,        // at `offset` of the segment's arena
  kThreadArena,  // at `offset` of each thread's, in passes at once
  kOutput,       // in the memory of the program's output number `offset`
  kHeap,         // wherever the kernel puts it: strings, sequences, maps
  kFolded,       // computed at binding: number `offset` of the binding's `folded`
};

struct Placement {
  int slot = kNoSlot;
  PlacementKind kind = PlacementKind::kHeap;
  size_t offset = 0;
  TypeInfo type;  // concrete shape for tensors
};

// What a step worked out, and what its loops take: learned while it runs. Bindings for which the
// step reads the same share it.
struct StepMemory {
  std::unique_ptr<BoundState> state;
  LoopCosts costs;
};

struct BoundStep {
  int step = 0;
  std::shared_ptr<StepMemory> memory;  // null where there is nothing to keep, on one thread
};

// A value that is there when a segment begins: a program input, a capture, or what a dynamic step
// gave out.
struct BoundaryValue {
  int slot = kNoSlot;
  TypeInfo type;
};

// What a segment is bound for. `first_step` is where it starts: at the dynamic step itself when its
// shapes could be worked out, after it when it had to be run.
struct BindingKey {
  int first_step = 0;
  std::vector<BoundaryValue> values;
};
bool SameKey(const BindingKey& a, const BindingKey& b);

class Binding;

// A few bindings, most recently used first. Thread-safe.
class BindingCache {
 public:
  // The binding for `key`, or null.
  std::shared_ptr<const Binding> Find(const BindingKey& key);
  void Insert(std::shared_ptr<const Binding> binding);

 private:
  static constexpr size_t kMostBindings = 16;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const Binding>> bindings_;
};

class Binding {
 public:
  const Binding* parent = nullptr;  // lives longer: it holds this one in its cache
  BindingKey key;
  std::vector<Placement> placements;  // of the values made in this segment
  std::vector<Tensor> folded;
  std::vector<BoundStep> steps;     // folded steps are left out
  std::vector<SampleGroup> groups;  // of `steps`, in order
  int end_step = 0;  // the dynamic step that ends the segment, or the number of steps
  size_t arena_bytes = 0;
  size_t scratch_bytes = 0;
  // What each thread takes where passes go at once.
  size_t thread_arena_bytes = 0;
  size_t thread_scratch_bytes = 0;
  mutable BindingCache children;
  mutable HelpChoice help;  // of evaluations that are this segment alone
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_BINDING_H_
