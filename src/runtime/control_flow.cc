// SPDX-License-Identifier: MIT
#include "runtime/control_flow.h"

#include <algorithm>
#include <cstring>
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
      return RunScan();
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

void ControlFlow::SetOutput(int i, Datum value) {
  const auto index = static_cast<size_t>(i);
  if (index >= step_.outputs.size() || step_.outputs[index] == kNoSlot) return;
  frame_.At(step_.outputs[index]) = std::move(value);
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
  MULLION_RETURN_IF_ERROR(branch.Run(evaluation_));
  for (int i = 0; i < static_cast<int>(step_.outputs.size()); ++i) SetOutput(i, branch.Output(i));
  return OkStatus();
}

namespace {

// Collects one tensor per iteration along a new first axis.
class Stack {
 public:
  Status Append(const Node& node, const Datum& item) {
    if (!item.IsTensor()) {
      return node.Error(StatusCode::kEvaluation, "a scan output of its body is not a tensor");
    }
    if (count_ == 0) {
      type_ = item.view.type;
      shape_ = item.view.shape;
    } else if (!(shape_ == item.view.shape)) {
      return node.Error(
          StatusCode::kEvaluation,
          StrCat("a scan output has shape ", item.view.shape.ToString(), " after iterations of ",
                 shape_.ToString(), "; all iterations must give the same shape"));
    }
    if (type_ == ElementType::kString) {
      const auto items = item.view.span<std::string>();
      strings_.insert(strings_.end(), items.begin(), items.end());
    } else {
      const auto* const data = item.view.as<char>();
      bytes_.insert(bytes_.end(), data, data + item.view.bytes());
    }
    ++count_;
    return OkStatus();
  }

  // `type` tells the element shape when there was no iteration. `axis` is where the new axis goes
  // and `reverse` turns the order of iterations around (Scan).
  Result<Datum> Finish(const TypeInfo& type, int64_t axis, bool reverse) {
    if (count_ == 0) {
      type_ = type.element_type;
      shape_ = type.has_shape ? type.shape : Shape();
      for (int i = 0; i < shape_.rank(); ++i) shape_[i] = std::max<int64_t>(shape_[i], 0);
    }
    const std::optional<int> place = NormalizeAxis(axis, shape_.rank() + 1);
    if (!place.has_value()) return EvaluationError("a scan output axis is out of range");
    Shape stacked = shape_;
    stacked.Insert(*place, count_);
    MULLION_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Allocate(type_, stacked));
    const int64_t outer = shape_.Product(0, *place);
    const int64_t inner = shape_.Product(*place, shape_.rank());
    for (int64_t i = 0; i < count_; ++i) {
      const int64_t from = reverse ? count_ - 1 - i : i;
      for (int64_t o = 0; o < outer; ++o)
        Copy(tensor, (o * count_ + i) * inner, (from * outer + o) * inner, inner);
    }
    return Datum::FromTensor(std::move(tensor));
  }

 private:
  void Copy(Tensor& tensor, int64_t to, int64_t from, int64_t count) {
    if (type_ == ElementType::kString) {
      std::copy_n(strings_.begin() + from, count,
                  static_cast<std::string*>(tensor.mutable_data()) + to);
      return;
    }
    const size_t size = ByteSize(type_, 1);
    if (count == 0) return;
    std::memcpy(static_cast<char*>(tensor.mutable_data()) + static_cast<size_t>(to) * size,
                bytes_.data() + static_cast<size_t>(from) * size,
                static_cast<size_t>(count) * size);
  }

  ElementType type_ = ElementType::kUndefined;
  Shape shape_;
  int64_t count_ = 0;
  std::vector<char> bytes_;
  std::vector<std::string> strings_;
};

TypeInfo BodyOutputType(const Frame& body, int i) {
  const Program& program = body.program();
  return program.slots[static_cast<size_t>(program.outputs[static_cast<size_t>(i)])].value->type;
}

}  // namespace

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
  std::vector<Stack> stacks(static_cast<size_t>(scans));
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
    const TypeInfo type = BodyOutputType(Body(0, 0), 1 + carried + i);
    MULLION_ASSIGN_OR_RETURN(Datum stacked, stacks[static_cast<size_t>(i)].Finish(type, 0, false));
    SetOutput(carried + i, std::move(stacked));
  }
  return OkStatus();
}

namespace {

// Element `index` along `axis` of a tensor, in memory of its own.
Result<Tensor> Slice(const TensorView& view, int axis, int64_t index) {
  Shape shape = view.shape;
  const int64_t length = shape[axis];
  shape.Remove(axis);
  MULLION_ASSIGN_OR_RETURN(Tensor slice, Tensor::Allocate(view.type, shape));
  const int64_t outer = shape.Product(0, axis);
  const int64_t inner = shape.Product(axis, shape.rank());
  for (int64_t o = 0; o < outer; ++o) {
    const int64_t from = (o * length + index) * inner;
    if (view.type == ElementType::kString) {
      std::copy_n(view.as<std::string>() + from, inner,
                  static_cast<std::string*>(slice.mutable_data()) + o * inner);
      continue;
    }
    const size_t size = ByteSize(view.type, 1);
    std::memcpy(static_cast<char*>(slice.mutable_data()) + static_cast<size_t>(o * inner) * size,
                view.as<char>() + static_cast<size_t>(from) * size,
                static_cast<size_t>(inner) * size);
  }
  return slice;
}

int64_t ListItem(std::span<const int64_t> list, int i, int64_t fallback) {
  return static_cast<size_t>(i) < list.size() ? list[static_cast<size_t>(i)] : fallback;
}

}  // namespace

// Scan-9 on: inputs are state variables, then `num_scan_inputs` tensors that are walked along an
// axis; outputs are the final state, then stacked scan outputs.
Status ControlFlow::RunScan() {
  const Node& node = *step_.node;
  const int scan_inputs = static_cast<int>(node.IntAttribute("num_scan_inputs", 0));
  const int states = static_cast<int>(step_.inputs.size()) - scan_inputs;
  const Program& program = *step_.subprograms[0];
  const int scan_outputs = static_cast<int>(program.outputs.size()) - states;
  if (scan_inputs < 1 || states < 0 || scan_outputs < 0 ||
      program.inputs.size() != step_.inputs.size()) {
    return Error("num_scan_inputs does not fit its inputs and those of its body");
  }
  std::vector<int> axes;
  int64_t length = -1;
  for (int i = 0; i < scan_inputs; ++i) {
    const Datum* const input = Input(states + i);
    if (input == nullptr || !input->IsTensor()) return Error("a scan input is not a tensor");
    const std::optional<int> axis = NormalizeAxis(
        ListItem(node.IntsAttribute("scan_input_axes"), i, 0), input->view.shape.rank());
    if (!axis.has_value()) return Error(StrCat("the axis of scan input ", i, " is out of range"));
    axes.push_back(*axis);
    const int64_t size = input->view.shape[*axis];
    if (length >= 0 && size != length) {
      return Error(StrCat("its scan inputs have lengths ", length, " and ", size,
                          "; all must be walked the same number of times"));
    }
    length = size;
  }
  std::vector<Datum> state;
  for (int i = 0; i < states; ++i) state.push_back(*Input(i));
  std::vector<Stack> stacks(static_cast<size_t>(scan_outputs));
  for (int64_t iteration = 0; iteration < length; ++iteration) {
    Frame& body = Body(0, static_cast<int>(iteration & 1));
    for (int i = 0; i < states; ++i) body.SetInput(i, state[static_cast<size_t>(i)]);
    for (int i = 0; i < scan_inputs; ++i) {
      const bool backward = ListItem(node.IntsAttribute("scan_input_directions"), i, 0) == 1;
      MULLION_ASSIGN_OR_RETURN(Tensor slice,
                               Slice(Input(states + i)->view, axes[static_cast<size_t>(i)],
                                     backward ? length - 1 - iteration : iteration));
      body.SetInput(states + i, Datum::FromTensor(std::move(slice)));
    }
    MULLION_RETURN_IF_ERROR(body.Run(evaluation_));
    for (int i = 0; i < states; ++i) state[static_cast<size_t>(i)] = body.Output(i);
    for (int i = 0; i < scan_outputs; ++i) {
      MULLION_RETURN_IF_ERROR(stacks[static_cast<size_t>(i)].Append(node, body.Output(states + i)));
    }
  }
  for (int i = 0; i < states; ++i) SetOutput(i, state[static_cast<size_t>(i)]);
  for (int i = 0; i < scan_outputs; ++i) {
    const bool backward = ListItem(node.IntsAttribute("scan_output_directions"), i, 0) == 1;
    MULLION_ASSIGN_OR_RETURN(Datum stacked,
                             stacks[static_cast<size_t>(i)].Finish(
                                 BodyOutputType(Body(0, 0), states + i),
                                 ListItem(node.IntsAttribute("scan_output_axes"), i, 0), backward));
    SetOutput(states + i, std::move(stacked));
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
    results[static_cast<size_t>(i)].element = BodyOutputType(Body(0, 0), i);
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
      MULLION_ASSIGN_OR_RETURN(Tensor tensor, body.Output(i).OwnedTensor());
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
