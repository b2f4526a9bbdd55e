// SPDX-License-Identifier: MIT
// Where a frame comes to shapes that it did not have before: segments are bound, given memory and
// placed, and steps whose shapes hang on run-time values are passed.
#include <algorithm>

#include "base/str_cat.h"
#include "runtime/frame.h"

namespace mullion {

TypeInfo Frame::TypeOf(int slot) const {
  const Datum& datum = slots_[static_cast<size_t>(slot)];
  if (datum.IsTensor()) return TypeInfo::Tensor(datum.view.type, datum.view.shape);
  return program_.slots[static_cast<size_t>(slot)].value->type;
}

BindingKey Frame::RootKey() const {
  BindingKey key;
  for (const int slot : program_.inputs) key.values.push_back({slot, TypeOf(slot)});
  for (const int slot : program_.captures) key.values.push_back({slot, TypeOf(slot)});
  return key;
}

BindingKey Frame::KeyAfter(int first_step, const Step& step) const {
  BindingKey key;
  key.first_step = first_step;
  for (const int slot : step.outputs) {
    if (slot != kNoSlot) key.values.push_back({slot, TypeOf(slot)});
  }
  return key;
}

Result<const Binding*> Frame::EnterSegment(size_t depth, BindingKey key,
                                           const Evaluation& evaluation) {
  if (depth >= segments_.size()) segments_.emplace_back();
  Segment& segment = segments_[depth];
  const Binding* const parent = depth == 0 ? nullptr : segments_[depth - 1].binding.get();
  const bool same = segment.binding != nullptr && segment.binding->parent == parent &&
                    SameKey(segment.binding->key, key);
  if (!same) {
    BindingCache& cache = parent == nullptr ? bound_.roots() : parent->children;
    std::shared_ptr<const Binding> binding = cache.Find(key);
    if (binding == nullptr) {
      MULLION_ASSIGN_OR_RETURN(binding, bound_.Bind(parent, std::move(key)));
      cache.Insert(binding);
    }
    // Deeper segments hang on the old binding.
    for (size_t i = depth + 1; i < segments_.size(); ++i) segments_[i].binding = nullptr;
    segment.binding = std::move(binding);
    // Sizes that come and go would begin on fresh pages if each small one gave the large one's
    // memory back.
    constexpr int kSmallBindingsKept = 16;
    const bool small = segment.binding->arena_bytes < segment.arena.bytes() / 4;
    segment.small_bindings = small ? segment.small_bindings + 1 : 0;
    if (segment.small_bindings > kSmallBindingsKept) segment.arena = WorkMemory();
    const size_t of_threads = threads_.empty() ? 0 : threads_[0]->thread_arena_.bytes();
    const bool few = segment.binding->thread_arena_bytes < of_threads / 4;
    small_thread_bindings_ = few ? small_thread_bindings_ + 1 : 0;
    if (small_thread_bindings_ > kSmallBindingsKept) threads_.clear();
  }
  MULLION_RETURN_IF_ERROR(TakeMemory(segment, evaluation));
  if (!same || outputs_changed_ || segment.placed != segment.arena.get()) {
    MULLION_RETURN_IF_ERROR(PlaceValues(segment));
  }
  return segment.binding.get();
}

Status Frame::TakeMemory(Segment& segment, const Evaluation& evaluation) {
  const size_t arena = segment.binding->arena_bytes;
  if (!segment.arena.Take(arena)) {
    segment.binding = nullptr;
    return OutOfMemory("no memory for ", arena,
                       " bytes of intermediate results; use smaller inputs");
  }
  return TakeScratch(segment.binding->scratch_bytes, evaluation);
}

Status Frame::TakeScratch(size_t bytes, const Evaluation& evaluation) {
  if (evaluation.scratch->Take(bytes)) return OkStatus();
  return OutOfMemory("no memory for ", bytes, " bytes of scratch; use smaller inputs");
}

Status Frame::PlaceValues(Segment& segment) {
  segment.placed = nullptr;  // until all have their places
  for (const Placement& placement : segment.binding->placements) {
    Datum& datum = At(placement.slot);
    char& fixed = fixed_[static_cast<size_t>(placement.slot)];
    switch (placement.kind) {
      case PlacementKind::kArena:
        datum.Borrow(placement.type.element_type, placement.type.shape,
                     static_cast<char*>(segment.arena.get()) + placement.offset);
        fixed = 1;
        break;
      case PlacementKind::kFolded:
        datum = Datum::FromTensor(segment.binding->folded[placement.offset]);
        fixed = 1;
        break;
      case PlacementKind::kThreadArena:  // threads have it in frames of their own
        break;
      case PlacementKind::kHeap:
        fixed = 0;
        break;
      case PlacementKind::kOutput:
        MULLION_RETURN_IF_ERROR(PlaceOutput(placement));
        fixed = 1;
        break;
    }
  }
  segment.placed = segment.arena.get();
  return OkStatus();
}

Status Frame::PlaceOutputs(const Binding& binding) {
  for (const Placement& placement : binding.placements) {
    if (placement.kind != PlacementKind::kOutput) continue;
    MULLION_RETURN_IF_ERROR(PlaceOutput(placement));
  }
  return OkStatus();
}

Status Frame::PlaceOutput(const Placement& placement) {
  const MutableTensorView& memory = output_memory_[placement.offset];
  Datum& datum = At(placement.slot);
  if (memory.data == nullptr) {
    const bool reusable = datum.tensor && datum.tensor.type() == placement.type.element_type &&
                          datum.tensor.shape() == placement.type.shape &&
                          datum.tensor.owner().use_count() == 1;
    if (reusable) return OkStatus();
    datum = Datum();  // what was there may serve again
    Result<Tensor> tensor =
        bound_.blocks().Allocate(placement.type.element_type, placement.type.shape);
    if (!tensor.ok()) {
      const Node* const maker =
          program_.slots[static_cast<size_t>(placement.slot)].value->producer();
      if (maker == nullptr) return tensor.status();
      return maker->Error(tensor.status().code(), tensor.status().message());
    }
    datum = Datum::FromTensor(*std::move(tensor));
    return OkStatus();
  }
  if (memory.type != placement.type.element_type || !(memory.shape == placement.type.shape)) {
    const Value& value = *program_.slots[static_cast<size_t>(placement.slot)].value;
    return SizeMismatch("output '", value.name(), "' is ", placement.type.ToString(),
                        " but a tensor of ", Describe(memory),
                        " was bound to it; bind one of the right shape or none");
  }
  datum.Borrow(memory);
  return OkStatus();
}

Result<BindingKey> Frame::PassDynamicStep(int index, const Evaluation& evaluation) {
  const Step& step = program_.steps[static_cast<size_t>(index)];
  if (step.kind != StepKind::kExecutable) {
    MULLION_RETURN_IF_ERROR(RunControl(index, evaluation));
    return KeyAfter(index + 1, step);
  }
  std::vector<TypeInfo> types(step.outputs.size());
  MULLION_ASSIGN_OR_RETURN(const bool resolved, ResolveShapes(step, types));
  if (resolved) {
    BindingKey key;
    key.first_step = index;
    for (size_t i = 0; i < types.size(); ++i) {
      if (step.outputs[i] != kNoSlot) key.values.push_back({step.outputs[i], types[i]});
    }
    return key;
  }
  MULLION_RETURN_IF_ERROR(RunUnbound(index, evaluation));
  return KeyAfter(index + 1, step);
}

// Infers the step again, now that the contents of its inputs can be read.
Result<bool> Frame::ResolveShapes(const Step& step, std::vector<TypeInfo>& types) {
  std::vector<TypeInfo> input_types(step.inputs.size());
  std::vector<InferenceContext::Input> inputs(step.inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (step.inputs[i] == kNoSlot) continue;
    input_types[i] = TypeOf(step.inputs[i]);
    const Datum& datum = At(step.inputs[i]);
    inputs[i].type = &input_types[i];
    if (datum.IsTensor()) {
      inputs[i].shape = &input_types[i].shape;
      inputs[i].data = &datum.view;
    }
  }
  InferenceContext context(*step.node, inputs, types);
  MULLION_RETURN_IF_ERROR(InferNode(*step.definition, context));
  bool any_tensor = false;
  for (size_t i = 0; i < types.size(); ++i) {
    if (step.outputs[i] == kNoSlot || !types[i].IsTensor()) continue;
    any_tensor = true;
    if (!types[i].has_shape || !types[i].shape.IsConcrete()) return false;
  }
  return any_tensor;
}

// Runs a step whose output shapes only its kernel can tell.
Status Frame::RunUnbound(int index, const Evaluation& evaluation) {
  const Step& step = program_.steps[static_cast<size_t>(index)];
  std::vector<BindContext::Port> ports(step.inputs.size());
  std::vector<const BindContext::Port*> inputs(step.inputs.size(), nullptr);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (step.inputs[i] == kNoSlot) continue;
    const Datum& datum = At(step.inputs[i]);
    ports[i] = {datum.view.type, datum.view.shape, datum.IsTensor() ? &datum.view : nullptr};
    inputs[i] = &ports[i];
  }
  const std::vector<const BindContext::Port*> outputs(step.outputs.size(), nullptr);
  BindContext context(*step.node, inputs, outputs, bound_.options().threads);
  MULLION_RETURN_IF_ERROR(step.executable->Bind(context));
  MULLION_RETURN_IF_ERROR(TakeScratch(context.scratch_bytes(), evaluation));
  for (const int slot : step.outputs) {
    if (slot != kNoSlot) fixed_[static_cast<size_t>(slot)] = 0;
  }
  const std::unique_ptr<BoundState> state = context.TakeState();
  if (unbound_costs_ == nullptr) {
    unbound_costs_ = std::make_unique<LoopCosts[]>(program_.steps.size());
  }
  evaluation.parallel->BeginStep(&unbound_costs_[static_cast<size_t>(index)]);
  return RunStep(index, state.get(), evaluation);
}

}  // namespace mullion
