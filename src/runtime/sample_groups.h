// SPDX-License-Identifier: MIT
// Steps that run for a few samples of a batch at a time, one after the other, before they run for
// the next: what they hand on then stays in the cache, and takes the memory of those samples alone.
#ifndef MULLION_RUNTIME_SAMPLE_GROUPS_H_
#define MULLION_RUNTIME_SAMPLE_GROUPS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "planner/program.h"

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
};

// Finds the groups among `steps` of the program, which are bound together. `type_of` tells the type
// of a slot's value, concrete where it is a tensor.
std::vector<SampleGroup> FindSampleGroups(const Program& program, std::span<const int> steps,
                                          FunctionRef<const TypeInfo&(int)> type_of);

}  // namespace mullion

#endif  // MULLION_RUNTIME_SAMPLE_GROUPS_H_
