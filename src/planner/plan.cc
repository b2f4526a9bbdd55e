// SPDX-License-Identifier: MIT
#include "planner/plan.h"

#include <algorithm>
#include <new>
#include <unordered_map>

#include "base/str_cat.h"
#include "device/weight_store.h"

namespace mullion {

namespace {

StepKind KindOf(const Node& node) {
  if (!node.domain().empty()) return StepKind::kExecutable;
  if (node.operator_name() == "If") return StepKind::kIf;
  if (node.operator_name() == "Loop") return StepKind::kLoop;
  if (node.operator_name() == "Scan") return StepKind::kScan;
  if (node.operator_name() == "SequenceMap") return StepKind::kSequenceMap;
  return StepKind::kExecutable;
}

// Subgraph attributes of a control-flow node in the order of Step::subprograms.
std::vector<const char*> BodyAttributes(StepKind kind) {
  switch (kind) {
    case StepKind::kIf:
      return {"then_branch", "else_branch"};
    case StepKind::kLoop:
    case StepKind::kScan:
    case StepKind::kSequenceMap:
      return {"body"};
    case StepKind::kExecutable:
      return {};
  }
  return {};
}

class Planner {
 public:
  Planner(Graph& graph, const PlanContext& context) : graph_(graph), context_(context) {}

  Result<std::unique_ptr<Program>> Plan() {
    program_ = std::make_unique<Program>();
    program_->graph = &graph_;
    for (const Value* const input : graph_.inputs()) program_->inputs.push_back(SlotOf(input));
    for (const Value* const value : CapturedValues(graph_)) AddCapture(value);
    for (const auto& node : graph_.nodes()) MULLION_RETURN_IF_ERROR(AddStep(*node));
    for (const Value* const output : graph_.outputs()) {
      const int slot = SlotOf(output);
      program_->outputs.push_back(slot);
      program_->slots[static_cast<size_t>(slot)].last_use =
          static_cast<int>(program_->steps.size());
    }
    MULLION_RETURN_IF_ERROR(Compile());
    MULLION_RETURN_IF_ERROR(ReleaseHeld());
    return std::move(program_);
  }

 private:
  int SlotOf(const Value* value) {
    const auto [place, fresh] = slots_.try_emplace(value, static_cast<int>(program_->slots.size()));
    if (fresh) program_->slots.push_back({value, -1, value->IsConstant()});
    return place->second;
  }

  // A value of the graph around this one. Constants are read where they are.
  void AddCapture(const Value* value) {
    if (value->IsConstant()) return;
    program_->captures.push_back(SlotOf(value));
    captured_values_.push_back(value);
  }

  // Lets constants go that nobody looks at any more.
  Status ReleaseHeld() {
    std::vector<bool> looked_at(program_->slots.size(), false);
    for (const int output : program_->outputs) looked_at[static_cast<size_t>(output)] = true;
    for (const Step& step : program_->steps) {
      for (size_t i = 0; i < step.inputs.size(); ++i) {
        if (step.inputs[i] == kNoSlot) continue;
        const bool held = step.executable != nullptr && step.executable->Holds(static_cast<int>(i));
        if (!held) looked_at[static_cast<size_t>(step.inputs[i])] = true;
      }
    }
    for (size_t i = 0; i < program_->slots.size(); ++i) {
      Slot& slot = program_->slots[i];
      slot.held = slot.constant && !looked_at[i];
      if (slot.constant) MULLION_RETURN_IF_ERROR(CheckContents(slot));
    }
    for (const auto& node : graph_.nodes()) {
      for (Value* const input : node->inputs()) {
        if (input == nullptr || !program_->slots[static_cast<size_t>(SlotOf(input))].held) continue;
        // Another graph may look at it: one around this one, or the body of a loop.
        const bool ours =
            std::all_of(input->uses().begin(), input->uses().end(),
                        [&](const auto& use) { return &use.node->graph() == &graph_; });
        if (!ours || &input->graph() != &graph_) continue;
        const Tensor& constant = input->constant;
        input->constant = Tensor::Wrap(constant.type(), constant.shape(), nullptr, nullptr);
      }
    }
    return OkStatus();
  }

  // Nobody may look at weights that only exist packed.
  static Status CheckContents(const Slot& slot) {
    const TensorSource* const source = slot.value->constant.source();
    if (source == nullptr || source->HasContents() || slot.held) return OkStatus();
    return InvalidModel("the compiled model has no contents for the constant '", slot.value->name(),
                        "'; compile the model again");
  }

  void Use(int slot, int step) {
    int& last = program_->slots[static_cast<size_t>(slot)].last_use;
    last = std::max(last, step);
  }

  Status AddStep(const Node& node) {
    const int index = static_cast<int>(program_->steps.size());
    Step step;
    step.kind = KindOf(node);
    step.node = &node;
    step.definition = context_.operators->Find(node.domain(), node.operator_name(), node.opset());
    for (const Value* const input : node.inputs()) {
      step.inputs.push_back(input == nullptr ? kNoSlot : SlotOf(input));
      if (input != nullptr) Use(step.inputs.back(), index);
    }
    for (const Value* const output : node.outputs()) {
      step.outputs.push_back(output == nullptr ? kNoSlot : SlotOf(output));
    }
    if (step.kind != StepKind::kExecutable) {
      MULLION_RETURN_IF_ERROR(AddSubprograms(node, index, step));
    }
    program_->steps.push_back(std::move(step));
    return OkStatus();
  }

  // Nodes are compiled side by side, since most of the time goes into packing weights. The failure
  // is that of the first node that has one.
  Status Compile() {
    const WeightStore::Packing packing(*context_.weights, ConstantBytes());
    std::vector<Status> statuses(program_->steps.size());
    context_.parallel->For(
        static_cast<int64_t>(statuses.size()), 1, [&](int64_t begin, int64_t end, int) {
          for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
            statuses[i] = CompileStep(program_->steps[i]);
          }
        });
    const auto failed = std::find_if(statuses.begin(), statuses.end(),
                                     [](const Status& status) { return !status.ok(); });
    return failed == statuses.end() ? OkStatus() : *failed;
  }

  size_t ConstantBytes() const {
    size_t bytes = 0;
    for (const Slot& slot : program_->slots) {
      if (slot.constant) bytes += slot.value->constant.bytes();
    }
    return bytes;
  }

  Status CompileStep(Step& step) const {
    if (step.kind != StepKind::kExecutable) return OkStatus();
    const Node& node = *step.node;
    Status reason = node.Error(StatusCode::kUnsupported, "the session has no device");
    for (const Device* const device : context_.devices) {
      Status status = device->Supports(node);
      if (!status.ok()) {
        reason = std::move(status);
        continue;
      }
      const Node* const nodes[] = {&node};
      try {
        MULLION_ASSIGN_OR_RETURN(step.executable, device->Compile({nodes}, *context_.weights));
      } catch (const std::bad_alloc&) {
        return node.Error(StatusCode::kOutOfMemory, "there is no memory for its weights");
      }
      step.device = device;
      return OkStatus();
    }
    return reason;
  }

  Status AddSubprograms(const Node& node, int index, Step& step) {
    for (const char* const attribute : BodyAttributes(step.kind)) {
      Graph* const body = node.GraphAttribute(attribute);
      if (body == nullptr) {
        return node.Error(StatusCode::kInvalidModel, "the attribute '", attribute,
                          "' is missing or not a graph; export the model again");
      }
      Planner planner(*body, context_);
      MULLION_ASSIGN_OR_RETURN(std::unique_ptr<Program> subprogram, planner.Plan());
      for (const Value* const value : planner.captured_values_) {
        const int slot = SlotOf(value);
        subprogram->captured.push_back(slot);
        Use(slot, index);
      }
      step.subprograms.push_back(std::move(subprogram));
    }
    return OkStatus();
  }

  Graph& graph_;
  const PlanContext& context_;
  std::unique_ptr<Program> program_;
  std::unordered_map<const Value*, int> slots_;
  std::vector<const Value*> captured_values_;
};

}  // namespace

Result<std::unique_ptr<Program>> PlanGraph(Graph& graph, const PlanContext& context) {
  return Planner(graph, context).Plan();
}

}  // namespace mullion
