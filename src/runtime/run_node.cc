// SPDX-License-Identifier: MIT
#include "runtime/run_node.h"

#include "base/memory.h"
#include "base/str_cat.h"

namespace mullion {

namespace {

// Outputs on the heap, every one allocated when the kernel asks.
class HeapRunContext final : public RunContext {
 public:
  HeapRunContext(const Node& node, std::span<const Datum* const> inputs,
                 std::span<Datum* const> outputs, void* scratch, const BoundState* state,
                 Parallel* parallel) {
    node_ = &node;
    inputs_ = inputs;
    outputs_ = outputs;
    scratch_ = scratch;
    state_ = state;
    parallel_ = parallel;
  }

  OutputView AllocateOutput(int i, const Shape& shape) override {
    Datum& output = *outputs_[static_cast<size_t>(i)];
    if (!output.tensor || !(output.tensor.shape() == shape)) {
      MULLION_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Allocate(output.view.type, shape));
      output = Datum::FromTensor(std::move(tensor));
    }
    return output.view;
  }

  // Inputs are borrowed, and may be what is given out.
  void SetOutput(int i, Datum value) override {
    if (value.IsTensor() && !value.tensor) {
      Result<Tensor> owned = Own(value);
      if (owned.ok()) value = Datum::FromTensor(*std::move(owned));
    }
    *outputs_[static_cast<size_t>(i)] = std::move(value);
  }
};

}  // namespace

void NodeRunner::AddInput(const TensorView& input) {
  LeaveOutInput();
  inputs_[input_count_ - 1].Borrow(input);
}

void NodeRunner::LeaveOutInput() {
  if (++input_count_ > inputs_.size()) inputs_.resize(input_count_);
  inputs_[input_count_ - 1].kind = ValueKind::kUnknown;
}

// Room for those whose size is known, the others are made by the executable.
Status NodeRunner::PrepareOutputs(const Node& node, std::span<const TypeInfo> types) {
  const size_t count = node.outputs().size();
  if (count > outputs_.size()) outputs_.resize(count);
  output_data_.assign(count, nullptr);
  for (size_t i = 0; i < count; ++i) {
    Datum& output = outputs_[i];
    output = Datum();
    if (node.output(static_cast<int>(i)) == nullptr) continue;
    const TypeInfo& type = types[i];
    if (!type.IsTensor()) {
      return node.Error(StatusCode::kUnsupported, "its outputs are not all tensors");
    }
    output_data_[i] = &output;
    output.view.type = type.element_type;
    if (!type.has_shape || !type.shape.IsConcrete()) continue;
    MULLION_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Allocate(type.element_type, type.shape));
    output = Datum::FromTensor(std::move(tensor));
  }
  return OkStatus();
}

Status NodeRunner::Bind(const Node& node, const Executable& executable,
                        std::unique_ptr<BoundState>& state) {
  const size_t count = input_count_ + output_data_.size();
  if (count > ports_.size()) ports_.resize(count);
  port_pointers_.assign(count, nullptr);
  for (size_t i = 0; i < input_count_; ++i) {
    if (input_data_[i] == nullptr) continue;
    const TensorView& view = input_data_[i]->view;
    ports_[i] = {view.type, view.shape, view.data == nullptr ? nullptr : &view};
    port_pointers_[i] = &ports_[i];
  }
  for (size_t i = 0; i < output_data_.size(); ++i) {
    if (output_data_[i] == nullptr || !output_data_[i]->tensor) continue;
    const TensorView& view = output_data_[i]->view;
    ports_[input_count_ + i] = {view.type, view.shape, nullptr};
    port_pointers_[input_count_ + i] = &ports_[input_count_ + i];
  }
  const std::span<const BindContext::Port* const> ports(port_pointers_);
  BindContext bind(node, ports.first(input_count_), ports.subspan(input_count_), 1);
  MULLION_RETURN_IF_ERROR(executable.Bind(bind));
  if (bind.scratch_bytes() > scratch_bytes_) {
    scratch_.reset(AllocateAligned(bind.scratch_bytes()));
    scratch_bytes_ = scratch_ == nullptr ? 0 : bind.scratch_bytes();
    if (scratch_ == nullptr) {
      return OutOfMemory("no memory for ", bind.scratch_bytes(), " bytes of scratch");
    }
  }
  state = bind.TakeState();
  return OkStatus();
}

Status NodeRunner::Run(const Node& node, const Executable& executable,
                       std::span<const TypeInfo> types) {
  input_data_.assign(input_count_, nullptr);
  for (size_t i = 0; i < input_count_; ++i) {
    if (inputs_[i].IsTensor()) input_data_[i] = &inputs_[i];
  }
  MULLION_RETURN_IF_ERROR(PrepareOutputs(node, types));
  std::unique_ptr<BoundState> state;
  MULLION_RETURN_IF_ERROR(Bind(node, executable, state));
  SerialParallel parallel;
  HeapRunContext run(node, input_data_, output_data_, scratch_.get(), state.get(), &parallel);
  return executable.Run(run);
}

Result<std::vector<Tensor>> DeviceEvaluator::Evaluate(const Node& node,
                                                      std::span<const Tensor> inputs) {
  MULLION_RETURN_IF_ERROR(device_.Supports(node));
  const Node* const nodes[] = {&node};
  MULLION_ASSIGN_OR_RETURN(const std::unique_ptr<Executable> executable,
                           device_.Compile({nodes}, weights_));
  std::vector<TypeInfo> input_types(inputs.size());
  std::vector<TensorView> views(inputs.size());
  std::vector<InferenceContext::Input> facts(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i]) continue;
    input_types[i] = TypeInfo::Tensor(inputs[i].type(), inputs[i].shape());
    views[i] = inputs[i].view();
    facts[i] = {&input_types[i], &input_types[i].shape,
                views[i].data == nullptr ? nullptr : &views[i]};
  }
  std::vector<TypeInfo> types(node.outputs().size());
  InferenceContext inference(node, facts, types);
  const OperatorDefinition* const definition =
      operators_.Find(node.domain(), node.operator_name(), node.opset());
  MULLION_RETURN_IF_ERROR(InferNode(*definition, inference));
  NodeRunner runner;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i]) {
      runner.AddInput(views[i]);
    } else {
      runner.LeaveOutInput();
    }
  }
  MULLION_RETURN_IF_ERROR(runner.Run(node, *executable, types));
  std::vector<Tensor> outputs;
  for (size_t i = 0; i < types.size(); ++i) outputs.push_back(runner.TakeOutput(i));
  return outputs;
}

}  // namespace mullion
