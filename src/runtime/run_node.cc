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

  void SetOutput(int i, Datum value) override {
    *outputs_[static_cast<size_t>(i)] = std::move(value);
  }
};

struct Ports {
  std::vector<BindContext::Port> ports;
  std::vector<const BindContext::Port*> pointers;

  explicit Ports(size_t count) : ports(count), pointers(count, nullptr) {}
  void Set(size_t i, const BindContext::Port& port) {
    ports[i] = port;
    pointers[i] = &ports[i];
  }
};

}  // namespace

Result<std::vector<Tensor>> RunNode(const Node& node, const Executable& executable,
                                    std::span<const Tensor> inputs,
                                    std::span<const TypeInfo> types) {
  const size_t input_count = inputs.size();
  const size_t output_count = node.outputs().size();
  std::vector<Datum> input_data(input_count);
  std::vector<const Datum*> input_pointers(input_count, nullptr);
  Ports input_ports(input_count);
  for (size_t i = 0; i < input_count; ++i) {
    if (!inputs[i]) continue;
    input_data[i] = Datum::FromTensor(inputs[i]);
    input_pointers[i] = &input_data[i];
    const TensorView* const data = inputs[i].data() == nullptr ? nullptr : &input_data[i].view;
    input_ports.Set(i, {inputs[i].type(), inputs[i].shape(), data});
  }
  std::vector<Datum> output_data(output_count);
  std::vector<Datum*> output_pointers(output_count, nullptr);
  Ports output_ports(output_count);
  for (size_t i = 0; i < output_count; ++i) {
    if (node.output(static_cast<int>(i)) == nullptr) continue;
    const TypeInfo& type = types[i];
    if (!type.IsTensor()) {
      return node.Error(StatusCode::kUnsupported, "its outputs are not all tensors");
    }
    output_pointers[i] = &output_data[i];
    output_data[i].view.type = type.element_type;
    if (!type.has_shape || !type.shape.IsConcrete()) continue;
    MULLION_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Allocate(type.element_type, type.shape));
    output_data[i] = Datum::FromTensor(std::move(tensor));
    output_ports.Set(i, {type.element_type, type.shape, nullptr});
  }

  SerialParallel parallel;
  BindContext bind(node, input_ports.pointers, output_ports.pointers, parallel.threads());
  MULLION_RETURN_IF_ERROR(executable.Bind(bind));
  const AlignedBuffer scratch(AllocateAligned(bind.scratch_bytes()));
  if (scratch == nullptr) {
    return OutOfMemory(StrCat("no memory for ", bind.scratch_bytes(), " bytes of scratch"));
  }
  const std::unique_ptr<BoundState> state = bind.TakeState();
  HeapRunContext run(node, input_pointers, output_pointers, scratch.get(), state.get(), &parallel);
  MULLION_RETURN_IF_ERROR(executable.Run(run));
  std::vector<Tensor> outputs(output_count);
  for (size_t i = 0; i < output_count; ++i) {
    if (output_pointers[i] != nullptr) outputs[i] = output_data[i].tensor;
  }
  return outputs;
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
  return RunNode(node, *executable, inputs, types);
}

}  // namespace mullion
