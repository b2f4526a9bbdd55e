// SPDX-License-Identifier: MIT
// If, Loop and Scan with small bodies.
#include <array>

#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

std::shared_ptr<Graph> Body(const Node& node, const char* name) {
  auto body = std::make_shared<Graph>(&node.graph());
  body->name = name;
  return body;
}

Value* AddTo(Graph& graph, std::string_view name, int opset, std::vector<Value*> inputs,
             const std::string& output) {
  Node& node = graph.AddNode("", name, opset, inputs, 1, output);
  return node.output(0);
}

// Branches that read a value of the graph around them.
void If(Case& c) {
  Random& random = c.random();
  Value* const x = c.Input(random.Values(kFloat, random.AnyShape(1, 3)));
  Node& node = c.Add({c.Input(Tensor::Scalar(random.Chance(0.5)))});
  for (const char* const branch : {"then_branch", "else_branch"}) {
    const auto body = Body(node, branch);
    const std::string_view name = std::string_view(branch) == "then_branch" ? "Neg" : "Exp";
    body->AddOutput(*AddTo(*body, name, c.opset(), {x}, std::string(branch) + "_y"));
    node.SetAttribute(branch, body);
  }
  c.Return(node);
}

// sum += x * i; the sums are collected. Ends by count, or when the sum passes a bound.
void Loop(Case& c) {
  Random& random = c.random();
  Value* const x = c.Input(random.Values(kFloat, {random.Int(1, 4, 4000)}));
  Value* const start = c.Input(
      random.Values(kFloat, x->IsConstant() ? x->constant.shape() : c.inputs().back().shape()));
  const bool counted = random.Chance(0.8);
  Value* const trips = counted ? c.Input(Ints({random.Int(0, 5, 100)})) : nullptr;
  const bool conditional = !counted || random.Chance(0.5);
  Value* const go = conditional ? c.Input(Tensor::Scalar(true)) : nullptr;
  Node& node = c.Add("Loop", "", {trips, go, start}, {}, 2);
  const auto body = Body(node, "body");
  Value* const i = &body->AddInput("i", TypeInfo::Tensor(kInt64, {}));
  Value* const condition = &body->AddInput("go_on", TypeInfo::Tensor(kBool, {}));
  Value* const sum = &body->AddInput("sum", TypeInfo::Tensor(kFloat, Shape{kUnknownDim}));
  Node& cast = body->AddNode("", "Cast", c.opset(), std::array{i}, 1, "step");
  cast.SetAttribute("to", int64_t{1});
  Value* const product = AddTo(*body, "Mul", c.opset(), {x, cast.output(0)}, "product");
  Value* const next = AddTo(*body, "Add", c.opset(), {sum, product}, "next");
  Value* goes_on = condition;
  if (conditional) {
    Value* const bound =
        &body->AddConstant("bound", Tensor::Scalar<int64_t>(random.Int(0, 4, 100)));
    goes_on = AddTo(*body, "Less", c.opset(), {i, bound}, "less");
  } else {
    goes_on = AddTo(*body, "Identity", c.opset(), {condition}, "same");
  }
  body->AddOutput(*goes_on);
  body->AddOutput(*next);
  body->AddOutput(*AddTo(*body, "Identity", c.opset(), {next}, "collected"));
  node.SetAttribute("body", body);
  c.Return(node);
}

// A running sum of slices, from either end, along any axis.
void Scan(Case& c) {
  Random& random = c.random();
  const Shape shape = {random.Int(1, 4, 64), random.Int(1, 4, 64), random.Int(1, 3, 64)};
  const auto axis = random.Int(0, 2);
  Shape slice = shape;
  slice.Remove(static_cast<int>(axis));
  Attributes attributes = {{"num_scan_inputs", int64_t{1}}};
  if (axis != 0 || random.Chance(0.5)) {
    attributes.emplace_back("scan_input_axes", std::vector<int64_t>{axis});
  }
  if (random.Chance(0.5)) {
    attributes.emplace_back("scan_input_directions", std::vector<int64_t>{random.Int(0, 1)});
  }
  if (random.Chance(0.5)) {
    attributes.emplace_back("scan_output_directions", std::vector<int64_t>{random.Int(0, 1)});
  }
  if (random.Chance(0.5)) {
    attributes.emplace_back("scan_output_axes", std::vector<int64_t>{random.Int(0, 2)});
  }
  Value* const start = c.Input(random.Values(kFloat, slice));
  Node& node = c.Add({start, c.Input(random.Values(kFloat, shape))}, attributes, 2);
  const auto body = Body(node, "body");
  const TypeInfo type = TypeInfo::Tensor(kFloat, Shape::Filled(2, kUnknownDim));
  Value* const sum = &body->AddInput("sum", type);
  Value* const item = &body->AddInput("item", type);
  Value* const next = AddTo(*body, "Add", c.opset(), {sum, item}, "next");
  body->AddOutput(*next);
  body->AddOutput(*AddTo(*body, "Identity", c.opset(), {next}, "collected"));
  node.SetAttribute("body", body);
  c.Return(node);
}

}  // namespace

std::vector<Subject> ControlSubjects() {
  return {{"If", If}, {"Loop", Loop, "", 9}, {"Scan", Scan, "", 9}};
}

}  // namespace mullion::differential
