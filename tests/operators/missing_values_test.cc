// SPDX-License-Identifier: MIT
// Every form of every operator survives inputs and outputs that are left out, also those that it
// must have, and inputs of which nothing is known: a file may hold such nodes.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "graph/model.h"
#include "operators/registry.h"
#include "optimizer/infer_graph.h"

namespace mullion {
namespace {

// More are as these.
constexpr int kMost = 18;

struct GivenValues {
  TypeInfo type;
  int inputs, outputs;
  int no_input = -1, no_output = -1;
};

// Says nothing of the result: an error is as good as a type.
void Infer(const OperatorDefinition& form, const GivenValues& given) {
  Graph graph;
  std::vector<Value*> inputs;
  for (int i = 0; i < given.inputs; ++i) {
    inputs.push_back(i == given.no_input ? nullptr : &graph.AddInput("x", given.type));
  }
  Node& node = graph.AddNode(form.domain, form.name, form.since, inputs, given.outputs, "y");
  node.origin = {"n", std::string(form.name), std::string(form.domain), form.since, ""};
  if (given.no_output >= 0) node.SetOutput(given.no_output, nullptr);
  node.TrimOutputs();
  for (Value* const output : node.outputs()) {
    if (output != nullptr) graph.AddOutput(*output);
  }
  (void)optimizer::InferGraph(graph, BuiltInOperators());
}

TEST(MissingValues, AreNoHarm) {
  const std::vector<TypeInfo> types = {TypeInfo(), TypeInfo::Tensor(ElementType::kFloat),
                                       TypeInfo::Tensor(ElementType::kUint8, Shape{2, 3}),
                                       TypeInfo::Tensor(ElementType::kFloat, Shape{1, 2, 3, 4}),
                                       TypeInfo::Tensor(ElementType::kInt64, Shape{})};
  for (const OperatorDefinition* const form : BuiltInOperators().All()) {
    if (form->domain == operators::kInternalDomain) continue;
    SCOPED_TRACE(std::string(form->domain) + "::" + std::string(form->name));
    const int most = std::min(form->inputs.max, kMost),
              results = std::min(form->outputs.max, kMost);
    for (const TypeInfo& type : types) {
      for (int inputs = 0; inputs <= most; ++inputs) Infer(*form, {type, inputs, results});
      for (int outputs = 0; outputs <= results; ++outputs) Infer(*form, {type, most, outputs});
      for (int i = 0; i < most; ++i) Infer(*form, {type, most, results, i, -1});
      for (int i = 0; i < results; ++i) Infer(*form, {type, most, results, -1, i});
    }
  }
}

}  // namespace
}  // namespace mullion
