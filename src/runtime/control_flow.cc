// SPDX-License-Identifier: MIT
#include "runtime/control_flow.h"

#include <algorithm>
#include <limits>

#include "base/str_cat.h"

namespace mullion {

ControlFlow::ControlFlow(Frame& frame, int step_index, const Evaluation& evaluation)
    : frame_(frame),
      step_index_(step_index),
      step_(frame.program_.steps[static_cast<size_t>(step_index)]),
      evaluation_(evaluation) {}

Status ControlFlow::Run() {
  switch (step_.kind) {
    case StepKind::kIf:
      return RunIf();
    case StepKind::kLoop:
      return RunLoop();
    case StepKind::kScan:
      return step_.node->opset() < 9 ? RunBatchedScan() : RunScan();
    case StepKind::kSequenceMap:
      return RunSequenceMap();
    case StepKind::kExecutable:
      break;
  }
  return Error("is not a control-flow step");
}

Frame& ControlFlow::Body(int body, int index) {
  // Two frames per body: the even and the odd iterations.
  auto& frames = frame_.Control(step_index_).frames;
  const auto place = static_cast<size_t>(2 * body + index % 2);
  if (frames.size() <= place) frames.resize(place + 1);
  if (frames[place] == nullptr) {
    frames[place] = std::make_unique<Frame>(frame_.bound_.body(step_index_, body));
  }
  Frame& child = *frames[place];
  const std::vector<int>& captured = child.program().captured;
  for (size_t i = 0; i < captured.size(); ++i) {
    child.SetCapture(static_cast<int>(i), frame_.At(captured[i]));
  }
  return child;
}

const Datum* ControlFlow::Input(int i) const {
  const auto index = static_cast<size_t>(i);
  if (index >= step_.inputs.size() || step_.inputs[index] == kNoSlot) return nullptr;
  return &frame_.At(step_.inputs[index]);
}

BlockCache& ControlFlow::blocks() { return frame_.bound_.blocks(); }

void ControlFlow::SetOutput(int i, Datum value) {
  const auto index = static_cast<size_t>(i);
  if (index >= step_.outputs.size() || step_.outputs[index] == kNoSlot) return;
  frame_.At(step_.outputs[index]) = std::move(value);
}

// Where the step's output is the program's and the caller gave memory for it: that memory.
MutableTensorView ControlFlow::OutputMemory(int i) const {
  const std::vector<int>& outputs = frame_.program_.outputs;
  const auto found =
      std::find(outputs.begin(), outputs.end(), step_.outputs[static_cast<size_t>(i)]);
  if (found == outputs.end()) return {};
  return frame_.output_memory_[static_cast<size_t>(found - outputs.begin())];
}

const TypeInfo& ControlFlow::BodyOutputType(int i) const {
  const Program& program = *step_.subprograms[0];
  return program.slots[static_cast<size_t>(program.outputs[static_cast<size_t>(i)])].value->type;
}

Status ControlFlow::Error(std::string_view text) const {
  return step_.node->Error(StatusCode::kEvaluation, text);
}

namespace {

// One truth value from a tensor of one element.
std::optional<bool> TruthOf(const Datum& datum) {
  if (!datum.IsTensor() || datum.view.type != ElementType::kBool || datum.view.count() != 1) {
    return std::nullopt;
  }
  return *datum.view.as<bool>();
}

}  // namespace

Status ControlFlow::RunIf() {
  const std::optional<bool> condition = TruthOf(*Input(0));
  if (!condition.has_value()) return Error("its condition must be one bool");
  Frame& branch = Body(*condition ? 0 : 1, 0);
  for (int i = 0; i < static_cast<int>(step_.outputs.size()); ++i) {
    // What the evaluation before gave out is let go, so that its memory can serve again.
    SetOutput(i, Datum());
    branch.SetOutputMemory(i, OutputMemory(i));
  }
  MULLION_RETURN_IF_ERROR(branch.Run(evaluation_));
  for (int i = 0; i < static_cast<int>(step_.outputs.size()); ++i) SetOutput(i, branch.Output(i));
  return OkStatus();
}

// Loop (opset 1 on): inputs trip count, condition, then loop-carried values; the body takes
// iteration, condition and carried values and gives condition, carried values and scan outputs.
Status ControlFlow::RunLoop() {
  int64_t trips = std::numeric_limits<int64_t>::max();
  if (const Datum* const limit = Input(0); limit != nullptr) {
    if (!limit->IsTensor() || limit->view.type != ElementType::kInt64 || limit->view.count() != 1) {
      return Error("its trip count must be one int64");
    }
    trips = *limit->view.as<int64_t>();
  }
  bool go_on = true;
  if (const Datum* const condition = Input(1); condition != nullptr) {
    const std::optional<bool> truth = TruthOf(*condition);
    if (!truth.has_value()) return Error("its condition must be one bool");
    go_on = *truth;
  }
  const int carried = std::max(static_cast<int>(step_.inputs.size()) - 2, 0);
  std::vector<Datum> state;
  for (int i = 0; i < carried; ++i) {
    state.push_back(Input(2 + i) != nullptr ? *Input(2 + i) : Datum::EmptyOptional());
  }
  const int scans = static_cast<int>(step_.subprograms[0]->outputs.size()) - 1 - carried;
  if (scans < 0) return Error("its body has too few outputs for its loop-carried values");
  std::vector<Stack> stacks(static_cast<size_t>(scans), Stack(blocks(), trips < 10000 ? trips : 0));
  int64_t iteration = 0;
  bool condition = go_on;
  for (; iteration < trips && go_on; ++iteration) {
    Frame& body = Body(0, static_cast<int>(iteration & 1));
    condition = go_on;
    if (step_.subprograms[0]->inputs.size() != static_cast<size_t>(2 + carried)) {
      return Error("its body takes another number of inputs than it has");
    }
    body.SetInput(
        0, Datum::FromView({ElementType::kInt64, MemoryLocation::kHost, Shape{}, &iteration}));
    body.SetInput(
        1, Datum::FromView({ElementType::kBool, MemoryLocation::kHost, Shape{}, &condition}));
    for (int i = 0; i < carried; ++i) body.SetInput(2 + i, state[static_cast<size_t>(i)]);
    MULLION_RETURN_IF_ERROR(body.Run(evaluation_));
    const std::optional<bool> truth = TruthOf(body.Output(0));
    if (!truth.has_value()) return Error("the condition that its body gives must be one bool");
    go_on = *truth;
    for (int i = 0; i < carried; ++i) state[static_cast<size_t>(i)] = body.Output(1 + i);
    for (int i = 0; i < scans; ++i) {
      MULLION_RETURN_IF_ERROR(
          stacks[static_cast<size_t>(i)].Append(*step_.node, body.Output(1 + carried + i)));
    }
  }
  for (int i = 0; i < carried; ++i) SetOutput(i, state[static_cast<size_t>(i)]);
  for (int i = 0; i < scans; ++i) {
    const TypeInfo& type = BodyOutputType(1 + carried + i);
    MULLION_ASSIGN_OR_RETURN(Tensor stacked, stacks[static_cast<size_t>(i)].Finish(type, 0, false));
    SetOutput(carried + i, Datum::FromTensor(std::move(stacked)));
  }
  return OkStatus();
}

// SequenceMap-17: the body runs once per element of the first input; other inputs are sequences of
// the same length or tensors that every run sees.
Status ControlFlow::RunSequenceMap() {
  if (Input(0)->sequence == nullptr) return Error("its first input is not a sequence");
  const size_t length = Input(0)->sequence->items.size();
  const int outputs = static_cast<int>(step_.outputs.size());
  std::vector<Sequence> results(static_cast<size_t>(outputs));
  for (int i = 0; i < outputs; ++i) {
    results[static_cast<size_t>(i)].element = BodyOutputType(i);
  }
  for (size_t item = 0; item < length; ++item) {
    Frame& body = Body(0, 0);
    for (int i = 0; i < static_cast<int>(step_.inputs.size()); ++i) {
      const Datum& input = *Input(i);
      if (input.sequence == nullptr) {
        body.SetInput(i, input);
      } else if (item < input.sequence->items.size()) {
        body.SetInput(i, input.sequence->items[item]);
      } else {
        return Error("its input sequences have different lengths");
      }
    }
    MULLION_RETURN_IF_ERROR(body.Run(evaluation_));
    for (int i = 0; i < outputs; ++i) {
      MULLION_ASSIGN_OR_RETURN(
          Tensor tensor, body.Output(i).OwnedTensor([this](ElementType type, const Shape& shape) {
            return blocks().Allocate(type, shape);
          }));
      results[static_cast<size_t>(i)].items.push_back(Datum::FromTensor(std::move(tensor)));
    }
  }
  for (int i = 0; i < outputs; ++i) {
    SetOutput(i, Datum::FromSequence(
                     std::make_shared<const Sequence>(std::move(results[static_cast<size_t>(i)]))));
  }
  return OkStatus();
}

}  // namespace mullion
