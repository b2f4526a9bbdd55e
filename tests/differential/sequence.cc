// SPDX-License-Identifier: MIT
// Sequences and optionals, made and taken apart within the model.
#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

ElementType AnyType(Case& c) { return c.random().Pick({kFloat, kFloat, kInt64, kInt32, kDouble}); }

Value* Number(Case& c, int64_t value) {
  return c.random().Chance(0.5) ? c.Input(Tensor::Scalar<int64_t>(value))
                                : c.Input(Tensor::Scalar<int32_t>(static_cast<int32_t>(value)));
}

// A sequence of `count` tensors of one type that differ in size along `axis`.
Value* Sequence(Case& c, int count, ElementType type, int axis = 0, bool same_size = false) {
  std::vector<Value*> items;
  Shape shape = c.random().realistic() ? Shape{256, 384} : Shape{2, 3};
  for (int i = 0; i < count; ++i) {
    if (!same_size) shape[axis] = c.random().Int(1, 4, 256);
    items.push_back(c.Fed(c.random().Values(type, shape)));
  }
  if (items.empty()) {
    return c.Add("SequenceEmpty", "", {}, {{"dtype", static_cast<int64_t>(type)}}).output(0);
  }
  return c.Add("SequenceConstruct", "", items).output(0);
}

void Length(Case& c) { c.Only({Sequence(c, static_cast<int>(c.random().Int(0, 4)), AnyType(c))}); }

void At(Case& c) {
  const auto count = static_cast<int>(c.random().Int(1, 4));
  Value* const sequence = Sequence(c, count, AnyType(c));
  c.Only({sequence, Number(c, c.random().Int(-count, count - 1))});
}

void Erase(Case& c) {
  const auto count = static_cast<int>(c.random().Int(2, 4));
  Value* const sequence = Sequence(c, count, AnyType(c));
  Value* const where =
      c.random().Chance(0.7) ? Number(c, c.random().Int(-count, count - 1)) : nullptr;
  Value* const left = c.Add("SequenceErase", "", {sequence, where}).output(0);
  c.Return(c.Add("SequenceAt", "", {left, c.Constant(Tensor::Scalar<int64_t>(count - 2))}));
}

void Insert(Case& c) {
  const auto count = static_cast<int>(c.random().Int(0, 4));
  const ElementType type = AnyType(c);
  Value* const sequence = Sequence(c, count, type);
  Value* const item = c.Fed(c.random().Values(type, {1, 5}));
  Value* const where = c.random().Chance(0.7) ? Number(c, c.random().Int(-count, count)) : nullptr;
  Value* const longer = c.Add("SequenceInsert", "", {sequence, item, where}).output(0);
  c.Return(c.Add("SequenceAt", "", {longer, c.Constant(Tensor::Scalar<int64_t>(count))}));
  c.Return(c.Add("SequenceLength", "", {longer}));
}

void ConcatFrom(Case& c) {
  Random& random = c.random();
  const auto count = static_cast<int>(random.Int(1, 4));
  const auto axis = random.Int(0, 1);
  Attributes attributes = {{"axis", random.Chance(0.3) ? axis - 2 : axis}};
  const bool stack = random.Chance(0.4);
  if (stack) attributes.emplace_back("new_axis", int64_t{1});
  if (stack && random.Chance(0.5)) attributes[0].second = int64_t{-1};
  c.Only({Sequence(c, count, AnyType(c), static_cast<int>(axis), stack)}, attributes);
}

void SplitTo(Case& c) {
  Random& random = c.random();
  const Shape shape = {6, random.Int(1, 4, 65536)};
  const bool by_size = random.Chance(0.4);
  Value* split = nullptr;
  if (by_size) split = Number(c, random.Int(1, 4));
  if (!by_size && random.Chance(0.6)) split = c.Input(Ints({2, 1, 3}));
  Attributes attributes;
  if (random.Chance(0.5)) attributes.emplace_back("axis", int64_t{random.Chance(0.5) ? 0 : -2});
  if (split == nullptr && random.Chance(0.6)) attributes.emplace_back("keepdims", random.Int(0, 1));
  Value* const parts =
      c.Add("SplitToSequence", "", {c.Input(random.Values(AnyType(c), shape)), split}, attributes)
          .output(0);
  c.Return(c.Add("SequenceAt", "", {parts, c.Constant(Tensor::Scalar<int64_t>(-1))}));
  c.Return(c.Add("SequenceLength", "", {parts}));
}

void OptionalValue(Case& c) {
  Value* const x = c.Fed(c.random().Values(AnyType(c), c.random().AnyShape(0, 3)));
  Value* const optional = c.Add("Optional", "", {x}).output(0);
  if (c.subject().name == "OptionalHasElement") {
    return c.Return(c.Add("OptionalHasElement", "", {optional}));
  }
  c.Return(c.Add("OptionalGetElement", "", {optional}));
}

// A body of one node for each element of a sequence, with a tensor beside it.
void Map(Case& c) {
  const auto count = static_cast<int>(c.random().Int(1, 4));
  Value* const sequence = Sequence(c, count, kFloat);
  Value* const other = c.Fed(c.random().Values(kFloat, {1, 1}));
  Node& node = c.Add("SequenceMap", "", {sequence, other});
  auto body = std::make_shared<Graph>(&node.graph());
  body->name = "body";
  Value* const inputs[] = {&body->AddInput("item", TypeInfo::Tensor(kFloat)),
                           &body->AddInput("other", TypeInfo::Tensor(kFloat))};
  Node& inner = body->AddNode("", "Mul", c.opset(), inputs, 1, "product");
  inner.output(0)->type = TypeInfo::Tensor(kFloat);
  body->AddOutput(*inner.output(0));
  node.SetAttribute("body", body);
  c.Return(c.Add("SequenceAt", "", {node.output(0), c.Constant(Tensor::Scalar<int64_t>(0))}));
}

}  // namespace

std::vector<Subject> SequenceSubjects() {
  return {{"SequenceLength", Length, "", 11},
          {"SequenceAt", At, "", 11},
          {"SequenceErase", Erase, "", 11},
          {"SequenceInsert", Insert, "", 11},
          {"ConcatFromSequence", ConcatFrom, "", 11},
          {"SplitToSequence", SplitTo, "", 11},
          {"SequenceMap", Map, "", 17},
          {"OptionalHasElement", OptionalValue, "", 15},
          {"OptionalGetElement", OptionalValue, "", 15}};
}

}  // namespace mullion::differential
