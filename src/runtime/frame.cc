// SPDX-License-Identifier: MIT
#include "runtime/frame.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/str_cat.h"
#include "runtime/control_flow.h"

namespace mullion {

// What a kernel sees of the frame.
class Frame::StepContext final : public RunContext {
 public:
  StepContext(Frame& frame, int index, const BoundState* state, const Evaluation& evaluation)
      : frame_(frame), step_(frame.program_.steps[static_cast<size_t>(index)]) {
    node_ = step_.node;
    inputs_ = frame.step_inputs_[static_cast<size_t>(index)];
    outputs_ = frame.step_outputs_[static_cast<size_t>(index)];
    scratch_ = evaluation.scratch->get();
    state_ = state;
    parallel_ = evaluation.parallel;
    cancellation_ = evaluation.cancellation;
  }

  OutputView AllocateOutput(int i, const Shape& shape) override {
    const int slot = step_.outputs[static_cast<size_t>(i)];
    Datum& datum = frame_.At(slot);
    if (frame_.fixed_[static_cast<size_t>(slot)] != 0) {
      if (datum.view.shape == shape) return datum.view;
      return node_->Error(StatusCode::kInternal, "its output ", i, " was bound as ",
                          datum.view.shape.ToString(), " but came out as ", shape.ToString());
    }
    const ElementType type = step_.node->output(i)->type.element_type;
    // The memory of the evaluation before serves again when nobody else holds it.
    const bool reusable = datum.tensor && datum.tensor.type() == type &&
                          datum.tensor.shape() == shape && datum.tensor.owner().use_count() == 1;
    if (!reusable) {
      datum = Datum();  // what was there may serve again
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

void Frame::SetInput(int index, const Datum& value) {
  Datum& datum = At(program_.inputs[static_cast<size_t>(index)]);
  if (value.Owns() || datum.Owns()) {
    datum = value;
  } else {
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

void Frame::Finish() {
  for (Segment& segment : segments_) segment.arena.Return();
  scratch_.Return();
  for (const std::unique_ptr<Frame>& thread : threads_) {
    thread->thread_arena_.Return();
    thread->scratch_.Return();
  }
  for (const int slot : program_.inputs) {
    Datum& datum = At(slot);
    if (datum.Owns()) {
      datum = Datum();
    } else {
      datum.kind = ValueKind::kUnknown;
    }
  }
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

HelpChoice* Frame::help() const {
  if (!RootIsBound()) return nullptr;
  const Binding& binding = *segments_[0].binding;
  const bool whole = binding.end_step == static_cast<int>(program_.steps.size());
  return whole ? &binding.help : nullptr;
}

Status Frame::Run(const Evaluation& evaluation) {
  // Results that the caller gave no memory for are his to keep: they get a fresh place each time.
  outputs_changed_ |=
      std::any_of(tensor_outputs_.begin(), tensor_outputs_.end(),
                  [this](size_t output) { return output_memory_[output].data == nullptr; });
  const Binding* binding = RootIsBound() ? segments_[0].binding.get() : nullptr;
  if (binding == nullptr) {
    MULLION_ASSIGN_OR_RETURN(binding, EnterSegment(0, RootKey(), evaluation));
  } else {
    Segment& segment = segments_[0];
    MULLION_RETURN_IF_ERROR(TakeMemory(segment, evaluation));
    if (segment.placed != segment.arena.get()) {
      MULLION_RETURN_IF_ERROR(PlaceValues(segment));
    } else if (outputs_changed_) {
      MULLION_RETURN_IF_ERROR(PlaceOutputs(*binding));
    }
  }
  const int step_count = static_cast<int>(program_.steps.size());
  for (size_t depth = 1;; ++depth) {
    MULLION_RETURN_IF_ERROR(
        RunGroups(*binding, binding->groups, 0, binding->steps.size(), evaluation));
    if (binding->end_step >= step_count) break;
    MULLION_ASSIGN_OR_RETURN(BindingKey key, PassDynamicStep(binding->end_step, evaluation));
    MULLION_ASSIGN_OR_RETURN(binding, EnterSegment(depth, std::move(key), evaluation));
  }
  outputs_changed_ = false;
  return OkStatus();
}

Status Frame::RunGroups(const Binding& binding, std::span<const SampleGroup> groups, size_t first,
                        size_t last, const Evaluation& evaluation) {
  for (const SampleGroup& group : groups) {
    MULLION_RETURN_IF_ERROR(RunSteps(binding, first, group.first, evaluation));
    MULLION_RETURN_IF_ERROR(group.at_once() ? RunAtOnce(binding, group, evaluation)
                                            : RunInTurn(binding, group, evaluation));
    first = group.last;
  }
  return RunSteps(binding, first, last, evaluation);
}

Status Frame::RunSteps(const Binding& binding, size_t first, size_t last,
                       const Evaluation& evaluation) {
  const bool alone = evaluation.parallel->threads() <= 1;
  for (size_t i = first; i < last; ++i) {
    if (evaluation.cancellation != nullptr && evaluation.cancellation->cancelled()) {
      return Status(StatusCode::kCancelled, "the evaluation was cancelled");
    }
    const BoundStep& step = binding.steps[i];
    StepMemory* const memory = step.memory.get();
    evaluation.parallel->BeginStep(alone ? nullptr : &memory->costs);
    const BoundState* const state = memory == nullptr ? nullptr : memory->state.get();
    MULLION_RETURN_IF_ERROR(RunStep(step.step, state, evaluation));
  }
  return OkStatus();
}

// Each pass sees some samples of what has all of them.
Status Frame::RunInTurn(const Binding& binding, const SampleGroup& group,
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

// Of passes that fail the first of the batch tells why, whichever threads they ran on.
Status Frame::RunAtOnce(const Binding& binding, const SampleGroup& group,
                        const Evaluation& evaluation) {
  const auto threads =
      static_cast<size_t>(std::min<int64_t>(evaluation.parallel->threads(), group.passes));
  while (threads_.size() < threads) threads_.push_back(std::make_unique<Frame>(bound_));
  std::mutex mutex;
  Status status;
  int64_t failed = group.passes;
  evaluation.parallel->BeginStep(group.costs.get());
  evaluation.parallel->For(group.passes, 1, [&](int64_t pass, int64_t /*end*/, int worker) {
    PoolParallel parallel(nullptr, 1, evaluation.cancellation);
    Frame& thread = *threads_[static_cast<size_t>(worker)];
    Status of_pass = thread.RunPass(
        binding, group, pass, *this,
        {&parallel, evaluation.cancellation, evaluation.profiler, &thread.scratch_, worker});
    if (of_pass.ok()) return;
    const std::lock_guard lock(mutex);
    if (pass > failed) return;
    failed = pass;
    status = std::move(of_pass);
  });
  return status;
}

// Gives the steps of a group their memory on this thread, and what is there whole.
Status Frame::BeginPasses(const Binding& binding, const SampleGroup& group, const Frame& whole) {
  if (!thread_arena_.Take(binding.thread_arena_bytes)) {
    return OutOfMemory("no memory for ", binding.thread_arena_bytes,
                       " bytes of intermediate results of a thread; use smaller batches");
  }
  if (!scratch_.Take(binding.thread_scratch_bytes)) {
    return OutOfMemory("no memory for ", binding.thread_scratch_bytes,
                       " bytes of scratch of a thread; use smaller batches");
  }
  for (size_t i = group.first_placement; i < group.last_placement; ++i) {
    const Placement& placement = binding.placements[i];
    At(placement.slot)
        .Borrow(placement.type.element_type, placement.type.shape,
                static_cast<char*>(thread_arena_.get()) + placement.offset);
    fixed_[static_cast<size_t>(placement.slot)] = 1;
  }
  for (const int slot : group.whole) At(slot).Borrow(whole.slots_[static_cast<size_t>(slot)].view);
  return OkStatus();
}

// Runs a pass in this frame, which a thread has for itself, on some samples of what `whole` has.
Status Frame::RunPass(const Binding& binding, const SampleGroup& group, int64_t pass,
                      const Frame& whole, const Evaluation& evaluation) {
  MULLION_RETURN_IF_ERROR(BeginPasses(binding, group, whole));
  for (const SampledSlot& sampled : group.sampled) {
    Datum& datum = At(sampled.slot);
    datum.Borrow(whole.slots_[static_cast<size_t>(sampled.slot)].view);
    datum.view.shape[0] = group.samples;
    datum.view.data =
        static_cast<const char*>(datum.view.data) + pass * static_cast<int64_t>(sampled.pass_bytes);
    fixed_[static_cast<size_t>(sampled.slot)] = 1;
  }
  return RunGroups(binding, group.groups, group.first, group.last, evaluation);
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
  evaluation.profiler->Add(*step.node, start, bytes, evaluation.thread);
  return status;
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
