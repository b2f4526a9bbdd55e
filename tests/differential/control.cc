// SPDX-License-Identifier: MIT
// If, Loop and Scan with small bodies.
#include <array>

#include "tests/differential/subjects.h"
#include "tests/onnx/proto_builder.h"

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

// A function of the model's own, which calls two overloads of another. Attributes are of the call,
// of the calling function, or left to their defaults. The peer knows no overloads: its twin has
// none.
void LocalFunction(Case& c) {
  using proto::MakeFunction, proto::MakeNode, proto::Message, proto::Reference;
  Random& random = c.random();
  const auto number = [&] { return static_cast<float>(random.Real(0.1, 2)); };
  struct Inner {
    const char* overload;
    const char* body;
    float slope;  // its default
    bool given;   // by the outer function
  };
  const Inner inners[] = {{"leaky", "LeakyRelu", number(), random.Chance(0.5)},
                          {"elu", "Elu", number(), random.Chance(0.5)}};
  const float steep = number();
  proto::Messages functions, calls;
  for (const Inner& inner : inners) {
    proto::Messages attributes;
    if (inner.given) attributes.push_back(Reference("slope", "steep", onnx::AttributeKind::kFloat));
    calls.push_back(MakeNode("Inner", {"x"}, {inner.overload}, attributes, "fn")
                        .Bytes(onnx::field::node::kOverload, inner.overload));
    functions.push_back(
        MakeFunction("Inner", {"x"}, {"y"},
                     {MakeNode(inner.body, {"x"}, {"y"},
                               {Reference("alpha", "slope", onnx::AttributeKind::kFloat)})},
                     {proto::FloatAttribute("slope", inner.slope)})
            .Bytes(onnx::field::function::kOverload, inner.overload));
  }
  calls.push_back(MakeNode("Mul", {"leaky", "elu"}, {"y"}));
  functions.push_back(
      MakeFunction("Outer", {"x"}, {"y"}, calls, {proto::FloatAttribute("steep", steep)}));
  functions.back().Add(
      onnx::field::function::kOpsetImport,
      Message().Bytes(onnx::field::opset::kDomain, "fn").Int(onnx::field::opset::kVersion, 1));
  Message fields;
  for (const Message& function : functions) fields.Add(onnx::field::model::kFunctions, function);
  c.functions = fields.bytes;

  Value* const x = c.Input(random.Values(kFloat, random.AnyShape(0, 3)));
  const float called = number();
  const Node& first = c.Add("Outer", "fn", {x}, {{"steep", called}});
  c.Return(c.Add("Outer", "fn", {first.output(0)}));
  c.BeginTwin(13);
  Value* y = c.Twin(x);
  for (const float outer : {called, steep}) {
    const auto part = [&](const Inner& inner) {
      return c.Add(inner.body, "", {y}, {{"alpha", inner.given ? outer : inner.slope}}).output(0);
    };
    Value* const leaky = part(inners[0]);
    Value* const elu = part(inners[1]);
    y = c.Add("Mul", "", {leaky, elu}).output(0);
  }
  c.Return(y);
}

}  // namespace

std::vector<Subject> ControlSubjects() {
  return {{"If", If},
          {"Loop", Loop, "", 9},
          {"Scan", Scan, "", 9},
          {"LocalFunction", LocalFunction, "fn", 13, 13}};
}

}  // namespace mullion::differential
