// SPDX-License-Identifier: MIT
// Operators that the peer lacks, which it runs spelled out as others by the formulas of their
// definitions.
#include "tests/differential/spelled_out.h"

#include <cmath>

#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

constexpr std::string_view kTraining = "ai.onnx.preview.training";
constexpr std::string_view kPreview = "ai.onnx.preview";

Tensor Small(Random& random, const Shape& shape, ElementType type = kFloat) {
  return random.Values(type, shape, -1, 1);
}

void SwiGlu(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(0, 4);
  Value* const a = c.Input(random.Values(kFloat, shape));
  Value* const b = c.Input(random.Values(kFloat, shape));
  const bool has_alpha = random.Chance(0.6);
  const auto alpha = has_alpha ? static_cast<float>(random.Real(-1, 2)) : 1.0f;
  c.Only({a, b}, has_alpha ? Attributes{{"alpha", alpha}} : Attributes{});
  c.BeginTwin(17);
  const Words w{c};
  Value* const gate = c.Twin(a);
  Value* const swish = w("Mul", {gate, w("Sigmoid", {w("Mul", {gate, w.Number(alpha)})})});
  c.Return(w("Mul", {swish, c.Twin(b)}));
}

// One or two tensors with their gradients and states, in one type.
struct Step {
  ElementType type;
  Value* rate;
  Value* count;
  std::vector<std::vector<Value*>> lists;  // X, G, and states; a tensor each
  std::vector<Value*> inputs;
};

Step MakeStep(Case& c, int states) {
  Random& random = c.random();
  Step step;
  step.type = random.Pick({kFloat, kFloat, kDouble});
  step.rate = c.Input(random.Values(step.type, {}, 0.01, 0.2));
  step.count = c.Input(Tensor::Scalar<int64_t>(random.Int(0, 3)));
  step.inputs = {step.rate, step.count};
  std::vector<Shape> shapes;
  for (int64_t i = random.Int(1, 2); i > 0; --i) shapes.push_back(random.AnyShape(0, 3));
  for (int list = 0; list < 2 + states; ++list) {
    step.lists.emplace_back();
    for (const Shape& shape : shapes) {
      // The last state sums up squares.
      const double low = list >= 2 && list == 1 + states ? 0 : -1;
      step.lists.back().push_back(c.Input(random.Values(step.type, shape, low, 1)));
      step.inputs.push_back(step.lists.back().back());
    }
  }
  return step;
}

// The outputs X and states of all tensors, list by list.
void ReturnLists(Case& c, const std::vector<std::vector<Value*>>& by_tensor) {
  for (size_t list = 0; list < by_tensor[0].size(); ++list) {
    for (const auto& values : by_tensor) c.Return(values[list]);
  }
}

float Maybe(Random& random, Attributes& attributes, const char* name, float standard, double low,
            double high) {
  if (random.Chance(0.4)) return standard;
  const auto value = static_cast<float>(random.Real(low, high));
  attributes.emplace_back(name, value);
  return value;
}

void Adagrad(Case& c) {
  Random& random = c.random();
  const Step step = MakeStep(c, 1);
  Attributes attributes;
  const float norm = Maybe(random, attributes, "norm_coefficient", 0, 0, 0.3);
  const float decay = Maybe(random, attributes, "decay_factor", 0, 0, 0.3);
  const float epsilon = Maybe(random, attributes, "epsilon", 1e-6f, 0.001, 0.1);
  c.Only(step.inputs, attributes, static_cast<int>(2 * step.lists[0].size()));
  c.BeginTwin(17);
  const Words w{c, step.type};
  Value* const count = w.Cast(c.Twin(step.count));
  Value* const rate =
      w("Div", {c.Twin(step.rate), w("Add", {w.Number(1), w("Mul", {count, w.Number(decay)})})});
  std::vector<std::vector<Value*>> results;
  for (size_t i = 0; i < step.lists[0].size(); ++i) {
    Value* const x = c.Twin(step.lists[0][i]);
    Value* const g = w("Add", {w("Mul", {x, w.Number(norm)}), c.Twin(step.lists[1][i])});
    Value* const h = w("Add", {c.Twin(step.lists[2][i]), w("Mul", {g, g})});
    Value* const adaptive = w("Add", {w("Sqrt", {h}), w.Number(epsilon)});
    results.push_back({w("Sub", {x, w("Div", {w("Mul", {rate, g}), adaptive})}), h});
  }
  ReturnLists(c, results);
}

void Adam(Case& c) {
  Random& random = c.random();
  const Step step = MakeStep(c, 2);
  Attributes attributes;
  const float norm = Maybe(random, attributes, "norm_coefficient", 0, 0, 0.3);
  const float after = Maybe(random, attributes, "norm_coefficient_post", 0, 0, 0.3);
  const float alpha = Maybe(random, attributes, "alpha", 0.9f, 0.5, 0.95);
  const float beta = Maybe(random, attributes, "beta", 0.999f, 0.5, 0.95);
  const float epsilon = Maybe(random, attributes, "epsilon", 1e-6f, 0.001, 0.1);
  c.tolerance = {1e-3, 1e-5, 1e-5};
  c.Only(step.inputs, attributes, static_cast<int>(3 * step.lists[0].size()));
  c.BeginTwin(17);
  const Words w{c, step.type};
  Value* const one = w.Number(1);
  Value* const count = w.Cast(c.Twin(step.count));
  const auto power = [&](float base) { return w("Sub", {one, w("Pow", {w.Number(base), count})}); };
  Value* const scaled =
      w("Div", {w("Mul", {c.Twin(step.rate), w("Sqrt", {power(beta)})}), power(alpha)});
  Value* const rate = w("Where", {w("Greater", {count, w.Number(0)}), scaled, c.Twin(step.rate)});
  std::vector<std::vector<Value*>> results;
  for (size_t i = 0; i < step.lists[0].size(); ++i) {
    Value* const x = c.Twin(step.lists[0][i]);
    Value* const g = w("Add", {w("Mul", {x, w.Number(norm)}), c.Twin(step.lists[1][i])});
    Value* const v = w("Add", {w("Mul", {w.Number(alpha), c.Twin(step.lists[2][i])}),
                               w("Mul", {w("Sub", {one, w.Number(alpha)}), g})});
    Value* const h = w("Add", {w("Mul", {w.Number(beta), c.Twin(step.lists[3][i])}),
                               w("Mul", {w("Sub", {one, w.Number(beta)}), w("Mul", {g, g})})});
    Value* const root = w("Add", {w("Sqrt", {h}), w.Number(epsilon)});
    Value* const moved = w("Sub", {x, w("Div", {w("Mul", {rate, v}), root})});
    results.push_back({w("Mul", {w("Sub", {one, w.Number(after)}), moved}), v, h});
  }
  ReturnLists(c, results);
}

void Momentum(Case& c) {
  Random& random = c.random();
  const Step step = MakeStep(c, 1);
  const bool nesterov = random.Chance(0.5);
  const auto number = [&] { return static_cast<float>(random.Real(0, 1)); };
  const float norm = number(), alpha = number(), beta = number();
  c.Only(step.inputs,
         {{"mode", std::string(nesterov ? "nesterov" : "standard")},
          {"norm_coefficient", norm},
          {"alpha", alpha},
          {"beta", beta}},
         static_cast<int>(2 * step.lists[0].size()));
  c.BeginTwin(17);
  const Words w{c, step.type};
  Value* const count = w.Cast(c.Twin(step.count));
  Value* const adjusted =
      w("Where", {w("Greater", {count, w.Number(0)}), w.Number(beta), w.Number(1)});
  std::vector<std::vector<Value*>> results;
  for (size_t i = 0; i < step.lists[0].size(); ++i) {
    Value* const x = c.Twin(step.lists[0][i]);
    Value* const g = w("Add", {w("Mul", {x, w.Number(norm)}), c.Twin(step.lists[1][i])});
    Value* const v =
        w("Add", {w("Mul", {w.Number(alpha), c.Twin(step.lists[2][i])}), w("Mul", {adjusted, g})});
    Value* const way = nesterov ? w("Add", {g, w("Mul", {w.Number(alpha), v})}) : v;
    results.push_back({w("Sub", {x, w("Mul", {c.Twin(step.rate), way})}), v});
  }
  ReturnLists(c, results);
}

void CausalConvolution(Case& c) {
  Random& random = c.random();
  const int64_t batch = random.Int(1, 3), channels = random.PickSize({1, 3, 8, 17}, 256);
  const int64_t length = random.Int(1, 9, 128), kernel = random.Int(1, 5, 4);
  Value* const x = c.Input(Small(random, {batch, channels, length}));
  Value* const weights = c.Weights(Small(random, {channels, 1, kernel}));
  Value* const bias = random.Chance(0.6) ? c.Weights(Small(random, {channels})) : nullptr;
  const Shape state = {batch, channels, kernel - 1};
  Value* const past = random.Chance(0.6) ? c.Fed(Small(random, state)) : nullptr;
  Attributes attributes;
  const std::string activation = random.Pick({"silu", "none", "swish", ""});
  if (!activation.empty()) attributes.emplace_back("activation", activation);
  c.tolerance = {1e-3, 1e-5, 1e-5};
  c.Only({x, weights, bias, past}, attributes, 2);
  c.BeginTwin(17);
  const Words w{c};
  Value* const before =
      past != nullptr ? c.Twin(past) : c.TwinConstant(random.Values(kFloat, state, 0, 0));
  Value* const padded = w("Concat", {before, c.Twin(x)}, {{"axis", int64_t{2}}});
  Value* y = w("Conv", {padded, c.Twin(weights), c.Twin(bias)}, {{"group", channels}});
  if (activation == "silu" || activation == "swish") y = w("Mul", {y, w("Sigmoid", {y})});
  c.Return(y);
  c.Return(w("Slice", {padded, w.Ints({length}), w.Ints({length + kernel - 1}), w.Ints({2})}));
}

// Scores and their probabilities pass through bodies of one node each.
void FlexAttention(Case& c) {
  Random& random = c.random();
  const int64_t batch = random.Int(1, 2), heads = random.Int(1, 3), group = random.Int(1, 2);
  const int64_t queries = random.Int(1, 5, 64), keys = random.Int(1, 6, 64);
  const int64_t size = random.PickSize({2, 4, 9}, 64), value_size = random.PickSize({1, 4, 6}, 64);
  const ElementType type = random.Pick({kFloat, kFloat, kDouble});
  Value* const q = c.Fed(Small(random, {batch, heads * group, queries, size}, type));
  Value* const k = c.Fed(Small(random, {batch, heads, keys, size}, type));
  Value* const v = c.Fed(Small(random, {batch, heads, keys, value_size}, type));
  Attributes attributes;
  double scale = static_cast<double>(Maybe(random, attributes, "scale", 0, 0.1, 1));
  if (attributes.empty()) scale = 1 / std::sqrt(static_cast<double>(size));
  Node& node = c.Add({q, k, v}, attributes);
  const auto body = [&](const char* name, std::string_view function) {
    auto graph = std::make_shared<Graph>(&node.graph());
    graph->name = name;
    Value* const x = &graph->AddInput(std::string(name) + "_x",
                                      TypeInfo::Tensor(type, Shape::Filled(4, kUnknownDim)));
    Node& made = graph->AddNode("", function, c.opset(), std::vector<Value*>{x}, 1, name);
    graph->AddOutput(*made.output(0));
    node.SetAttribute(name, graph);
  };
  const bool bends = random.Chance(0.6), sharpens = random.Chance(0.5);
  if (bends) body("score_mod", "Tanh");
  if (sharpens) body("prob_mod", "Sqrt");
  c.Return(node);
  c.tolerance = {1e-3, 1e-5, 1e-5};
  c.BeginTwin(17);
  const Words w{c, type};
  Value* const grouped = w("Reshape", {c.Twin(q), w.Ints({batch, heads, group * queries, size})});
  Value* const turned = w("Transpose", {c.Twin(k)}, {{"perm", std::vector<int64_t>{0, 1, 3, 2}}});
  Value* scores = w("Mul", {w("MatMul", {grouped, turned}), w.Number(scale)});
  if (bends) scores = w("Tanh", {scores});
  Value* chances = w("Softmax", {scores}, {{"axis", int64_t{-1}}});
  if (sharpens) chances = w("Sqrt", {chances});
  c.Return(w("Reshape", {w("MatMul", {chances, c.Twin(v)}),
                         w.Ints({batch, heads * group, queries, value_size})}));
}

// Token by token.
void LinearAttention(Case& c) {
  Random& random = c.random();
  const std::string rule = random.Pick({"gated_delta", "linear", "gated", "delta"});
  const bool gated = rule.rfind("gated", 0) == 0, delta = rule.find("delta") != std::string::npos;
  const int64_t batch = random.Int(1, 2), heads = random.Int(1, 3), group = random.Int(1, 2);
  const int64_t tokens = random.Int(1, 5), size = random.PickSize({2, 4, 17}, 64);
  const int64_t value_size = random.PickSize({1, 3, 16}, 64);
  const auto flat = [&](int64_t width) { return c.Fed(Small(random, {batch, tokens, width})); };
  Value* const q = flat(heads * group * size);
  Value* const k = flat(heads * size);
  Value* const v = flat(heads * value_size);
  const Shape state = {batch, heads, size, value_size};
  Value* const past = random.Chance(0.6) ? c.Fed(Small(random, state)) : nullptr;
  const bool each = random.Chance(0.5), shared = random.Chance(0.4);
  Value* const decay = gated ? flat(each ? heads * size : heads) : nullptr;
  Value* const beta = delta ? flat(shared ? 1 : heads) : nullptr;
  Attributes attributes = {{"q_num_heads", heads * group}, {"kv_num_heads", heads}};
  if (rule != "gated_delta" || random.Chance(0.5)) attributes.emplace_back("update_rule", rule);
  const float scale =
      Maybe(random, attributes, "scale", 1 / std::sqrt(static_cast<float>(size)), 0.1, 1);
  c.tolerance = {1e-3, 1e-5, 1e-5};
  c.Only({q, k, v, past, decay, beta}, attributes, 2);
  c.BeginTwin(17);
  const Words w{c};
  // What token t has of an input, with the given shape.
  const auto at = [&](Value* value, int64_t t, std::vector<int64_t> shape) {
    Value* const index = c.TwinConstant(Tensor::Scalar(t));
    return w("Reshape", {w("Gather", {c.Twin(value), index}, {{"axis", int64_t{1}}}),
                         c.TwinConstant(Ints(shape))});
  };
  Value* s = past != nullptr ? c.Twin(past) : c.TwinConstant(random.Values(kFloat, state, 0, 0));
  std::vector<Value*> outputs;
  for (int64_t t = 0; t < tokens; ++t) {
    Value* const key = at(k, t, {batch, heads, size, 1});
    Value* value = at(v, t, {batch, heads, 1, value_size});
    if (gated) s = w("Mul", {s, w("Exp", {at(decay, t, {batch, heads, each ? size : 1, 1})})});
    if (delta) {
      Value* const known = w("ReduceSum", {w("Mul", {s, key}), w.Ints({2})});
      value = w("Mul", {w("Sub", {value, known}), at(beta, t, {batch, shared ? 1 : heads, 1, 1})});
    }
    s = w("Add", {s, w("Mul", {key, value})});
    Value* const query = at(q, t, {batch, heads, group, size});
    Value* const out = w("Mul", {w("MatMul", {query, s}), w.Number(scale)});
    outputs.push_back(w("Reshape", {out, w.Ints({batch, 1, heads * group * value_size})}));
  }
  c.Return(w("Concat", outputs, {{"axis", int64_t{1}}}));
  c.Return(s);
}

// com.microsoft's that the peer has for other processors only.

void BiasAdd(Case& c) {
  Random& random = c.random();
  const int64_t channels = random.PickSize({1, 3, 8, 17}, 320);
  const Shape shape = {random.Int(1, 3), random.Int(1, 5, 256), channels};
  Value* const x = c.Fed(Small(random, shape));
  Value* const bias = c.Weights(Small(random, {channels}));
  Value* const skip = c.Fed(Small(random, shape));
  c.Only({x, bias, skip});
  c.BeginTwin(17);
  const Words w{c};
  c.Return(w("Add", {w("Add", {c.Twin(x), c.Twin(bias)}), c.Twin(skip)}));
}

void GemmFastGelu(Case& c) {
  Random& random = c.random();
  const int64_t k = random.Int(1, 20, 256), n = random.Int(1, 20, 256);
  Value* const x = c.Fed(random.Values(kFloat, {random.Int(1, 2), random.Int(1, 6, 128), k}));
  Value* const weights = c.Weights(Small(random, {k, n}));
  Value* const bias = random.Chance(0.6) ? c.Weights(Small(random, {n})) : nullptr;
  c.tolerance = {1e-4, 1e-5, 1e-6};
  c.Only({x, weights, bias});
  c.BeginTwin(20);
  const Words w{c};
  Value* y = w("MatMul", {c.Twin(x), c.Twin(weights)});
  if (bias != nullptr) y = w("Add", {y, c.Twin(bias)});
  c.Return(w("Gelu", {y}, {{"approximate", std::string("tanh")}}));
}

void FusedMatMulActivation(Case& c) {
  Random& random = c.random();
  const int64_t m = random.Int(1, 6, 128), k = random.Int(1, 20, 256), n = random.Int(1, 20, 256);
  const bool trans_a = random.Chance(0.4), trans_b = random.Chance(0.4);
  const auto shape = [](int64_t rows, int64_t columns, bool transposed) {
    return transposed ? Shape{2, columns, rows} : Shape{2, rows, columns};
  };
  Value* const a = c.Fed(Small(random, shape(m, k, trans_a)));
  Value* const b = c.Weights(Small(random, shape(k, n, trans_b)));
  const std::string activation = random.Pick({"Relu", "LeakyRelu", "Tanh", "HardSigmoid"});
  const bool slopes = activation == "LeakyRelu" || activation == "HardSigmoid";
  Attributes attributes = {{"activation", activation}};
  if (trans_a) attributes.emplace_back("transA", int64_t{1});
  if (trans_b) attributes.emplace_back("transB", int64_t{1});
  const float alpha = Maybe(random, attributes, "alpha", 1, -2, 2);
  if (slopes) attributes.emplace_back("activation_alpha", 0.3f);
  if (activation == "HardSigmoid") attributes.emplace_back("activation_beta", 0.6f);
  c.tolerance = {1e-4, 1e-5, 1e-6};
  c.Only({a, b}, attributes);
  c.BeginTwin(17);
  const Words w{c};
  const auto turned = [&](Value* x, bool transposed) {
    const Attributes order = {{"perm", std::vector<int64_t>{0, 2, 1}}};
    return transposed ? w("Transpose", {c.Twin(x)}, order) : c.Twin(x);
  };
  Value* const product = w("MatMul", {turned(a, trans_a), turned(b, trans_b)});
  Attributes slope;
  if (slopes) slope.emplace_back("alpha", 0.3f);
  if (activation == "HardSigmoid") slope.emplace_back("beta", 0.6f);
  c.Return(w(activation, {w("Mul", {product, w.Number(alpha)})}, slope));
}

void MicrosoftGridSample(Case& c) {
  Random& random = c.random();
  const int64_t batch = random.Int(1, 2);
  Value* const x = c.Fed(random.Values(
      kFloat, {batch, random.Int(1, 3, 32), random.Int(2, 6, 60), random.Int(2, 6, 60)}));
  Value* const grid = c.Fed(
      random.Values(kFloat, {batch, random.Int(1, 5, 60), random.Int(1, 5, 60), 2}, -1.4, 1.4));
  const Attributes attributes = {
      {"mode", std::string(random.Pick({"bilinear", "nearest", "bicubic"}))},
      {"padding_mode", std::string(random.Pick({"zeros", "border", "reflection"}))},
      {"align_corners", random.Int(0, 1)}};
  c.tolerance = {1e-3, 1e-4, 1e-4};
  c.Only({x, grid}, attributes);
  c.BeginTwin(16);
  c.Return(Words{c}("GridSample", {c.Twin(x), c.Twin(grid)}, attributes));
}

}  // namespace

std::vector<Subject> SpelledOutSubjects() {
  return {{"SwiGLU", SwiGlu, "", 28, 28},
          {"CausalConvWithState", CausalConvolution, "", 27, 27},
          {"LinearAttention", LinearAttention, "", 27, 27},
          {"FlexAttention", FlexAttention, kPreview, 17},
          {"Adagrad", Adagrad, kTraining, 17},
          {"Adam", Adam, kTraining, 17},
          {"Momentum", Momentum, kTraining, 17},
          {"BiasAdd", BiasAdd, kMicrosoft, 17},
          {"GemmFastGelu", GemmFastGelu, kMicrosoft, 17},
          {"FusedMatMulActivation", FusedMatMulActivation, kMicrosoft, 17},
          {"GridSample", MicrosoftGridSample, kMicrosoft, 17}};
}

}  // namespace mullion::differential
