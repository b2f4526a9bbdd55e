// SPDX-License-Identifier: MIT
#include "tests/kernel_tester.h"

#include <unordered_map>
#include <utility>

#include "base/memory.h"
#include "device/kernel.h"
#include "devices/cpu/registry.h"
#include "operators/registry.h"

namespace mullion {

namespace {

class TestRunContext final : public RunContext {
 public:
  TestRunContext(const Node& node, std::span<const Datum* const> inputs,
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
    const ElementType type = output.view.type;
    if (output.tensor && output.tensor.shape() == shape) return output.view;
    MULLION_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Allocate(type, shape));
    output = Datum::FromTensor(tensor);
    return output.view;
  }

  void SetOutput(int i, Datum value) override {
    *outputs_[static_cast<size_t>(i)] = std::move(value);
  }
};

using Facts = std::unordered_map<const Value*, InferenceContext::Input>;

// Old forms become the newest one; inference runs before each step.
Status UpgradeAndInfer(Node& node, const Facts& facts, std::vector<TypeInfo>& outputs) {
  while (true) {
    const OperatorDefinition* const definition =
        BuiltInOperators().Find(node.domain(), node.operator_name(), node.opset());
    if (definition == nullptr) return node.Error(StatusCode::kUnsupported, "unknown operator");
    if (definition->upgrade != nullptr) {
      MULLION_RETURN_IF_ERROR(definition->upgrade(node));
      continue;
    }
    std::vector<InferenceContext::Input> inputs(static_cast<size_t>(node.input_count()));
    std::vector<TensorView> views(inputs.size());
    for (int i = 0; i < node.input_count(); ++i) {
      const Value* const value = node.input(i);
      auto& input = inputs[static_cast<size_t>(i)];
      const auto fact = facts.find(value);
      if (fact != facts.end()) input = fact->second;
      if (value == nullptr || !value->IsConstant()) continue;
      views[static_cast<size_t>(i)] = value->constant.view();
      input = {&value->type, &value->type.shape, &views[static_cast<size_t>(i)]};
    }
    InferenceContext context(node, inputs, outputs);
    return InferNode(*definition, context);
  }
}

}  // namespace

KernelTester::KernelTester(std::string_view operator_name, int opset, std::string_view domain)
    : node_(&graph_.AddBareNode(domain, operator_name, opset)) {
  node_->origin = {"test", std::string(operator_name), std::string(domain), opset, ""};
}

KernelTester::~KernelTester() = default;

void KernelTester::AddInput(Tensor tensor, bool constant) {
  Value& value = graph_.AddValue("input", TypeInfo::Tensor(tensor.type(), tensor.shape()));
  if (constant) value.constant = tensor;
  node_->AddInput(&value);
  inputs_.push_back(Datum::FromTensor(std::move(tensor)));
}

void KernelTester::AddInput(Datum datum, TypeInfo type) {
  node_->AddInput(&graph_.AddValue("input", std::move(type)));
  inputs_.push_back(std::move(datum));
}

void KernelTester::SkipInput() {
  node_->AddInput(nullptr);
  inputs_.emplace_back();
}

void KernelTester::SetAttribute(std::string_view name, AttributeValue value) {
  node_->SetAttribute(name, std::move(value));
}

Status KernelTester::Run(int times) {
  if (node_->output_count() == 0) {
    for (int i = 0; i < output_count_; ++i) node_->SetOutput(i, &graph_.AddValue("output"));
    for (const int i : skipped_) node_->SetOutput(i, nullptr);
  }
  Facts facts;
  std::unordered_map<const Value*, Datum> data;
  for (int i = 0; i < node_->input_count(); ++i) {
    const Value* const value = node_->input(i);
    InferenceContext::Input fact;
    if (value != nullptr) {
      fact.type = &value->type;
      if (value->type.IsTensor()) fact.shape = &value->type.shape;
      // At binding the content of small inputs may be known; kernels must not need that.
      const bool hidden = hide_contents_ && !value->IsConstant();
      if (value->type.IsTensor() && !hidden) fact.data = &inputs_[static_cast<size_t>(i)].view;
    }
    if (value == nullptr) continue;
    facts[value] = fact;
    data[value] = inputs_[static_cast<size_t>(i)];
  }
  std::vector<TypeInfo> inferred(static_cast<size_t>(node_->output_count()));
  MULLION_RETURN_IF_ERROR(UpgradeAndInfer(*node_, facts, inferred));
  for (int i = 0; i < node_->output_count(); ++i) {
    if (node_->output(i) != nullptr) node_->output(i)->type = inferred[static_cast<size_t>(i)];
  }

  MULLION_ASSIGN_OR_RETURN(const cpu::KernelDefinition* const kernel,
                           cpu::BuiltInKernels().Find(*node_));
  MULLION_ASSIGN_OR_RETURN(const std::unique_ptr<Executable> executable,
                           kernel->make(*node_, WeightStore::Global()));

  // Upgrades may have moved inputs, or exchanged or added constant ones.
  inputs_.assign(static_cast<size_t>(node_->input_count()), Datum());
  for (int i = 0; i < node_->input_count(); ++i) {
    const Value* const value = node_->input(i);
    if (value == nullptr) continue;
    inputs_[static_cast<size_t>(i)] =
        value->IsConstant() ? Datum::FromTensor(value->constant) : data[value];
  }
  std::vector<BindContext::Port> input_ports(inputs_.size());
  std::vector<const BindContext::Port*> input_pointers;
  std::vector<const Datum*> input_data;
  for (size_t i = 0; i < static_cast<size_t>(node_->input_count()); ++i) {
    const Value* const value = node_->input(static_cast<int>(i));
    const Datum& datum = inputs_[i];
    input_ports[i] = {datum.view.type, datum.view.shape,
                      value != nullptr && value->IsConstant() ? &datum.view : nullptr};
    input_pointers.push_back(value == nullptr ? nullptr : &input_ports[i]);
    input_data.push_back(value == nullptr ? nullptr : &datum);
  }
  outputs_.assign(inferred.size(), Datum());
  std::vector<BindContext::Port> output_ports(inferred.size());
  std::vector<const BindContext::Port*> output_pointers;
  std::vector<Datum*> output_data;
  for (size_t i = 0; i < inferred.size(); ++i) {
    if (node_->output(static_cast<int>(i)) == nullptr) {
      output_pointers.push_back(nullptr);
      output_data.push_back(nullptr);
      continue;
    }
    const TypeInfo& type = inferred[i];
    const bool known = type.IsTensor() && type.has_shape && type.shape.IsConcrete();
    output_ports[i] = {type.element_type, type.shape, nullptr};
    output_pointers.push_back(known ? &output_ports[i] : nullptr);
    outputs_[i].view.type = type.element_type;
    if (known) {
      MULLION_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Allocate(type.element_type, type.shape));
      outputs_[i] = Datum::FromTensor(tensor);
    }
    output_data.push_back(&outputs_[i]);
  }
  Parallel* const parallel = parallel_ != nullptr ? parallel_ : &serial_;
  BindContext bind(*node_, input_pointers, output_pointers, parallel->threads());
  MULLION_RETURN_IF_ERROR(executable->Bind(bind));
  const AlignedBuffer scratch(AllocateAligned(bind.scratch_bytes()));
  const std::unique_ptr<BoundState> state = bind.TakeState();
  TestRunContext run(*node_, input_data, output_data, scratch.get(), state.get(), parallel);
  for (int i = 0; i < times; ++i) MULLION_RETURN_IF_ERROR(executable->Run(run));
  return OkStatus();
}

}  // namespace mullion
