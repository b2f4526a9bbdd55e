// SPDX-License-Identifier: MIT
#include "runtime/shape_facts.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace mullion {

namespace {

// Arithmetic on shapes is done at binding; anything larger is real work for a run.
constexpr int64_t kMostFoldedElements = 1024;

bool SameContent(const TensorView& a, const TensorView& b) {
  return a.type == b.type && a.shape == b.shape && a.type != ElementType::kString &&
         std::memcmp(a.data, b.data, a.bytes()) == 0;
}

}  // namespace

ShapeFacts::ShapeFacts(const Program& program)
    : program_(program),
      facts_(program.slots.size()),
      marks_(program.slots.size()),
      outcomes_(program.steps.size(), Outcome::kUnknown) {
  for (size_t i = 0; i < program_.slots.size(); ++i) {
    const Slot& slot = program_.slots[i];
    if (!slot.constant) continue;
    const Tensor& tensor = slot.value->constant;
    Set(static_cast<int>(i), TypeInfo::Tensor(tensor.type(), tensor.shape()),
        slot.held ? Tensor() : tensor);
    marks_[i] = {.constant = true, .known = true, .changed = false};
  }
}

void ShapeFacts::Begin() {
  known_steps_ = std::exchange(learned_steps_, 0);
  for (Mark& mark : marks_) mark.known = mark.constant;
}

void ShapeFacts::Set(int slot, const TypeInfo& type, const Tensor& data) {
  Fact& fact = facts_[static_cast<size_t>(slot)];
  fact.type.Assign(type);
  if (!data) {
    fact.content = nullptr;
    return;
  }
  if (fact.content == nullptr) fact.content = std::make_unique<Content>();
  *fact.content = {data, data.view()};
}

void ShapeFacts::Learn(int slot, const TypeInfo& type, const Tensor& data) {
  const Fact& fact = facts_[static_cast<size_t>(slot)];
  const bool had_content = fact.content != nullptr;
  // Contents that are the same stay where they are: bound steps may point there.
  const bool same = type.IsTensor() && SameType(type, fact.type) &&
                    had_content == static_cast<bool>(data) &&
                    (!had_content || SameContent(fact.content->view, data.view()));
  Mark& mark = marks_[static_cast<size_t>(slot)];
  mark.known = true;
  mark.changed = !same;
  if (!same) Set(slot, type, data);
}

bool ShapeFacts::Unchanged(int index) const {
  if (index >= known_steps_) return false;
  const Step& step = program_.steps[static_cast<size_t>(index)];
  return std::all_of(step.inputs.begin(), step.inputs.end(), [&](int slot) {
    return slot == kNoSlot || (MarkOf(slot).known && !MarkOf(slot).changed);
  });
}

// Whether the executable tells the output's type by itself.
bool ShapeFacts::AskExecutable(const Step& step) {
  if (step.outputs.size() != 1 || step.inputs.empty()) return false;
  shapes_.clear();
  for (const int slot : step.inputs) {
    const bool is_tensor = slot != kNoSlot && MarkOf(slot).known && IsStaticTensor(type(slot));
    if (slot != kNoSlot && !is_tensor) return false;
    shapes_.push_back(is_tensor ? &type(slot).shape : nullptr);
  }
  TypeInfo& output = types_[0];
  if (shapes_[0] == nullptr || !step.executable->TellShape(shapes_, output.shape) ||
      !output.shape.CheckedElementCount().has_value()) {
    return false;
  }
  output.kind = ValueKind::kTensor;
  output.element_type = type(step.inputs[0]).element_type;
  output.has_shape = true;
  return true;
}

// Works out the outputs' types. False when a shape cannot be known yet.
Result<bool> ShapeFacts::InferStep(const Step& step) {
  if (AskExecutable(step)) return true;
  inputs_.assign(step.inputs.size(), {});
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const int slot = step.inputs[i];
    if (slot == kNoSlot) continue;
    if (!MarkOf(slot).known) return false;
    const TypeInfo& info = type(slot);
    inputs_[i] = {&info, info.has_shape ? &info.shape : nullptr, view(slot)};
  }
  InferenceContext context(*step.node, inputs_, types_);
  MULLION_RETURN_IF_ERROR(InferNode(*step.definition, context));
  return true;
}

bool ShapeFacts::AllInputsKnown(const Step& step) const {
  int64_t elements = 0;
  for (const int slot : step.inputs) {
    if (slot == kNoSlot) continue;
    if (!MarkOf(slot).known || !type(slot).IsTensor()) return false;
    const TensorView* const content = view(slot);
    if (content != nullptr) {
      elements += content->count();
    } else if (!step.definition->shape_only || !IsStaticTensor(type(slot))) {
      return false;
    }
  }
  return elements <= kMostFoldedElements && !step.definition->random;
}

// Computes a step of shape arithmetic now. False when it is none.
Result<bool> ShapeFacts::FoldStep(const Step& step) {
  if (!AllInputsKnown(step)) return false;
  for (size_t i = 0; i < types_.size(); ++i) {
    const int slot = step.outputs[i];
    if (slot == kNoSlot) continue;
    if (!types_[i].IsTensor() || program_.GivesOut(slot)) return false;
    if (IsStaticTensor(types_[i]) && types_[i].shape.ElementCount() > kMostFoldedElements) {
      return false;
    }
  }
  runner_.Begin();
  for (const int slot : step.inputs) {
    if (slot == kNoSlot) {
      runner_.LeaveOutInput();
    } else if (view(slot) != nullptr) {
      runner_.AddInput(*view(slot));
    } else {
      runner_.AddInput({type(slot).element_type, MemoryLocation::kHost, type(slot).shape, nullptr});
    }
  }
  MULLION_RETURN_IF_ERROR(runner_.Run(*step.node, *step.executable, types_));
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    if (step.outputs[i] == kNoSlot) continue;
    const Tensor output = runner_.TakeOutput(i);
    Learn(step.outputs[i], TypeInfo::Tensor(output.type(), output.shape()), output);
  }
  return true;
}

Result<ShapeFacts::Outcome> ShapeFacts::LearnStep(int index) {
  const Step& step = program_.steps[static_cast<size_t>(index)];
  Outcome& outcome = outcomes_[static_cast<size_t>(index)];
  if (step.kind != StepKind::kExecutable) return Outcome::kUnknown;
  if (Unchanged(index)) {
    for (const int slot : step.outputs) {
      if (slot == kNoSlot) continue;
      Mark& mark = marks_[static_cast<size_t>(slot)];
      mark.known = true;
      mark.changed = false;
    }
    return outcome;
  }
  outcome = Outcome::kUnknown;
  types_.assign(step.outputs.size(), {});
  MULLION_ASSIGN_OR_RETURN(const bool inferred, InferStep(step));
  if (!inferred) return outcome;
  MULLION_ASSIGN_OR_RETURN(const bool folded, FoldStep(step));
  if (folded) return outcome = Outcome::kFolded;
  for (size_t i = 0; i < types_.size(); ++i) {
    const bool tensor = types_[i].IsTensor();
    if (step.outputs[i] != kNoSlot && tensor && !IsStaticTensor(types_[i])) return outcome;
  }
  for (size_t i = 0; i < types_.size(); ++i) {
    if (step.outputs[i] != kNoSlot) Learn(step.outputs[i], types_[i]);
  }
  return outcome = Outcome::kRuns;
}

}  // namespace mullion
