// SPDX-License-Identifier: MIT
// Steps that run for some samples of a batch, one after the other, before they run for others.
//
// Passes in turn take a few samples: what their steps hand on stays in the cache, and takes the
// memory of those samples alone. Passes at once take a share of the batch for each thread, which
// then shares no step with others: it waits for nobody and reads what it wrote itself. Within such
// a pass some steps may go in turn again.
#ifndef MULLION_RUNTIME_SAMPLE_GROUPS_H_
#define MULLION_RUNTIME_SAMPLE_GROUPS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "planner/program.h"
#include "runtime/loop_costs.h"

namespace mullion {

// A value with all its samples, of which a pass sees some.
struct SampledSlot {
  int slot;
  size_t pass_bytes;
  bool made;  // by the group; else it is there before
};

// Steps [first, last) of those that are bound.
struct SampleGroup {
  size_t first = 0;
  size_t last = 0;
  int64_t passes = 1;
  int64_t samples = 0;  // of a pass
  std::vector<SampledSlot> sampled;
  // Values that nobody outside the group reads: they are there for one pass only.
  std::vector<int> inside;
  // Of passes at once: what all of them read whole, the steps that go in turn within one, where a
  // binding's placements of what is inside begin and end, and what the passes take: null where
  // passes go in turn.
  std::vector<int> whole;
  std::vector<SampleGroup> groups;
  size_t first_placement = 0;
  size_t last_placement = 0;
  std::shared_ptr<LoopCosts> costs;

  SampleGroup() = default;
  SampleGroup(SampleGroup&&) = default;
  ~SampleGroup();  // groups within groups: not inline

  bool at_once() const { return costs != nullptr; }
};

// Finds the groups among [first, last) of `steps` of the program, which are bound together, without
// those within others. `type_of` tells the type of a slot's value, concrete where it is a tensor;
// `threads` how many may work.
std::vector<SampleGroup> FindSampleGroups(const Program& program, std::span<const int> steps,
                                          size_t first, size_t last,
                                          FunctionRef<const TypeInfo&(int)> type_of, int threads);

}  // namespace mullion

#endif  // MULLION_RUNTIME_SAMPLE_GROUPS_H_
