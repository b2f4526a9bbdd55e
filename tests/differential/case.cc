// SPDX-License-Identifier: MIT
#include "tests/differential/case.h"

#include <algorithm>

#include "base/str_cat.h"
#include "devices/cpu/kernels/elementwise/convert.h"
#include "operators/registry.h"
#include "optimizer/infer_graph.h"

namespace mullion::differential {

namespace {

std::string Text(const AttributeValue& value) {
  const auto list = [](const auto& items) {
    std::string text = "[";
    for (size_t i = 0; i < items.size(); ++i) {
      text += i == 8 ? std::string(",...") : i > 8 ? std::string() : StrCat(i ? "," : "", items[i]);
    }
    return text + "]";
  };
  if (const auto* f = std::get_if<float>(&value)) return StrCat(*f);
  if (const auto* i = std::get_if<int64_t>(&value)) return StrCat(*i);
  if (const auto* s = std::get_if<std::string>(&value)) return *s;
  if (const auto* l = std::get_if<std::vector<int64_t>>(&value)) return list(*l);
  if (const auto* l = std::get_if<std::vector<float>>(&value)) return list(*l);
  if (const auto* l = std::get_if<std::vector<std::string>>(&value)) return list(*l);
  if (const auto* t = std::get_if<Tensor>(&value)) return mullion::Describe(t->view());
  return AttributeKindName(value);
}

Tensor Converted(const Tensor& from, ElementType to) {
  Tensor tensor = *Tensor::Allocate(to, from.shape());
  cpu::ConvertElements(from.type(), from.data(), to, tensor.mutable_data(),
                       static_cast<size_t>(from.count()));
  return tensor;
}

FeatureInfo Feature(std::string name, TypeInfo type) {
  FeatureInfo feature;
  feature.name = std::move(name);
  feature.type = std::move(type);
  return feature;
}

}  // namespace

Case::Case(const Subject& subject, uint64_t seed, Manner manner, ElementType type)
    : subject_(subject),
      random_(seed, manner, type),
      opset_(static_cast<int>(random_.Int(subject.first_opset, subject.last_opset))),
      symbolic_(!random_.realistic() && random_.Chance(0.4)) {
  model_.graph = std::make_unique<Graph>();
  model_.graph->name = "case";
  model_.producer_name = "mullion differential";
}

int Case::VersionOf(std::string_view domain) const {
  if (domain.empty()) return twin_ == nullptr ? opset_ : twin_opset_;
  return domain == kMl ? ml_opset_ : 1;
}

Value* Case::Input(Tensor tensor) {
  return !random_.realistic() && random_.Chance(0.25) ? Constant(std::move(tensor))
                                                      : Fed(std::move(tensor));
}

Value* Case::Weights(Tensor tensor) {
  return random_.realistic() ? Constant(std::move(tensor)) : Input(std::move(tensor));
}

Value* Case::Fed(Tensor tensor) {
  FeatureInfo feature =
      Feature(StrCat("x", model_.inputs.size()), TypeInfo::Tensor(tensor.type(), tensor.shape()));
  if (symbolic_) {
    feature.type.shape = Shape::Filled(tensor.shape().rank(), kUnknownDim);
    for (int i = 0; i < tensor.shape().rank(); ++i) {
      feature.dim_names.push_back(StrCat(feature.name, "_", i));
    }
    feature.dim_denotations.resize(feature.dim_names.size());
  }
  Value* const value = &model_.graph->AddInput(feature.name, feature.type);
  model_.inputs.push_back(std::move(feature));
  inputs_.push_back(std::move(tensor));
  return value;
}

Value* Case::Constant(Tensor tensor) {
  return &model_.graph->AddConstant(StrCat("c", model_.graph->values().size()), std::move(tensor));
}

Node& Case::Add(std::string_view name, std::string_view domain, std::vector<Value*> inputs,
                Attributes attributes, int outputs) {
  while (!inputs.empty() && inputs.back() == nullptr) inputs.pop_back();
  Graph& graph = *current().graph;
  Node& node = graph.AddNode(domain, name, VersionOf(domain), inputs, outputs,
                             StrCat("v", graph.values().size(), "_"));
  for (auto& [key, value] : attributes) node.SetAttribute(key, std::move(value));
  return node;
}

void Case::Return(Value* value) {
  Model& model = current();
  model.graph->AddOutput(*value);
  model.outputs.push_back(Feature(StrCat("y", model.outputs.size()), TypeInfo()));
}

void Case::Return(const Node& node) {
  for (Value* const output : node.outputs()) Return(output);
}

void Case::BeginTwin(int opset) {
  auto twin = std::make_unique<Model>();
  twin->graph = std::make_unique<Graph>();
  twin->graph->name = "twin";
  twin->inputs = model_.inputs;
  for (Value* const input : model_.graph->inputs()) {
    twins_[input] = &twin->graph->AddInput(input->name(), input->type);
  }
  for (const Value& value : model_.graph->values()) {
    if (!value.IsConstant()) continue;
    twins_[const_cast<Value*>(&value)] = &twin->graph->AddConstant(value.name(), value.constant);
  }
  twin_ = std::move(twin);
  twin_opset_ = opset;
}

Value* Case::TwinConstant(Tensor tensor) {
  return &twin_->graph->AddConstant(StrCat("t", twin_->graph->values().size()), std::move(tensor));
}

bool Case::Halve(ElementType type) {
  Graph& graph = *model_.graph;
  bool plain = !twinned() && functions.empty();
  for (const auto& node : graph.nodes()) plain = plain && node->Subgraphs().empty();
  if (!plain) return false;
  // First the constants and what is fed, rounded; then the twin, which has the former in float.
  bool any = false;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].type() != ElementType::kFloat) continue;
    inputs_[i] = Converted(inputs_[i], type);
    model_.inputs[i].type.element_type = graph.inputs()[i]->type.element_type = type;
    any = true;
  }
  twin_ = std::make_unique<Model>();
  twin_opset_ = opset_;
  twin_->graph = graph.Clone();
  twin_->inputs = model_.inputs;
  twin_->outputs = model_.outputs;
  const auto floats_of = [](Graph& of) {
    std::vector<Value*> constants;
    for (const Value& value : of.values()) {
      if (value.IsConstant() && value.constant.type() == ElementType::kFloat) {
        constants.push_back(const_cast<Value*>(&value));
      }
    }
    return constants;
  };
  for (Value* const value : floats_of(*twin_->graph)) {
    value->constant = Converted(Converted(value->constant, type), ElementType::kFloat);
  }
  for (Value* const value : floats_of(graph)) {
    value->constant = Converted(value->constant, type);
    value->type.element_type = type;
    any = true;
  }
  Graph& wide = *twin_->graph;
  const Node* const first = wide.nodes().front().get();
  const auto cast = [&](Value& x, ElementType to, const Node* before) -> Value& {
    Value* const inputs[] = {&x};
    Node& node = wide.AddNode("", "Cast", opset_, inputs, 1, "cast", before);
    node.SetAttribute("to", static_cast<int64_t>(to));
    return *node.output(0);
  };
  for (Value* const input : wide.inputs()) {
    if (input->type.element_type != type) continue;
    Value& floats = cast(*input, ElementType::kFloat, first);
    wide.ReplaceUses(*input, floats);
    floats.producer()->SetInput(0, input);
  }
  const std::unique_ptr<Graph> inferred = wide.Clone();
  if (!optimizer::InferGraph(*inferred, BuiltInOperators()).ok()) return any;
  for (size_t i = 0; i < wide.outputs().size(); ++i) {
    if (inferred->outputs()[i]->type.element_type != ElementType::kFloat) continue;
    wide.SetOutput(i, cast(*wide.outputs()[i], type, nullptr));
  }
  return any;
}

bool Case::Finish(std::string* problem) {
  for (Model* const model : {&model_, twin_.get()}) {
    if (model == nullptr) continue;
    // Every domain, so that subgraphs may use it.
    model->opsets = {{"", model == &model_ ? opset_ : twin_opset_}};
    if (!functions.empty()) {
      for (FeatureInfo& output : model->outputs)
        output.type = TypeInfo::Tensor(ElementType::kFloat);
      continue;
    }
    const std::unique_ptr<Graph> inferred = model->graph->Clone();
    const Status status = optimizer::InferGraph(*inferred, BuiltInOperators());
    if (!status.ok()) *problem = status.message();
    for (size_t i = 0; i < model->outputs.size(); ++i) {
      TypeInfo type = inferred->outputs()[i]->type;
      type.has_shape = false;
      type.shape = Shape();
      model->outputs[i].type = std::move(type);
    }
  }
  return problem->empty();
}

std::string Case::Describe() const {
  std::string text;
  for (const auto& node : model_.graph->nodes()) {
    if (!text.empty()) text += " > ";
    text += StrCat(node->domain().empty() ? "" : StrCat(node->domain(), "."), node->operator_name(),
                   "-", node->opset());
    for (const Attribute& attribute : node->attributes()) {
      text += StrCat(" ", attribute.name, "=", Text(attribute.value));
    }
    text += " (";
    for (int i = 0; i < node->input_count(); ++i) {
      const Value* const input = node->input(i);
      text += i == 0 ? "" : ",";
      if (input == nullptr) {
        text += "none";
      } else if (input->IsConstant()) {
        text += "=" + mullion::Describe(input->constant.view());
        if (input->constant.type() == ElementType::kInt64 && input->constant.count() <= 8) {
          const auto span = input->constant.span<int64_t>();
          text += Text(std::vector<int64_t>(span.begin(), span.end()));
        }
      } else if (input->producer() == nullptr) {
        const auto& all = model_.graph->inputs();
        const auto place = std::find(all.begin(), all.end(), input) - all.begin();
        const Tensor& tensor = inputs_[static_cast<size_t>(place)];
        text += mullion::Describe(tensor.view());
        if (tensor.type() == ElementType::kInt64 && tensor.count() <= 8) {
          const auto span = tensor.span<int64_t>();
          text += Text(std::vector<int64_t>(span.begin(), span.end()));
        }
      } else {
        text += "*";
      }
    }
    text += ")";
  }
  return text;
}

}  // namespace mullion::differential
