// SPDX-License-Identifier: MIT
#include "runtime/frame.h"

#include <algorithm>

#include "base/str_cat.h"
#include "runtime/control_flow.h"

namespace mullion {

BoundProgram::BoundProgram(const Program& program, const BindOptions& options,
                           std::shared_ptr<BlockCache> blocks)
    : program_(program),
      options_(options),
      blocks_(std::move(blocks)),
      bodies_(program.steps.size()) {
  BindOptions inner = options;
  for (size_t i = 0; i < program.steps.size(); ++i) {
    // A branch's results are those of the If: they go where its own would. What a body gives to the
    // next iteration stays in its frame.
    inner.outputs_outside = program.steps[i].kind == StepKind::kIf;
    for (const auto& subprogram : program.steps[i].subprograms) {
      bodies_[i].emplace_back(new BoundProgram(*subprogram, inner, blocks_));
    }
  }
}

// What a kernel sees of the frame.
class Frame::StepContext final : public RunContext {
 public:
  StepContext(Frame& frame, int index, const BoundState* state, const Evaluation& evaluation)
      : frame_(frame), step_(frame.program_.steps[static_cast<size_t>(index)]) {
    node_ = step_.node;
    inputs_ = frame.step_inputs_[static_cast<size_t>(index)];
    outputs_ = frame.step_outputs_[static_cast<size_t>(index)];
    scratch_ = frame.scratch_.get();
    state_ = state;
    parallel_ = evaluation.parallel;
    cancellation_ = evaluation.cancellation;
  }

  OutputView AllocateOutput(int i, const Shape& shape) override {
    const int slot = step_.outputs[static_cast<size_t>(i)];
    Datum& datum = frame_.At(slot);
    if (frame_.fixed_[static_cast<size_t>(slot)] != 0) {
      if (datum.view.shape == shape) return datum.view;
      return node_->Error(StatusCode::kInternal,
                          StrCat("its output ", i, " was bound as ", datum.view.shape.ToString(),
                                 " but came out as ", shape.ToString()));
    }
    const ElementType type = step_.node->output(i)->type.element_type;
    // The memory of the evaluation before serves again when nobody else holds it.
    const bool reusable = datum.tensor && datum.tensor.type() == type &&
                          datum.tensor.shape() == shape && datum.tensor.owner().use_count() == 1;
    if (!reusable) {
      Result<Tensor> tensor = frame_.bound_.blocks().Allocate(type, shape);
      if (!tensor.ok()) return node_->Error(tensor.status().code(), tensor.status().message());
      datum = Datum::FromTensor(*std::move(tensor));
    }
    datum.kind = ValueKind::kTensor;
    return datum.view;
  }

  void SetOutput(int i, Datum value) override {
    Datum& datum = frame_.At(step_.outputs[static_cast<size_t>(i)]);
    // A borrowed tensor may vanish before the output does: keep a copy.
    if (value.IsTensor() && (!value.tensor || value.tensor.data() != value.view.data)) {
      Result<Tensor> owned = Own(value);
      if (owned.ok()) value = Datum::FromTensor(*std::move(owned));
    }
    datum = std::move(value);
  }

  Result<Tensor> NewTensor(ElementType type, const Shape& shape) override {
    return frame_.bound_.blocks().Allocate(type, shape);
  }

 private:
  Frame& frame_;
  const Step& step_;
};

Frame::Frame(BoundProgram& bound)
    : bound_(bound),
      program_(bound.program()),
      slots_(program_.slots.size()),
      fixed_(program_.slots.size(), 0),
      output_memory_(program_.outputs.size()),
      control_(program_.steps.size()) {
  for (size_t i = 0; i < program_.slots.size(); ++i) {
    const Slot& slot = program_.slots[i];
    if (!slot.constant) continue;
    const Tensor& constant = slot.value->constant;
    if (slot.held) {
      slots_[i].kind = ValueKind::kTensor;
      slots_[i].view = {constant.type(), MemoryLocation::kHost, constant.shape(), nullptr};
    } else {
      slots_[i] = Datum::FromTensor(constant);
    }
  }
  for (size_t i = 0; i < program_.outputs.size(); ++i) {
    const int slot = program_.outputs[i];
    const Value* const value =
        slot == kNoSlot ? nullptr : program_.slots[static_cast<size_t>(slot)].value;
    if (value == nullptr || value->type.IsTensor()) tensor_outputs_.push_back(i);
  }
  for (const Step& step : program_.steps) {
    std::vector<const Datum*>& inputs = step_inputs_.emplace_back();
    for (const int slot : step.inputs) inputs.push_back(slot == kNoSlot ? nullptr : &At(slot));
    std::vector<Datum*>& outputs = step_outputs_.emplace_back();
    for (const int slot : step.outputs) outputs.push_back(slot == kNoSlot ? nullptr : &At(slot));
  }
}

Frame::~Frame() = default;

namespace {

bool Owns(const Datum& datum) { return datum.tensor || datum.sequence || datum.map; }

}  // namespace

void Frame::SetInput(int index, const Datum& value) {
  Datum& datum = At(program_.inputs[static_cast<size_t>(index)]);
  if (Owns(value) || Owns(datum)) {
    datum = value;
  } else {  // most of a datum is its owner
    datum.kind = value.kind;
    datum.view = value.view;
  }
}

void Frame::SetCapture(int index, const Datum& value) {
  At(program_.captures[static_cast<size_t>(index)]) = value;
}

void Frame::SetOutputMemory(int index, const MutableTensorView& memory) {
  MutableTensorView& current = output_memory_[static_cast<size_t>(index)];
  if (current.data == memory.data && current.shape == memory.shape && current.type == memory.type &&
      memory.data != nullptr) {
    return;
  }
  current = memory;
  outputs_changed_ = true;
}

const Datum& Frame::Output(int index) const {
  return slots_[static_cast<size_t>(program_.outputs[static_cast<size_t>(index)])];
}

void Frame::ClearInputs() {
  for (const int slot : program_.inputs) {
    Datum& datum = At(slot);
    if (Owns(datum)) {
      datum = Datum();
    } else {
      datum.kind = ValueKind::kUnknown;
    }
  }
}

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

bool Frame::RootIsBound() const {
  if (segments_.empty() || segments_[0].binding == nullptr) return false;
  const std::vector<BoundaryValue>& values = segments_[0].binding->key.values;
  return std::all_of(values.begin(), values.end(), [&](const BoundaryValue& value) {
    const Datum& datum = slots_[static_cast<size_t>(value.slot)];
    return datum.IsTensor() && value.type.IsTensor() && value.type.has_shape &&
           value.type.element_type == datum.view.type && value.type.shape == datum.view.shape;
  });
}

BindingKey Frame::KeyAfter(int first_step, const Step& step) const {
  BindingKey key;
  key.first_step = first_step;
  for (const int slot : step.outputs) {
    if (slot != kNoSlot) key.values.push_back({slot, TypeOf(slot)});
  }
  return key;
}

Status Frame::Run(const Evaluation& evaluation) {
  // Results that the caller gave no memory for are his to keep: they get a fresh place each time.
  outputs_changed_ |=
      std::any_of(tensor_outputs_.begin(), tensor_outputs_.end(),
                  [this](size_t output) { return output_memory_[output].data == nullptr; });
  const Binding* binding = RootIsBound() ? segments_[0].binding.get() : nullptr;
  if (binding == nullptr) {
    MULLION_ASSIGN_OR_RETURN(binding, EnterSegment(0, RootKey()));
  } else if (outputs_changed_) {
    MULLION_RETURN_IF_ERROR(PlaceOutputs(*binding));
  }
  const int step_count = static_cast<int>(program_.steps.size());
  for (size_t depth = 1;; ++depth) {
    MULLION_RETURN_IF_ERROR(RunSegment(*binding, evaluation));
    if (binding->end_step >= step_count) break;
    MULLION_ASSIGN_OR_RETURN(BindingKey key, PassDynamicStep(binding->end_step, evaluation));
    MULLION_ASSIGN_OR_RETURN(binding, EnterSegment(depth, std::move(key)));
  }
  outputs_changed_ = false;
  return OkStatus();
}

Result<const Binding*> Frame::EnterSegment(size_t depth, BindingKey key) {
  if (depth >= segments_.size()) segments_.emplace_back();
  Segment& segment = segments_[depth];
  const Binding* const parent = depth == 0 ? nullptr : segments_[depth - 1].binding.get();
  const bool same = segment.binding != nullptr && segment.binding->parent == parent &&
                    SameKey(segment.binding->key, key);
  if (!same) {
    BindingCache& cache = parent == nullptr ? bound_.roots() : parent->children;
    std::shared_ptr<const Binding> binding = cache.Find(key);
    if (binding == nullptr) {
      MULLION_ASSIGN_OR_RETURN(binding,
                               MakeBinding(program_, parent, std::move(key), bound_.options()));
      cache.Insert(binding);
    }
    // Deeper segments hang on the old binding.
    for (size_t i = depth + 1; i < segments_.size(); ++i) segments_[i].binding = nullptr;
    segment.binding = std::move(binding);
    MULLION_RETURN_IF_ERROR(ReserveMemory(segment));
  }
  if (!same || outputs_changed_) {
    Status placed = PlaceValues(segment);
    if (!placed.ok()) segment.binding = nullptr;  // some values have no place yet
    MULLION_RETURN_IF_ERROR(std::move(placed));
  }
  return segment.binding.get();
}

namespace {

// Memory that was too small gets room to grow: sizes that rise step by step, as a decoder's do,
// would begin each step on fresh pages.
size_t Capacity(size_t wanted, size_t before) { return before > 0 ? wanted + wanted / 4 : wanted; }

// Sizes that come and go would do the same if each small one gave the large one's memory back.
constexpr int kSmallBindingsKept = 16;

bool Reserve(AlignedBuffer& memory, size_t& bytes, size_t wanted) {
  memory.reset();
  memory.reset(AllocateAligned(wanted));
  bytes = memory == nullptr ? 0 : wanted;
  return memory != nullptr;
}

}  // namespace

Status Frame::ReserveMemory(Segment& segment) {
  const Binding& binding = *segment.binding;
  const bool small = binding.arena_bytes < segment.arena_bytes / 4;
  segment.small_bindings = small ? segment.small_bindings + 1 : 0;
  const bool shrink = segment.small_bindings > kSmallBindingsKept;
  const size_t arena_before = shrink ? 0 : segment.arena_bytes;
  if (segment.arena == nullptr || shrink || binding.arena_bytes > segment.arena_bytes) {
    if (!Reserve(segment.arena, segment.arena_bytes, Capacity(binding.arena_bytes, arena_before))) {
      segment.binding = nullptr;
      return OutOfMemory(StrCat("no memory for ", binding.arena_bytes,
                                " bytes of intermediate results; use smaller inputs"));
    }
    segment.small_bindings = 0;
  }
  if (scratch_ == nullptr || binding.scratch_bytes > scratch_bytes_) {
    if (!Reserve(scratch_, scratch_bytes_, Capacity(binding.scratch_bytes, scratch_bytes_))) {
      segment.binding = nullptr;
      return OutOfMemory(
          StrCat("no memory for ", binding.scratch_bytes, " bytes of scratch; use smaller inputs"));
    }
  }
  return OkStatus();
}

Status Frame::PlaceValues(const Segment& segment) {
  for (const Placement& placement : segment.binding->placements) {
    Datum& datum = At(placement.slot);
    char& fixed = fixed_[static_cast<size_t>(placement.slot)];
    switch (placement.kind) {
      case PlacementKind::kArena:
        datum = Datum::FromView({placement.type.element_type, MemoryLocation::kHost,
                                 placement.type.shape,
                                 static_cast<char*>(segment.arena.get()) + placement.offset});
        fixed = 1;
        break;
      case PlacementKind::kFolded:
        datum = Datum::FromTensor(placement.folded);
        fixed = 1;
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
    return SizeMismatch(StrCat("output '", value.name(), "' is ", placement.type.ToString(),
                               " but a tensor of ", Describe(memory),
                               " was bound to it; bind one of the right shape or none"));
  }
  datum = Datum::FromView(memory);
  return OkStatus();
}

Status Frame::RunSegment(const Binding& binding, const Evaluation& evaluation) {
  size_t next = 0;
  for (const SampleGroup& group : binding.groups) {
    MULLION_RETURN_IF_ERROR(RunSteps(binding, next, group.first, evaluation));
    MULLION_RETURN_IF_ERROR(RunGroup(binding, group, evaluation));
    next = group.last;
  }
  return RunSteps(binding, next, binding.steps.size(), evaluation);
}

Status Frame::RunSteps(const Binding& binding, size_t first, size_t last,
                       const Evaluation& evaluation) {
  LoopCosts* const costs = binding.loop_costs.get();
  for (size_t i = first; i < last; ++i) {
    if (evaluation.cancellation != nullptr && evaluation.cancellation->cancelled()) {
      return Status(StatusCode::kCancelled, "the evaluation was cancelled");
    }
    evaluation.parallel->BeginStep(costs == nullptr ? nullptr : costs + i);
    const BoundStep& step = binding.steps[i];
    MULLION_RETURN_IF_ERROR(RunStep(step.step, step.state.get(), evaluation));
  }
  return OkStatus();
}

// Each pass sees some samples of what has all of them.
Status Frame::RunGroup(const Binding& binding, const SampleGroup& group,
                       const Evaluation& evaluation) {
  const auto move = [&](const SampledSlot& sampled, int64_t passes) {
    TensorView& view = At(sampled.slot).view;
    view.data =
        static_cast<const char*>(view.data) + passes * static_cast<int64_t>(sampled.pass_bytes);
  };
  for (const SampledSlot& sampled : group.sampled) At(sampled.slot).view.shape[0] = group.samples;
  Status status;
  int64_t passes = 0;
  for (; passes < group.passes && status.ok(); ++passes) {
    status = RunSteps(binding, group.first, group.last, evaluation);
    for (const SampledSlot& sampled : group.sampled) move(sampled, 1);
  }
  for (const SampledSlot& sampled : group.sampled) {
    move(sampled, -passes);
    At(sampled.slot).view.shape[0] = group.samples * group.passes;
  }
  return status;
}

namespace {

int64_t BytesOf(std::span<const Datum* const> data) {
  int64_t bytes = 0;
  for (const Datum* const datum : data) {
    if (datum != nullptr && datum->IsTensor()) bytes += static_cast<int64_t>(datum->view.bytes());
  }
  return bytes;
}

}  // namespace

Status Frame::RunStep(int index, const BoundState* state, const Evaluation& evaluation) {
  const Step& step = program_.steps[static_cast<size_t>(index)];
  StepContext context(*this, index, state, evaluation);
  if (evaluation.profiler == nullptr) return step.executable->Run(context);
  const int64_t start = evaluation.profiler->Now();
  Status status = step.executable->Run(context);
  const auto& outputs = step_outputs_[static_cast<size_t>(index)];
  const int64_t bytes =
      BytesOf(step_inputs_[static_cast<size_t>(index)]) + BytesOf({outputs.data(), outputs.size()});
  evaluation.profiler->Add(*step.node, start, bytes);
  return status;
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
  if (context.scratch_bytes() > scratch_bytes_) {
    scratch_.reset(AllocateAligned(context.scratch_bytes()));
    scratch_bytes_ = context.scratch_bytes();
    if (scratch_ == nullptr) {
      scratch_bytes_ = 0;
      return OutOfMemory(StrCat("no memory for ", context.scratch_bytes(), " bytes of scratch"));
    }
  }
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

Status Frame::RunControl(int index, const Evaluation& evaluation) {
  return ControlFlow(*this, index, evaluation).Run();
}

Frame::ControlState& Frame::Control(int index) {
  auto& state = control_[static_cast<size_t>(index)];
  if (state == nullptr) state = std::make_unique<ControlState>();
  return *state;
}

}  // namespace mullion
