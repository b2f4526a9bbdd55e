// SPDX-License-Identifier: MIT
#include "runtime/sample_groups.h"

#include <algorithm>

#include "operators/by_sample.h"

namespace mullion {

namespace {

// Of level 2 caches of these days: what is larger comes from level 3 or memory.
constexpr int64_t kSampleCacheBytes = 1024 * 1024;

// A pass that makes less than this share of it is not worth starting all its steps.
constexpr int64_t kLeastPassShare = 4;

// A thread's share of a batch is worth its own pass where all steps together read and write this
// much: less takes no longer than the word to another thread and back.
constexpr int64_t kLeastShareBytes = 64 * 1024;

// Weights that every thread reads for its own share, in what the step reads and writes of it: some
// fifty rows of a product. With fewer, reading weights is what takes time, and two would do it.
constexpr int64_t kMostWeights = 4;

// Of a thread's time, how much may be spent waiting for those that have a pass more.
constexpr int64_t kMostIdleShare = 8;

// How many passes at once so many samples make; 0 if none. As few as there are threads where that
// comes out even.
int64_t PassesAtOnce(int64_t samples, int threads) {
  if (threads < 2) return 0;
  for (int64_t passes = threads; passes <= samples; ++passes) {
    const int64_t rounds = (passes + threads - 1) / threads;
    const int64_t idle = rounds * threads - passes;
    if (samples % passes == 0 && idle * kMostIdleShare <= passes) return passes;
    // Many samples with no fitting divisor: a pass would be next to nothing.
    if (passes > 8 * int64_t{threads}) return 0;
  }
  return 0;
}

// What a step is to groups.
struct SampledStep {
  int64_t samples = 0;  // 0: not for a group
  uint32_t inputs = 0;  // that are sampled
  int64_t bytes = 0;    // read and written for the whole batch, but for what all samples share
};

// Finds groups of passes at once for several threads, of passes in turn for one.
class GroupFinder {
 public:
  GroupFinder(const Program& program, std::span<const int> steps,
              FunctionRef<const TypeInfo&(int)> type_of, int threads)
      : program_(program), steps_(steps), type_of_(type_of), threads_(threads) {}

  std::vector<SampleGroup> Find() {
    std::vector<SampleGroup> groups;
    if (!HasAny()) return groups;
    for (const int step : steps_) sampled_.push_back(Look(StepOf(step)));
    use_.assign(program_.slots.size(), Use::kNone);
    for (size_t first = 0; first < steps_.size();) {
      const size_t last = EndOfRun(first);
      if (threads_ > 1) {
        AddAtOnce(first, last, groups);
      } else {
        AddInTurn(first, last, groups);
      }
      first = std::max(last, first + 1);
    }
    return groups;
  }

 private:
  enum class Use : uint8_t { kNone, kSampled, kWhole };

  // Most programs run on one sample or on little: nothing more is asked of them.
  bool HasAny() const {
    const auto may_be = [&](int slot) {
      if (slot == kNoSlot) return false;
      const int64_t samples = SamplesOf(slot);
      return threads_ > 1 ? PassesAtOnce(samples, threads_) > 0
                          : samples > 1 && BytesOf(slot) > kSampleCacheBytes / 4;
    };
    return std::any_of(steps_.begin(), steps_.end(), [&](int step) {
      return std::any_of(StepOf(step).outputs.begin(), StepOf(step).outputs.end(), may_be);
    });
  }

  const Step& StepOf(int step) const { return program_.steps[static_cast<size_t>(step)]; }
  Use& UseOf(int slot) { return use_[static_cast<size_t>(slot)]; }

  // Of a value that can be cut into samples; 0 for others.
  int64_t SamplesOf(int slot) const {
    const TypeInfo& type = type_of_(slot);
    if (!type.IsTensor() || !type.has_shape || type.shape.rank() < 2) return 0;
    const bool plain = type.element_type != ElementType::kString && !IsSubByte(type.element_type);
    return plain ? type.shape[0] : 0;
  }
  int64_t BytesOf(int slot) const {
    const TypeInfo& type = type_of_(slot);
    // What is too large is refused where it is placed.
    return static_cast<int64_t>(
        ByteSize(type.element_type, type.shape.CheckedElementCount().value_or(0)));
  }
  bool IsConstant(int slot) const { return program_.slots[static_cast<size_t>(slot)].constant; }

  SampledStep Look(const Step& step) const {
    if (step.outputs.empty() || step.outputs[0] == kNoSlot) return {};
    SampledStep sampled;
    sampled.samples = SamplesOf(step.outputs[0]);
    if (sampled.samples < 2) return {};
    std::vector<const Shape*> shapes;
    for (const int slot : step.inputs) {
      if (slot != kNoSlot && !type_of_(slot).IsTensor()) return {};
      shapes.push_back(slot == kNoSlot ? nullptr : &type_of_(slot).shape);
    }
    sampled.inputs = operators::InputsBySample(*step.node, shapes, type_of_(step.outputs[0]).shape);
    if (sampled.inputs == 0) return {};
    int64_t shared_bytes = 0;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const int slot = step.inputs[i];
      if (slot == kNoSlot) continue;
      if ((sampled.inputs >> i & 1) == 0) {
        shared_bytes += BytesOf(slot);
      } else if (IsConstant(slot) || SamplesOf(slot) != sampled.samples) {
        return {};
      } else {
        sampled.bytes += BytesOf(slot);
      }
    }
    for (const int slot : step.outputs) {
      if (slot == kNoSlot) continue;
      if (SamplesOf(slot) != sampled.samples) return {};
      sampled.bytes += BytesOf(slot);
    }
    // Weights would be read again for every sample, and products of few rows lose more.
    int64_t most_shared = sampled.bytes / sampled.samples;
    if (threads_ > 1) {
      const int64_t passes = PassesAtOnce(sampled.samples, threads_);
      most_shared = passes == 0 ? -1 : sampled.bytes / passes * kMostWeights;
    }
    return shared_bytes > most_shared ? SampledStep() : sampled;
  }

  // The end of the steps from `first` on that may be one group.
  size_t EndOfRun(size_t first) {
    size_t last = first;
    while (last < steps_.size() && sampled_[last].samples > 0 &&
           sampled_[last].samples == sampled_[first].samples && Mark(last)) {
      ++last;
    }
    for (size_t i = first; i < std::min(last + 1, steps_.size()); ++i) {
      ForEachUse(i, [&](int slot, Use /*use*/) { UseOf(slot) = Use::kNone; });
    }
    return last;
  }

  // False where a step reads a value whole that others read by samples, or the other way round.
  bool Mark(size_t index) {
    bool fits = true;
    ForEachUse(index, [&](int slot, Use use) {
      fits = fits && (UseOf(slot) == Use::kNone || UseOf(slot) == use);
      UseOf(slot) = use;
    });
    return fits;
  }

  template <typename F>
  void ForEachUse(size_t index, F&& use) const {
    const Step& step = StepOf(steps_[index]);
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const int slot = step.inputs[i];
      if (slot == kNoSlot || IsConstant(slot)) continue;
      use(slot, (sampled_[index].inputs >> i & 1) != 0 ? Use::kSampled : Use::kWhole);
    }
    for (const int slot : step.outputs) {
      if (slot != kNoSlot) use(slot, Use::kSampled);
    }
  }

  void AddAtOnce(size_t first, size_t last, std::vector<SampleGroup>& groups) {
    if (last < first + 2) return;
    int64_t bytes = 0;
    for (size_t i = first; i < last; ++i) bytes += sampled_[i].bytes;
    const int64_t all = sampled_[first].samples;
    SampleGroup group;
    group.first = first;
    group.last = last;
    group.passes = PassesAtOnce(all, threads_);
    group.samples = all / group.passes;
    group.costs = std::make_shared<LoopCosts>();
    if (bytes / group.passes < kLeastShareBytes) return;
    for (size_t i = first; i < last; ++i) AddSlots(i, group);
    groups.push_back(std::move(group));
  }

  // Of the steps, from the first to the last that the cache does not hold the values of.
  void AddInTurn(size_t first, size_t last, std::vector<SampleGroup>& groups) {
    const auto gains = [&](size_t i) { return sampled_[i].bytes > kSampleCacheBytes; };
    while (first < last && !gains(first)) ++first;
    while (first < last && !gains(last - 1)) --last;
    if (last < first + 2) return;
    int64_t bytes = 0;
    for (size_t i = first; i < last; ++i) bytes = std::max(bytes, sampled_[i].bytes);
    const int64_t all = sampled_[first].samples;
    SampleGroup group;
    group.first = first;
    group.last = last;
    group.samples = std::clamp<int64_t>(kSampleCacheBytes / (bytes / all), 1, all);
    while (all % group.samples != 0) --group.samples;
    group.passes = all / group.samples;
    // Batches of a number with no fitting divisor: passes over next to nothing.
    if (bytes / group.passes < kSampleCacheBytes / kLeastPassShare) return;
    for (size_t i = first; i < last; ++i) AddSlots(i, group);
    groups.push_back(std::move(group));
  }

  void AddSlots(size_t index, SampleGroup& group) {
    const auto is_in = [&](int slot) {
      return std::find(group.inside.begin(), group.inside.end(), slot) != group.inside.end() ||
             std::any_of(group.sampled.begin(), group.sampled.end(),
                         [&](const SampledSlot& sampled) { return sampled.slot == slot; });
    };
    const Step& step = StepOf(steps_[index]);
    const auto pass_bytes = [&](int slot) {
      return static_cast<size_t>(BytesOf(slot) / group.passes);
    };
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const int slot = step.inputs[i];
      if (slot == kNoSlot) continue;
      if ((sampled_[index].inputs >> i & 1) == 0) {
        if (group.at_once() && !IsConstant(slot)) group.whole.push_back(slot);
      } else if (!is_in(slot)) {
        group.sampled.push_back({slot, pass_bytes(slot), false});
      }
    }
    const int last_step = steps_[group.last - 1];
    for (const int slot : step.outputs) {
      if (slot == kNoSlot) continue;
      if (program_.slots[static_cast<size_t>(slot)].last_use > last_step) {
        group.sampled.push_back({slot, pass_bytes(slot), true});
      } else {
        group.inside.push_back(slot);
      }
    }
  }

  const Program& program_;
  const std::span<const int> steps_;
  const FunctionRef<const TypeInfo&(int)> type_of_;
  const int threads_;
  std::vector<SampledStep> sampled_;
  std::vector<Use> use_;  // within the run at hand, by slot
};

}  // namespace

SampleGroup::~SampleGroup() = default;

std::vector<SampleGroup> FindSampleGroups(const Program& program, std::span<const int> steps,
                                          size_t first, size_t last,
                                          FunctionRef<const TypeInfo&(int)> type_of, int threads) {
  const auto find = [&](size_t begin, size_t end, int for_threads) {
    std::vector<SampleGroup> found =
        GroupFinder(program, steps.subspan(begin, end - begin), type_of, for_threads).Find();
    for (SampleGroup& group : found) {
      group.first += begin;
      group.last += begin;
    }
    return found;
  };
  if (threads <= 1) return find(first, last, 1);
  std::vector<SampleGroup> groups;
  // What is no pass of its own goes in turn where the cache gains by it, each step on all threads.
  const auto add_in_turn = [&](size_t end) {
    for (SampleGroup& group : find(first, end, 1)) groups.push_back(std::move(group));
  };
  for (SampleGroup& group : find(first, last, threads)) {
    add_in_turn(group.first);
    first = group.last;
    groups.push_back(std::move(group));
  }
  add_in_turn(last);
  return groups;
}

}  // namespace mullion
