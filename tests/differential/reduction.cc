// SPDX-License-Identifier: MIT
// Reductions, running sums, and what chooses by size.
#include <algorithm>

#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

void Reduce(Case& c) {
  Random& random = c.random();
  const std::string_view name = c.subject().name;
  ElementType type = random.Pick({kFloat, kFloat, kFloat, kDouble, kInt32, kInt64, kFloat16});
  if ((name == "ReduceMax" || name == "ReduceMin") && random.Chance(0.3)) {
    type = random.Pick({kInt8, kUint8, kBool});
  }
  const bool logs = name.find("Log") != std::string_view::npos;
  Shape shape = random.AnyShape(0, 5, 4);
  if (name == "ReduceMean" && IsInteger(type)) {  // the mean of nothing is no integer
    for (int i = 0; i < shape.rank(); ++i) shape[i] = std::max<int64_t>(shape[i], 1);
  }
  Value* const x = c.Input(random.Values(type, shape, logs ? 1 : -3, 4));
  Attributes attributes;
  if (random.Chance(0.6)) attributes.emplace_back("keepdims", random.Int(0, 1));
  std::vector<int64_t> axes;
  for (const int64_t axis : random.Permutation(shape.rank())) {
    const bool reduced = random.typical() ? axis > 1 : random.Chance(0.5);
    if (reduced) axes.push_back(random.Chance(0.3) ? axis - shape.rank() : axis);
  }
  // Of an empty tensor the peer does not count axes from the end.
  if (c.opset() < 11 || shape.ElementCount() == 0) {
    for (int64_t& axis : axes) axis += axis < 0 ? shape.rank() : 0;
  }
  const bool as_input = c.opset() >= 18 || (c.opset() >= 13 && name == "ReduceSum");
  c.tolerance = {2e-4, 1e-5, 1e-5};
  if (!as_input) {
    if (!axes.empty()) attributes.emplace_back("axes", axes);
    return c.Only({x}, attributes);
  }
  if (random.Chance(0.3)) attributes.emplace_back("noop_with_empty_axes", random.Int(0, 1));
  c.Only({x, axes.empty() && random.Chance(0.6) ? nullptr : c.Input(Ints(axes))}, attributes);
}

// Rows of some hundred elements, as exporters spell normalizations out.
void ReduceRows(Case& c) {
  Random& random = c.random();
  const std::string_view name = c.subject().name.substr(0, c.subject().name.find(':'));
  ElementType type = random.Pick({kFloat, kFloat, kDouble, kInt32, kInt64});
  if (name == "ReduceMax") type = random.Pick({kFloat, kDouble, kInt32, kInt64, kInt8, kUint8});
  const Shape shape{random.Int(1, 6, 1000), random.Int(1, 70, 100)};
  c.tolerance = {2e-4, 1e-5, 1e-5};
  c.Return(c.Add(name, "", {c.Input(random.Values(type, shape, -3, 4)), c.Constant(Ints({1}))},
                 {{"keepdims", random.Int(0, 1)}}));
}

void ArgReduce(Case& c) {
  Random& random = c.random();
  const ElementType type =
      random.Pick({kFloat, kFloat, kDouble, kInt32, kInt64, kInt8, kUint8, kFloat16});
  Shape shape = random.AnyShape(1, 4);
  // Of nothing there is no largest.
  for (int i = 0; i < shape.rank(); ++i) shape[i] = std::max<int64_t>(shape[i], 1);
  Attributes attributes;
  if (random.Chance(0.8)) {
    const int64_t axis = random.Axis(shape.rank());
    attributes.emplace_back("axis", c.opset() < 11 && axis < 0 ? axis + shape.rank() : axis);
  }
  if (random.Chance(0.6)) attributes.emplace_back("keepdims", random.Int(0, 1));
  if (c.opset() >= 12 && random.Chance(0.4)) {
    attributes.emplace_back("select_last_index", random.Int(0, 1));
  }
  c.Only({c.Input(random.Values(type, shape, -3, 3))}, attributes);
}

void Cumulative(Case& c) {
  Random& random = c.random();
  const ElementType type = random.Pick({kFloat, kDouble, kInt32, kInt64});
  const Shape shape = random.AnyShape(1, 4);
  Attributes attributes;
  if (random.Chance(0.5)) attributes.emplace_back("exclusive", random.Int(0, 1));
  if (random.Chance(0.5)) attributes.emplace_back("reverse", random.Int(0, 1));
  const int64_t axis = random.Axis(shape.rank());
  Value* const axes = random.Chance(0.5)
                          ? c.Input(Tensor::Scalar<int64_t>(axis))
                          : c.Input(Tensor::Scalar<int32_t>(static_cast<int32_t>(axis)));
  c.tolerance = {1e-4, 1e-5, 1e-5};
  c.Only({c.Input(random.Values(type, shape)), axes}, attributes);
}

void TopK(Case& c) {
  Random& random = c.random();
  const ElementType type =
      c.opset() < 11 ? kFloat : random.Pick({kFloat, kFloat, kDouble, kInt32, kInt64});
  Shape shape = random.AnyShape(1, 4, 6, {100, 4000});
  const int64_t axis = random.Axis(shape.rank());
  const int at = static_cast<int>(axis < 0 ? axis + shape.rank() : axis);
  Attributes attributes;
  if (at != shape.rank() - 1 || random.Chance(0.5)) {
    attributes.emplace_back("axis", c.opset() < 11 ? int64_t{at} : axis);
  }
  if (c.opset() >= 11 && random.Chance(0.5)) attributes.emplace_back("largest", random.Int(0, 1));
  const auto k = random.Int(0, shape[at], 50);
  // Few different values, so that ties come up.
  const double most = random.realistic() ? 1000 : 5;
  c.Only({c.Input(random.Values(type, shape, -most, most)), c.Input(Ints({k}))}, attributes, 2);
}

void Softmax(Case& c) {
  Random& random = c.random();
  const ElementType type = random.Pick({kFloat, kFloat, kFloat, kDouble, kFloat16});
  const Shape shape = random.AnyShape(1, 4, 6, {4, 12, 100, 128});
  Attributes attributes;
  if (random.Chance(0.8)) {
    const int64_t axis = random.Axis(shape.rank());
    attributes.emplace_back("axis", c.opset() < 11 && axis < 0 ? axis + shape.rank() : axis);
  } else if (c.opset() < 13 && shape.rank() < 2) {
    attributes.emplace_back("axis", int64_t{0});
  }
  c.Only({c.Input(random.Values(type, shape, -20, 20))}, attributes);
}

void LpNormalization(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(1, 4);
  Attributes attributes;
  if (random.Chance(0.7)) attributes.emplace_back("axis", random.Axis(shape.rank()));
  if (random.Chance(0.7)) attributes.emplace_back("p", random.Int(1, 2));
  c.Only({c.Input(random.Values(random.Pick({kFloat, kFloat, kDouble}), shape))}, attributes);
}

}  // namespace

std::vector<Subject> ReductionSubjects() {
  std::vector<Subject> subjects;
  for (const char* const name :
       {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
        "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"}) {
    subjects.push_back({name, Reduce});
  }
  subjects.insert(subjects.end(), {{"ArgMax", ArgReduce},
                                   {"ArgMin", ArgReduce},
                                   {"ReduceMean:rows", ReduceRows, "", 18},
                                   {"ReduceMax:rows", ReduceRows, "", 20},
                                   {"CumSum", Cumulative, "", 11},
                                   {"CumProd", Cumulative, "", 26, 26},
                                   {"TopK", TopK, "", 10},
                                   {"Softmax", Softmax},
                                   {"LogSoftmax", Softmax},
                                   {"Hardmax", Softmax},
                                   {"LpNormalization", LpNormalization}});
  return subjects;
}

}  // namespace mullion::differential
