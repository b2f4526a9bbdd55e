// SPDX-License-Identifier: MIT
// Makes bindings: works out sizes, has the executables choose, and gives values their places.
#ifndef MULLION_RUNTIME_BINDER_H_
#define MULLION_RUNTIME_BINDER_H_

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "runtime/arena_planner.h"
#include "runtime/binding.h"
#include "runtime/shape_facts.h"

namespace mullion {

struct BindOptions {
  int threads = 1;
  // Program outputs go to the caller's memory (a session's main program, branches of If) or stay in
  // the arena (bodies of loops).
  bool outputs_outside = true;
};

// Binds one set of shapes after the other. Steps that read what they read in the binding before
// keep what they worked out then.
class Binder {
 public:
  // Both outlive it.
  Binder(const Program& program, const BindOptions& options);

  // Binds the segment that `key` begins: the first one where there is no parent. The error is that
  // of a step whose inputs cannot go together.
  Result<std::shared_ptr<const Binding>> Bind(const Binding* parent, BindingKey key);

 private:
  // Where a value is while it sits in this segment's arena: in which block; others may sit there,
  // too.
  struct Place {
    int block = kNoBlock;
    bool given = false;
    // In how many groups of steps, one within the other, it was made: steps further inside do not
    // see all the samples that are there.
    int depth = 0;
    bool in_arena() const { return block != kNoBlock; }
  };
  static constexpr int kNoBlock = -1;

  // A piece of the arena, or of a thread's where passes go at once, and how many values that are
  // still read are there.
  struct Block {
    size_t offset;
    size_t bytes;
    int users;
    int lane;
    bool of_thread;
  };

  // What a step said when it was bound.
  struct Said {
    bool counts = false;  // else it is to be asked again
    std::shared_ptr<StepMemory> memory;
    size_t scratch_bytes = 0;
    bool gives_view = false;
    std::vector<BindContext::InPlace> in_place;
  };

  // What a step says of the inputs whose memory output `output` may have.
  struct InPlaceOffer {
    int index;
    const Step& step;
    int output;
    const std::vector<BindContext::InPlace>& in_place;
  };

  const Step& StepAt(int index) const { return program_.steps[static_cast<size_t>(index)]; }
  Place& PlaceOf(int slot) { return places_[static_cast<size_t>(slot)]; }
  Block& BlockOf(const Place& place) { return blocks_[static_cast<size_t>(place.block)]; }
  int LastUse(int slot) const { return program_.slots[static_cast<size_t>(slot)].last_use; }
  bool GoesOutside(int slot) const { return options_.outputs_outside && program_.GivesOut(slot); }

  void LearnFrom(const Binding& binding);
  bool ResolvedByKey(const Step& step) const;
  Status LearnSteps();
  void KeepFolded(const Step& step);
  Status BindSteps();
  std::vector<SampleGroup> FindGroups(size_t first, size_t last, int threads) const;
  Status BindRange(size_t first, size_t last);
  Status BindGroups(std::span<SampleGroup> groups, size_t first, size_t last);
  Status BindGroup(SampleGroup& group);
  Status BindPass(SampleGroup& group);
  void Show(int slot, int64_t samples) { facts_.type(slot).shape[0] = samples; }
  Status BindStep(int index);
  Status Ask(const Step& step, Said& said);
  bool ShareBlock(const Step& step);
  Placement& AddPlacement(int slot, PlacementKind kind, size_t offset);
  Status PlaceOutput(int slot, const InPlaceOffer* offer);
  int TakeOver(const InPlaceOffer& offer, size_t bytes);
  void Release(int slot, int index);
  void GiveOffsets();

  const Program& program_;
  const BindOptions& options_;
  ShapeFacts facts_;
  std::vector<Said> said_;  // by step, the time before
  // Of the binding at hand.
  Binding* binding_ = nullptr;
  std::vector<Place> places_;  // by slot
  ArenaPlanner arena_;
  ArenaLanes lanes_;  // where several threads work
  std::vector<Block> blocks_;
  std::vector<int> steps_;  // that are to run
  int depth_ = 0;           // in groups
  bool at_once_ = false;    // in passes at once
  std::vector<int> kept_;   // values to release when the group ends
  // Of the step at hand; kept so that not every step allocates.
  std::vector<BindContext::Port> ports_;
  std::vector<const BindContext::Port*> port_pointers_;
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_BINDER_H_
