// SPDX-License-Identifier: MIT
// Forms of opset 1 to 6. The peer has no kernels for most of them: it runs a twin in newer words.
#include <algorithm>

#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

constexpr int kTwinOpset = 15;

std::string_view OperatorOf(const Case& c) {  // subjects here are named "Add:old"
  const std::string_view name = c.subject().name;
  return name.substr(0, name.find(':'));
}

// The case has `name` with old attributes; the twin the same operator with newer ones.
void Pair(Case& c, const std::vector<Value*>& inputs, const Attributes& old,
          const Attributes& newer, int outputs = 1) {
  c.Return(c.Add(OperatorOf(c), "", inputs, old, outputs));
  c.BeginTwin(kTwinOpset);
  std::vector<Value*> twins;
  for (Value* const input : inputs) twins.push_back(c.Twin(input));
  c.Return(c.Add(OperatorOf(c), "", twins, newer, outputs));
}

// One operand is the other's shape from `axis` on: `axis` and `broadcast` are attributes.
void Broadcast(Case& c) {
  Random& random = c.random();
  const std::string_view name = OperatorOf(c);
  const bool logical = name == "And" || name == "Or" || name == "Xor";
  const ElementType type = logical ? kBool : c.opset() >= 6 && random.Chance(0.3) ? kInt32 : kFloat;
  Shape shape = random.AnyShape(1, 4);
  const auto first = random.Int(0, shape.rank() - 1);
  const auto count = random.Int(1, shape.rank() - first);
  Shape other;
  for (int64_t i = first; i < first + count; ++i) other.Append(shape[static_cast<int>(i)]);
  const bool same = random.Chance(0.2);
  if (same) other = shape;
  Value* const a = c.Fed(random.Values(type, shape, 1, 5));
  Value* const b = c.Input(random.Values(type, other, 1, 3));
  Attributes attributes;
  if (!same) {
    attributes.emplace_back("broadcast", int64_t{1});
    if (first + count != shape.rank() || random.Chance(0.5)) attributes.emplace_back("axis", first);
  }
  c.Return(c.Add(name, "", {a, b}, attributes));
  c.BeginTwin(kTwinOpset);
  Value* twin = c.Twin(b);
  if (!same) {
    std::vector<int64_t> target(static_cast<size_t>(count), 0);
    for (int64_t i = 0; i < count; ++i) {
      target[static_cast<size_t>(i)] = other[static_cast<int>(i)];
    }
    for (int64_t i = first + count; i < shape.rank(); ++i) target.push_back(1);
    Node& reshape =
        c.Add("Reshape", "", {twin, c.TwinConstant(Ints(target))}, {{"allowzero", int64_t{1}}});
    twin = reshape.output(0);
  }
  c.Return(c.Add(name, "", {c.Twin(a), twin}));
}

// Operators that only lost the attribute consumed_inputs.
void Consumed(Case& c) {
  Random& random = c.random();
  const std::string_view name = OperatorOf(c);
  Attributes newer;
  if (name == "LeakyRelu" || name == "Elu" || name == "HardSigmoid")
    newer.emplace_back("alpha", 0.3f);
  if (name == "HardSigmoid") newer.emplace_back("beta", 0.4f);
  Attributes old = newer;
  if (c.opset() < 6 && random.Chance(0.5))
    old.emplace_back("consumed_inputs", std::vector<int64_t>{0});
  const bool roots = name == "Sqrt" || name == "Log";
  Pair(c, {c.Fed(random.Values(kFloat, random.AnyShape(1, 4), roots ? 0.1 : -4, 4))}, old, newer);
}

void Variadic(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(1, 4);
  std::vector<Value*> inputs;
  for (int64_t i = random.Int(1, 3); i > 0; --i)
    inputs.push_back(c.Input(random.Values(kFloat, shape)));
  Pair(c, inputs, {}, {});
}

void Clip(Case& c) {
  Random& random = c.random();
  Value* const x = c.Fed(random.Values(kFloat, random.AnyShape(1, 3)));
  c.Return(c.Add("Clip", "", {x}, {{"min", -1.0f}, {"max", 1.5f}}));
  c.BeginTwin(kTwinOpset);
  c.Return(c.Add(
      "Clip", "",
      {c.Twin(x), c.TwinConstant(Tensor::Scalar(-1.0f)), c.TwinConstant(Tensor::Scalar(1.5f))}));
}

void Reshape(Case& c) {
  Random& random = c.random();
  const Shape shape = {random.Int(1, 3), random.Int(1, 3), 4};
  Value* const x = c.Fed(random.Values(kFloat, shape));
  const std::vector<int64_t> target =
      random.Pick<std::vector<int64_t>>({{0, -1}, {-1}, {0, 0, 2, 2}, {-1, 2}});
  c.Return(c.Add("Reshape", "", {x}, {{"shape", target}}));
  c.BeginTwin(kTwinOpset);
  c.Return(c.Add("Reshape", "", {c.Twin(x), c.TwinConstant(Ints(target))}));
}

void Pad(Case& c) {
  Random& random = c.random();
  const int rank = static_cast<int>(random.Int(1, 4));
  Shape shape;
  std::vector<int64_t> pads(static_cast<size_t>(rank) * 2);
  for (int i = 0; i < rank; ++i) shape.Append(random.Int(3, 5));
  for (int64_t& pad : pads) pad = random.Int(0, 2);
  Value* const x = c.Fed(random.Values(kFloat, shape));
  const std::string mode = random.Pick({"constant", "reflect", "edge"});
  c.Return(c.Add("Pad", "", {x},
                 {{c.opset() < 2 ? "paddings" : "pads", pads}, {"mode", mode}, {"value", 1.5f}}));
  c.BeginTwin(kTwinOpset);
  c.Return(c.Add("Pad", "",
                 {c.Twin(x), c.TwinConstant(Ints(pads)), c.TwinConstant(Tensor::Scalar(1.5f))},
                 {{"mode", mode}}));
}

void Tile(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(1, 3);
  const auto axis = random.Int(0, shape.rank() - 1), times = random.Int(1, 3);
  Value* const x = c.Fed(random.Values(kFloat, shape));
  c.Return(
      c.Add("Tile", "", {x, c.Constant(Tensor::Scalar(times)), c.Constant(Tensor::Scalar(axis))}));
  c.BeginTwin(kTwinOpset);
  std::vector<int64_t> repeats(static_cast<size_t>(shape.rank()), 1);
  repeats[static_cast<size_t>(axis)] = times;
  c.Return(c.Add("Tile", "", {c.Twin(x), c.TwinConstant(Ints(repeats))}));
}

void TopK(Case& c) {
  Random& random = c.random();
  const Shape shape = {random.Int(1, 4), random.Int(2, 9)};
  const auto k = random.Int(1, 2);
  const auto axis = random.Chance(0.5) && shape[0] >= k ? int64_t{0} : int64_t{1};
  Value* const x = c.Fed(random.Values(kFloat, shape));
  c.Return(c.Add("TopK", "", {x}, {{"k", k}, {"axis", axis}}, 2));
  c.BeginTwin(kTwinOpset);
  c.Return(c.Add("TopK", "", {c.Twin(x), c.TwinConstant(Ints({k}))}, {{"axis", axis}}, 2));
}

void SplitConcat(Case& c) {
  Random& random = c.random();
  const Shape shape = {4, random.Int(2, 4)};
  Value* const x = c.Fed(random.Values(kFloat, shape));
  const bool input = c.opset() < 2 && random.Chance(0.4);
  const std::vector<int64_t> sizes = {1, 3};
  Value* const lengths = input ? c.Constant(Ints(sizes)) : nullptr;
  Attributes attributes = {{"axis", int64_t{0}}};
  if (!input) attributes.emplace_back("split", sizes);
  c.Return(c.Add("Split", "", {x, lengths}, attributes, 2));
  c.BeginTwin(kTwinOpset);
  c.Return(c.Add("Split", "", {c.Twin(x), c.TwinConstant(Ints(sizes))}, {{"axis", int64_t{0}}}, 2));
}

void DefaultConcat(Case& c) {  // Concat-1's axis is 1 unless given
  Random& random = c.random();
  Value* const a = c.Fed(random.Values(kFloat, {2, 3}));
  Value* const b = c.Fed(random.Values(kFloat, {2, 2}));
  c.Return(c.Add("Concat", "", {a, b}));
  c.BeginTwin(kTwinOpset);
  c.Return(c.Add("Concat", "", {c.Twin(a), c.Twin(b)}, {{"axis", int64_t{1}}}));
}

void Cast(Case& c) {  // the type is a string
  Random& random = c.random();
  Value* const x = c.Fed(random.Values(kFloat, random.AnyShape(1, 3), 0, 9));
  const bool whole = random.Chance(0.5);
  const Attributes old = {{"to", std::string(whole ? "INT32" : "DOUBLE")}};
  Pair(c, {x}, c.opset() < 6 ? old : Attributes{{"to", int64_t{whole ? 6 : 11}}},
       {{"to", int64_t{whole ? 6 : 11}}});
}

void Gemm(Case& c) {
  Random& random = c.random();
  Value* const a = c.Fed(random.Values(kFloat, {3, 4}));
  Value* const b = c.Fed(random.Values(kFloat, {4, 5}));
  const bool broadcast = random.Chance(0.6);
  Value* const bias = c.Input(
      random.Values(kFloat, broadcast ? random.Pick<Shape>({{5}, {1}, {1, 5}}) : Shape{3, 5}));
  Attributes newer = {{"alpha", 0.5f}, {"beta", 2.0f}};
  Attributes old = newer;
  if (broadcast) old.emplace_back("broadcast", int64_t{1});
  Pair(c, {a, b, bias}, old, newer);
}

void BatchNormalization(Case& c) {
  Random& random = c.random();
  const Shape shape = {2, random.Int(1, 4), 3, 3};
  std::vector<Value*> inputs = {c.Fed(random.Values(kFloat, shape))};
  for (int i = 0; i < 4; ++i) {
    inputs.push_back(c.Constant(random.Values(kFloat, {shape[1]}, i == 3 ? 0.1 : -2, 2)));
  }
  Attributes old = {{"is_test", int64_t{1}}, {"epsilon", 1e-3f}};
  if (c.opset() < 6) old.emplace_back("consumed_inputs", std::vector<int64_t>{0, 0, 0, 1, 1});
  c.tolerance = {1e-3, 1e-4, 1e-5};
  Pair(c, inputs, old, {{"epsilon", 1e-3f}});
}

void Dropout(Case& c) {
  Random& random = c.random();
  Pair(c, {c.Fed(random.Values(kFloat, random.AnyShape(1, 3)))},
       {{"is_test", int64_t{1}}, {"ratio", 0.4f}}, {});
}

void InstanceNormalization(Case& c) {
  Random& random = c.random();
  const int64_t channels = random.Int(1, 4);
  c.tolerance = {1e-3, 1e-4, 1e-4};
  Pair(c,
       {c.Fed(random.Values(kFloat, {2, channels, 3, 4})),
        c.Constant(random.Values(kFloat, {channels})),
        c.Constant(random.Values(kFloat, {channels}))},
       {{"epsilon", 1e-2f}}, {{"epsilon", 1e-2f}});
}

void PRelu(Case& c) {  // one slope for each channel, or one for all
  Random& random = c.random();
  const Shape shape = {2, random.Int(2, 4), random.Int(1, 3), 3};
  const bool one = random.Chance(0.3);
  Value* const x = c.Fed(random.Values(kFloat, shape));
  Value* const slope = c.Constant(random.Values(kFloat, {one ? 1 : shape[1]}));
  c.Return(c.Add("PRelu", "", {x, slope}));
  c.BeginTwin(kTwinOpset);
  Node& reshape =
      c.Add("Reshape", "", {c.Twin(slope), c.TwinConstant(Ints({one ? 1 : shape[1], 1, 1}))});
  c.Return(c.Add("PRelu", "", {c.Twin(x), reshape.output(0)}));
}

void Upsample(Case& c) {  // Upsample-1: height_scale and width_scale
  Random& random = c.random();
  Value* const x = c.Fed(random.Values(kFloat, {1, 2, random.Int(1, 4), random.Int(1, 4)}));
  const std::string mode = random.Pick({"nearest", "bilinear"});
  const auto h = static_cast<float>(random.Int(1, 3)), w = static_cast<float>(random.Int(1, 3));
  c.Return(c.Add("Upsample", "", {x}, {{"mode", mode}, {"height_scale", h}, {"width_scale", w}}));
  c.BeginTwin(kTwinOpset);
  const std::vector<float> scales = {1, 1, h, w};
  c.Return(c.Add("Resize", "", {c.Twin(x), nullptr, c.TwinConstant(Tensor::Vector<float>(scales))},
                 {{"mode", std::string(mode == "nearest" ? "nearest" : "linear")},
                  {"nearest_mode", std::string("floor")},
                  {"coordinate_transformation_mode", std::string("asymmetric")}}));
}

void Softmax(Case& c) {  // rows are everything from the axis on
  Random& random = c.random();
  const Shape shape = random.AnyShape(2, 4);
  const auto axis = random.Int(0, shape.rank() - 1);
  Value* const x = c.Fed(random.Values(kFloat, shape));
  Attributes attributes;
  if (axis != 1 || random.Chance(0.5)) attributes.emplace_back("axis", axis);
  c.Return(c.Add(OperatorOf(c), "", {x}, attributes));
  c.BeginTwin(kTwinOpset);
  Node& flat = c.Add("Flatten", "", {c.Twin(x)}, {{"axis", axis}});
  Node& soft = c.Add(OperatorOf(c), "", {flat.output(0)}, {{"axis", int64_t{1}}});
  Node& size = c.Add("Shape", "", {c.Twin(x)});
  c.Return(c.Add("Reshape", "", {soft.output(0), size.output(0)}, {{"allowzero", int64_t{1}}}));
}

void Recurrent(Case& c) {
  Random& random = c.random();
  const std::string_view name = OperatorOf(c);
  const int64_t gates = name == "LSTM" ? 4 : name == "GRU" ? 3 : 1, hidden = 5;
  const int64_t time = random.Int(1, 4), batch = random.Int(1, 3);
  const bool both = random.Chance(0.4);
  const int64_t directions = both ? 2 : 1;
  Attributes newer = {{"hidden_size", hidden}};
  if (both) newer.emplace_back("direction", std::string("bidirectional"));
  Attributes old = newer;
  if (random.Chance(0.7)) old.emplace_back("output_sequence", int64_t{1});
  c.tolerance = {1e-3, 1e-5, 1e-5};
  Pair(c,
       {c.Fed(random.Values(kFloat, {time, batch, 3}, -1, 1)),
        c.Constant(random.Values(kFloat, {directions, gates * hidden, 3}, -1, 1)),
        c.Constant(random.Values(kFloat, {directions, gates * hidden, hidden}, -1, 1)),
        random.Chance(0.5)
            ? c.Constant(random.Values(kFloat, {directions, 2 * gates * hidden}, -1, 1))
            : nullptr},
       old, newer, 2);
}

}  // namespace

std::vector<Subject> OldFormSubjects() {
  std::vector<Subject> subjects;
  for (const char* const name : {"Add:old", "Sub:old", "Mul:old", "Div:old", "And:old", "Or:old",
                                 "Xor:old", "Pow:old", "Equal:old", "Greater:old", "Less:old"}) {
    subjects.push_back({name, Broadcast, "", 1, 6});
  }
  for (const char* const name :
       {"Abs:old", "Ceil:old", "Exp:old", "Floor:old", "LeakyRelu:old", "Log:old", "Neg:old",
        "Reciprocal:old", "Relu:old", "Selu:old", "Sigmoid:old", "Sqrt:old", "Tanh:old", "Elu:old",
        "HardSigmoid:old"}) {
    subjects.push_back({name, Consumed, "", 1, 5});
  }
  for (const char* const name : {"Max:old", "Min:old", "Sum:old", "Mean:old"}) {
    subjects.push_back({name, Variadic, "", 1, 7});
  }
  subjects.insert(subjects.end(), {{"Clip:old", Clip, "", 1, 10},
                                   {"Reshape:old", Reshape, "", 1, 4},
                                   {"Pad:old", Pad, "", 1, 10},
                                   {"Tile:old", Tile, "", 1, 5},
                                   {"TopK:old", TopK, "", 1, 9},
                                   {"Split:old", SplitConcat, "", 1, 12},
                                   {"Concat:old", DefaultConcat, "", 1, 3},
                                   {"Cast:old", Cast, "", 1, 8},
                                   {"Gemm:old", Gemm, "", 1, 6},
                                   {"BatchNormalization:old", BatchNormalization, "", 1, 6},
                                   {"Dropout:old", Dropout, "", 1, 6},
                                   {"InstanceNormalization:old", InstanceNormalization, "", 1, 5},
                                   {"PRelu:old", PRelu, "", 1, 6},
                                   {"Upsample:old", Upsample, "", 1, 6},
                                   {"Softmax:old", Softmax, "", 1, 10},
                                   {"LogSoftmax:old", Softmax, "", 1, 10},
                                   {"RNN:old", Recurrent, "", 1, 6},
                                   {"GRU:old", Recurrent, "", 3, 6},
                                   {"LSTM:old", Recurrent, "", 1, 6}});
  return subjects;
}

}  // namespace mullion::differential
