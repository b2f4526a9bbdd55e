// SPDX-License-Identifier: MIT
#include "runtime/binder.h"

#include <algorithm>
#include <span>

#include "base/str_cat.h"

namespace mullion {

namespace {

// What lanes may take beyond other places: half as much again, up to this.
constexpr size_t kMostForLanes = size_t{16} << 20;

}  // namespace

Binder::Binder(const Program& program, const BindOptions& options)
    : program_(program), options_(options), facts_(program), said_(program.steps.size()) {}

Result<std::shared_ptr<const Binding>> Binder::Bind(const Binding* parent, BindingKey key) {
  const auto binding = std::make_shared<Binding>();
  binding_ = binding.get();
  binding->parent = parent;
  binding->key = std::move(key);
  binding->placements.reserve(program_.steps.size());
  facts_.Begin();
  places_.assign(program_.slots.size(), {});
  arena_ = {};
  lanes_ = {};
  blocks_.clear();
  steps_.clear();
  depth_ = 0;
  at_once_ = false;
  kept_.clear();
  for (const Binding* b = parent; b != nullptr; b = b->parent) LearnFrom(*b);
  for (const BoundaryValue& value : binding->key.values) facts_.Learn(value.slot, value.type);
  MULLION_RETURN_IF_ERROR(LearnSteps());
  MULLION_RETURN_IF_ERROR(BindSteps());
  facts_.End(binding->end_step);
  GiveOffsets();
  return std::shared_ptr<const Binding>(binding);
}

void Binder::LearnFrom(const Binding& binding) {
  for (const BoundaryValue& value : binding.key.values) facts_.Learn(value.slot, value.type);
  for (const Placement& placement : binding.placements) {
    const bool folded = placement.kind == PlacementKind::kFolded;
    facts_.Learn(placement.slot, placement.type,
                 folded ? binding.folded[placement.offset] : Tensor());
  }
}

// The key tells the shapes of the outputs of the segment's first step.
bool Binder::ResolvedByKey(const Step& step) const {
  if (binding_->parent == nullptr) return false;
  return std::any_of(step.outputs.begin(), step.outputs.end(), [&](int slot) {
    return std::any_of(binding_->key.values.begin(), binding_->key.values.end(),
                       [&](const BoundaryValue& value) { return value.slot == slot; });
  });
}

Status Binder::LearnSteps() {
  const int step_count = static_cast<int>(program_.steps.size());
  int index = binding_->key.first_step;
  if (index < step_count && StepAt(index).kind == StepKind::kExecutable &&
      ResolvedByKey(StepAt(index))) {
    steps_.push_back(index++);
  }
  for (; index < step_count; ++index) {
    MULLION_ASSIGN_OR_RETURN(const ShapeFacts::Outcome outcome, facts_.LearnStep(index));
    if (outcome == ShapeFacts::Outcome::kUnknown) break;
    if (outcome == ShapeFacts::Outcome::kRuns) {
      steps_.push_back(index);
    } else {
      KeepFolded(StepAt(index));
    }
  }
  binding_->end_step = index;
  return OkStatus();
}

void Binder::KeepFolded(const Step& step) {
  for (const int slot : step.outputs) {
    if (slot == kNoSlot) continue;
    AddPlacement(slot, PlacementKind::kFolded, binding_->folded.size());
    binding_->folded.push_back(facts_.tensor(slot));
  }
}

// Binds and places the steps that are to run.
Status Binder::BindSteps() {
  binding_->steps.reserve(steps_.size());
  binding_->groups = FindGroups(0, steps_.size(), options_.threads);
  return BindGroups(binding_->groups, 0, steps_.size());
}

// For the shapes that are shown now.
std::vector<SampleGroup> Binder::FindGroups(size_t first, size_t last, int threads) const {
  return FindSampleGroups(
      program_, steps_, first, last, [&](int slot) -> const TypeInfo& { return facts_.type(slot); },
      threads);
}

// Binds [first, last) of the steps, some of them in groups.
Status Binder::BindGroups(std::span<SampleGroup> groups, size_t first, size_t last) {
  for (SampleGroup& group : groups) {
    MULLION_RETURN_IF_ERROR(BindRange(first, group.first));
    first = group.last;
    MULLION_RETURN_IF_ERROR(BindGroup(group));
  }
  return BindRange(first, last);
}

Status Binder::BindRange(size_t first, size_t last) {
  for (size_t i = first; i < last; ++i) MULLION_RETURN_IF_ERROR(BindStep(steps_[i]));
  return OkStatus();
}

// Values with all their samples have their places from before the first pass to behind the last.
Status Binder::BindGroup(SampleGroup& group) {
  for (const SampledSlot& sampled : group.sampled) {
    // What a group around this one gives out has its place.
    if (!sampled.made || PlaceOf(sampled.slot).given) continue;
    MULLION_RETURN_IF_ERROR(PlaceOutput(sampled.slot, nullptr));
  }
  for (const SampledSlot& sampled : group.sampled) Show(sampled.slot, group.samples);
  for (const int slot : group.inside) Show(slot, group.samples);
  const int last_step = steps_[group.last - 1];
  const size_t first = binding_->steps.size();
  std::vector<int> kept_outside = std::exchange(kept_, {});
  ++depth_;
  MULLION_RETURN_IF_ERROR(BindPass(group));
  --depth_;
  for (const SampledSlot& sampled : group.sampled) {
    Show(sampled.slot, group.samples * group.passes);
  }
  for (const int slot : group.inside) Show(slot, group.samples * group.passes);
  for (const int slot : std::exchange(kept_, std::move(kept_outside))) Release(slot, last_step);
  group.first = first;
  group.last = binding_->steps.size();
  return OkStatus();
}

Status Binder::BindPass(SampleGroup& group) {
  if (!group.at_once()) return BindRange(group.first, group.last);
  group.groups = FindGroups(group.first, group.last, 1);
  // A thread has memory of its own for what its pass hands on.
  ArenaPlanner arena = std::exchange(arena_, {});
  at_once_ = true;
  group.first_placement = binding_->placements.size();
  MULLION_RETURN_IF_ERROR(BindGroups(group.groups, group.first, group.last));
  group.last_placement = binding_->placements.size();
  at_once_ = false;
  binding_->thread_arena_bytes = std::max(binding_->thread_arena_bytes, arena_.size());
  arena_ = std::move(arena);
  return OkStatus();
}

Status Binder::BindStep(int index) {
  const Step& step = StepAt(index);
  Said& said = said_[static_cast<size_t>(index)];
  // Steps of a group see other shapes than those that were learned.
  if (!said.counts || depth_ > 0 || !facts_.Unchanged(index)) {
    said.counts = false;
    MULLION_RETURN_IF_ERROR(Ask(step, said));
    said.counts = depth_ == 0;
  }
  size_t& scratch = at_once_ ? binding_->thread_scratch_bytes : binding_->scratch_bytes;
  scratch = std::max(scratch, said.scratch_bytes);
  if (!said.gives_view || !ShareBlock(step)) {
    for (size_t i = 0; i < step.outputs.size(); ++i) {
      const int slot = step.outputs[i];
      if (slot == kNoSlot || PlaceOf(slot).given) continue;
      const InPlaceOffer offer{index, step, static_cast<int>(i), said.in_place};
      MULLION_RETURN_IF_ERROR(PlaceOutput(slot, &offer));
    }
    binding_->steps.push_back({index, said.memory});
  }
  for (const int slot : step.inputs) {
    if (slot != kNoSlot) Release(slot, index);
  }
  for (const int slot : step.outputs) {
    if (slot != kNoSlot) Release(slot, index);
  }
  return OkStatus();
}

Status Binder::Ask(const Step& step, Said& said) {
  const size_t count = step.inputs.size() + step.outputs.size();
  if (count > ports_.size()) ports_.resize(count);
  port_pointers_.clear();
  const auto add = [&](int slot) {
    const TypeInfo& type = facts_.type(slot);
    BindContext::Port& port = ports_[port_pointers_.size()];
    port.type = type.element_type;
    port.shape.Assign(type.shape);
    port.data = facts_.view(slot);
    port_pointers_.push_back(&port);
  };
  for (const int slot : step.inputs) {
    if (slot != kNoSlot)
      add(slot);
    else
      port_pointers_.push_back(nullptr);
  }
  for (const int slot : step.outputs) {
    if (slot != kNoSlot && IsStaticTensor(facts_.type(slot)))
      add(slot);
    else
      port_pointers_.push_back(nullptr);
  }
  const std::span<const BindContext::Port* const> ports(port_pointers_);
  BindContext context(*step.node, ports.first(step.inputs.size()),
                      ports.subspan(step.inputs.size()), at_once_ ? 1 : options_.threads);
  MULLION_RETURN_IF_ERROR(step.executable->Bind(context));
  said.scratch_bytes = context.scratch_bytes();
  said.gives_view = context.gives_view();
  said.in_place = context.in_place();
  said.memory = nullptr;
  std::unique_ptr<BoundState> state = context.TakeState();
  if (state != nullptr || options_.threads > 1) {
    said.memory = std::make_shared<StepMemory>();
    said.memory->state = std::move(state);
  }
  return OkStatus();
}

// The output of a step that only gives its input another shape sits where that does, and the step
// need not run. False where the input or the output is not in the arena.
bool Binder::ShareBlock(const Step& step) {
  const int slot = step.outputs[0];
  if (step.inputs[0] == kNoSlot || slot == kNoSlot) return false;
  const Place& input = PlaceOf(step.inputs[0]);
  Place& output = PlaceOf(slot);
  const TypeInfo& type = facts_.type(slot);
  if (!input.in_arena() || !IsStaticTensor(type) || input.depth < depth_ || output.given ||
      type.shape.ElementCount() != facts_.type(step.inputs[0]).shape.ElementCount() ||
      GoesOutside(slot)) {
    return false;
  }
  output = {input.block, true, depth_};
  ++BlockOf(input).users;
  AddPlacement(slot, PlacementKind::kArena, static_cast<size_t>(input.block));
  return true;
}

Placement& Binder::AddPlacement(int slot, PlacementKind kind, size_t offset) {
  Placement& placement = binding_->placements.emplace_back();
  placement.slot = slot;
  placement.kind = kind;
  placement.offset = offset;
  placement.type.Assign(facts_.type(slot));
  return placement;
}

Status Binder::PlaceOutput(int slot, const InPlaceOffer* offer) {
  const TypeInfo& type = facts_.type(slot);
  Placement& placement = AddPlacement(slot, PlacementKind::kHeap, 0);
  Place& place = PlaceOf(slot);
  place.given = true;
  place.depth = depth_;
  if (!IsStaticTensor(type) || type.element_type == ElementType::kString) return OkStatus();
  const auto count = type.shape.CheckedElementCount();
  if (!count.has_value()) {
    const Value& value = *program_.slots[static_cast<size_t>(slot)].value;
    return value.producer()->Error(
        StatusCode::kOutOfMemory,
        StrCat("its output ", value.producer_index(), " would be ", type.ToString(),
               ", which is too large; use smaller inputs"));
  }
  if (GoesOutside(slot)) {
    placement.kind = PlacementKind::kOutput;
    const auto& outputs = program_.outputs;
    placement.offset =
        static_cast<size_t>(std::find(outputs.begin(), outputs.end(), slot) - outputs.begin());
    return OkStatus();
  }
  const size_t bytes = ByteSize(type.element_type, *count);
  placement.kind = PlacementKind::kArena;
  place.block = offer == nullptr ? kNoBlock : TakeOver(*offer, bytes);
  if (!place.in_arena()) {
    const bool shared = options_.threads > 1 && !at_once_;
    const int lane = shared ? lanes_.Take(bytes) : ArenaLanes::kNoLane;
    blocks_.push_back({arena_.Allocate(bytes), bytes, 1, lane, at_once_});
    place.block = static_cast<int>(blocks_.size()) - 1;
  }
  placement.offset = static_cast<size_t>(place.block);
  return OkStatus();
}

// The block of an input that dies here and may be written, if there is one.
int Binder::TakeOver(const InPlaceOffer& offer, size_t bytes) {
  for (const BindContext::InPlace& pair : offer.in_place) {
    if (pair.output != offer.output) continue;
    const int slot = offer.step.inputs[static_cast<size_t>(pair.input)];
    if (slot == kNoSlot) continue;
    Place& input = PlaceOf(slot);
    if (!input.in_arena() || LastUse(slot) != offer.index || BlockOf(input).users > 1) continue;
    if (input.depth < depth_) continue;
    // Blocks are multiples of the alignment: sizes that round alike fit alike.
    if ((BlockOf(input).bytes + kMemoryAlignment - 1) / kMemoryAlignment !=
        (bytes + kMemoryAlignment - 1) / kMemoryAlignment) {
      continue;
    }
    return std::exchange(input.block, kNoBlock);
  }
  return kNoBlock;
}

void Binder::Release(int slot, int index) {
  Place& place = PlaceOf(slot);
  if (!place.in_arena() || LastUse(slot) > index) return;
  if (place.depth < depth_) {  // the next pass wants it again
    kept_.push_back(slot);
    return;
  }
  Block& block = BlockOf(place);
  place.block = kNoBlock;
  if (--block.users > 0) return;
  arena_.Free(block.offset, block.bytes);
  lanes_.Leave(block.lane);
}

// Placements in the arena named their blocks till now.
void Binder::GiveOffsets() {
  const size_t in_lanes = lanes_.Finish();
  const bool uses_lanes =
      in_lanes > 0 && in_lanes <= arena_.size() + std::min(arena_.size() / 2, kMostForLanes);
  binding_->arena_bytes = uses_lanes ? in_lanes : arena_.size();
  for (Placement& placement : binding_->placements) {
    if (placement.kind != PlacementKind::kArena) continue;
    const Block& block = blocks_[placement.offset];
    if (block.of_thread) {
      placement.kind = PlacementKind::kThreadArena;
      placement.offset = block.offset;
      continue;
    }
    placement.offset = uses_lanes ? lanes_.OffsetOf(block.lane, block.bytes) : block.offset;
  }
}

}  // namespace mullion
