// SPDX-License-Identifier: MIT
// Gather, scatter, and what finds places.
#include <algorithm>
#include <cmath>

#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

ElementType AnyType(Case& c) {
  return c.random().Pick({kFloat, kFloat, kInt64, kInt32, kDouble, kUint8, kBool, kString});
}

Shape Positive(Shape shape) {
  for (int i = 0; i < shape.rank(); ++i) shape[i] = std::max<int64_t>(shape[i], 1);
  return shape;
}

// Indices of an axis of `size`, from either end where the opset allows it.
Tensor Indices(Case& c, const Shape& shape, int64_t size, bool may_be_int32 = true) {
  const int64_t least = c.opset() >= 11 ? -size : 0;
  const ElementType type = may_be_int32 && c.random().Chance(0.4) ? kInt32 : kInt64;
  return c.random().Values(type, shape, static_cast<double>(least), static_cast<double>(size - 1));
}

void Gather(Case& c) {
  Random& random = c.random();
  const Shape shape = Positive(random.AnyShape(1, 4, 6, {4096, 256}));
  const int at = random.typical() ? 0 : static_cast<int>(random.Int(0, shape.rank() - 1));
  Attributes attributes;
  if (at != 0 || random.Chance(0.5)) {
    attributes.emplace_back("axis", random.Chance(0.3) ? int64_t{at} - shape.rank() : int64_t{at});
  }
  c.Only({c.Input(random.Values(AnyType(c), shape, -50, 50)),
          c.Input(Indices(c, random.AnyShape(0, 3, 6, {8, 128}), shape[at]))},
         attributes);
}

void GatherElements(Case& c) {
  Random& random = c.random();
  const Shape shape = Positive(random.AnyShape(1, 4));
  const int at = static_cast<int>(random.Int(0, shape.rank() - 1));
  Shape indices = shape;
  for (int i = 0; i < shape.rank(); ++i) {
    indices[i] = i == at ? random.Int(0, 5, shape[i]) : random.Int(1, shape[i], shape[i]);
  }
  c.Only(
      {c.Input(random.Values(AnyType(c), shape, -50, 50)), c.Input(Indices(c, indices, shape[at]))},
      {{"axis", random.Chance(0.3) ? int64_t{at} - shape.rank() : int64_t{at}}});
}

// Index tuples into the dimensions of `shape` from `first` on.
Tensor Tuples(Case& c, const Shape& leading, const Shape& shape, int first, int64_t length) {
  Shape full = leading;
  full.Append(length);
  Tensor tensor = *Tensor::Allocate(kInt64, full);
  auto values = tensor.mutable_view().span<int64_t>();
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t size = shape[first + static_cast<int>(i % static_cast<size_t>(length))];
    values[i] = c.random().Any(c.opset() >= 12 ? -size : 0, size - 1);
  }
  return tensor;
}

void GatherNd(Case& c) {
  Random& random = c.random();
  const Shape shape = Positive(random.AnyShape(1, 4, 4, {32, 64, 256}));
  const int batch =
      c.opset() >= 12 && random.Chance(0.4) ? static_cast<int>(random.Int(0, shape.rank() - 1)) : 0;
  Shape leading;
  for (int i = 0; i < batch; ++i) leading.Append(shape[i]);
  for (int64_t i = random.Int(0, 2); i > 0; --i) leading.Append(random.Int(1, 4, 20));
  Attributes attributes;
  if (batch > 0) attributes.emplace_back("batch_dims", int64_t{batch});
  c.Only({c.Input(random.Values(AnyType(c), shape, -50, 50)),
          c.Input(Tuples(
              c, leading, shape, batch,
              random.Int(1, shape.rank() - batch, std::min<int64_t>(2, shape.rank() - batch))))},
         attributes);
}

std::string Reduction(Case& c, int max_since) {
  if (c.opset() >= max_since) return c.random().Pick({"none", "add", "mul", "max", "min"});
  return c.random().Pick({"none", "add", "mul"});
}

void ScatterElements(Case& c) {
  Random& random = c.random();
  const Shape shape = Positive(random.AnyShape(1, 4));
  const int at = static_cast<int>(random.Int(0, shape.rank() - 1));
  Attributes attributes = {{"axis", int64_t{at}}};
  std::string reduction = "none";
  if (c.opset() >= 16 && random.Chance(0.7)) reduction = Reduction(c, 18);
  if (reduction != "none") attributes.emplace_back("reduction", reduction);
  Shape places = shape;
  for (int i = 0; i < shape.rank(); ++i) {
    if (i != at) places[i] = random.Int(1, shape[i], shape[i]);
  }
  places[at] = random.Int(0, reduction == "none" ? shape[at] : 5, shape[at]);
  Tensor indices = *Tensor::Allocate(kInt64, places);
  // Each place once unless what falls together is reduced: the order is not specified.
  const auto values = indices.mutable_view().span<int64_t>();
  const int64_t inner = places.Product(at + 1, places.rank());
  const auto order = random.Permutation(static_cast<int>(shape[at]));
  for (int64_t i = 0; i < indices.count(); ++i) {
    const int64_t row = i / inner % std::max<int64_t>(places[at], 1);
    int64_t index =
        reduction == "none" ? order[static_cast<size_t>(row)] : random.Any(0, shape[at] - 1);
    if (c.opset() >= 11 && random.Chance(0.2)) index -= shape[at];
    values[static_cast<size_t>(i)] = index;
  }
  const ElementType type =
      reduction == "none" ? AnyType(c) : random.Pick({kFloat, kDouble, kInt32, kInt64});
  c.Only({c.Input(random.Values(type, shape, -9, 9)), c.Input(indices),
          c.Input(random.Values(type, places, -9, 9))},
         attributes);
}

void ScatterNd(Case& c) {
  Random& random = c.random();
  const Shape shape = Positive(random.AnyShape(1, 4, 4, {32, 64, 256}));
  const auto length = random.Int(1, shape.rank(), 2);
  std::string reduction = "none";
  if (c.opset() >= 16 && random.Chance(0.7)) reduction = Reduction(c, 18);
  Shape leading;
  if (reduction == "none") {
    if (random.Chance(0.7)) leading.Append(random.realistic() ? 1000 : 1);
  } else {
    for (int64_t i = random.Int(0, 2); i > 0; --i) leading.Append(random.Int(1, 4, 20));
  }
  Shape updates = leading;
  for (int i = static_cast<int>(length); i < shape.rank(); ++i) updates.Append(shape[i]);
  Attributes attributes;
  if (reduction != "none") attributes.emplace_back("reduction", reduction);
  const ElementType type =
      reduction == "none" ? AnyType(c) : random.Pick({kFloat, kDouble, kInt32, kInt64});
  c.Only({c.Input(random.Values(type, shape, -9, 9)), c.Input(Tuples(c, leading, shape, 0, length)),
          c.Input(random.Values(type, updates, -9, 9))},
         attributes);
}

void TensorScatter(Case& c) {
  Random& random = c.random();
  const int64_t batch = random.Int(1, 3, 2), length = random.Int(3, 8, 500),
                update = random.Int(1, 3, 16);
  const Shape cache = {batch, random.Int(1, 3, 8), length, random.Int(1, 5, 64)};
  const bool circular = random.Chance(0.5);
  Attributes attributes;
  if (circular || random.Chance(0.5)) {
    attributes.emplace_back("mode", std::string(circular ? "circular" : "linear"));
  }
  Value* const where =
      random.Chance(0.8)
          ? c.Input(random.Values(kInt64, {batch}, 0,
                                  static_cast<double>(circular ? length - 1 : length - update)))
          : nullptr;
  c.Only({c.Input(random.Values(kFloat, cache)),
          c.Input(random.Values(kFloat, {batch, cache[1], update, cache[3]})), where},
         attributes);
}

void OneHot(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(1, 3, 6, {2000});
  const auto depth = random.Int(1, 6, 250);
  const ElementType type = random.Pick({kFloat, kInt64, kFloat});
  Attributes attributes;
  if (random.Chance(0.7)) {
    attributes.emplace_back("axis", random.Int(-shape.rank() - 1, shape.rank()));
  }
  // Indices out of range give rows of the off value.
  Tensor indices = random.Values(random.Pick({kInt64, kInt64, kFloat, kInt32}), shape,
                                 static_cast<double>(-depth - 1), static_cast<double>(depth + 1));
  if (indices.type() == kFloat) {
    for (float& index : indices.mutable_view().span<float>()) index = std::round(index);
  }
  c.Only({c.Input(indices),
          c.Input(random.Chance(0.5) ? Tensor::Scalar<int64_t>(depth) : Ints({depth})),
          c.Input(random.Values(type, {2}, -5, 5))},
         attributes);
}

void NonZero(Case& c) {
  const ElementType type = c.random().Pick({kFloat, kInt32, kInt64, kBool, kUint8});
  c.Only({c.Input(c.random().Values(type, c.random().AnyShape(0, 4), 0, 2))});
}

void Compress(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(1, 4);
  Attributes attributes;
  int64_t size = shape.ElementCount();
  if (random.Chance(0.7)) {
    const int at = static_cast<int>(random.Int(0, shape.rank() - 1));
    attributes.emplace_back(
        "axis", c.opset() >= 11 && random.Chance(0.3) ? int64_t{at} - shape.rank() : int64_t{at});
    size = shape[at];
  }
  c.Only({c.Input(random.Values(AnyType(c), shape, -50, 50)),
          c.Input(random.Values(kBool, {random.Int(0, size, size)}))},
         attributes);
}

void Unique(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(1, 3, 5, {60, 1000});
  const double most = random.realistic() ? 5000 : 2;
  Attributes attributes;
  if (!random.typical() && random.Chance(0.5)) {
    attributes.emplace_back("axis", random.Axis(shape.rank()));
  }
  if (random.Chance(0.6)) attributes.emplace_back("sorted", random.Int(0, 1));
  c.Only(
      {c.Input(random.Values(random.Pick({kInt64, kInt64, kInt8, kString}), shape, -most, most))},
      attributes, static_cast<int>(random.Int(1, 4)));
}

void ReverseSequence(Case& c) {
  Random& random = c.random();
  Shape shape = Positive(random.AnyShape(2, 4, 6, {32, 64, 200}));
  const bool batch_first = random.Chance(0.5);
  Attributes attributes;
  if (batch_first) {
    attributes = {{"batch_axis", int64_t{0}}, {"time_axis", int64_t{1}}};
  } else if (random.Chance(0.5)) {
    attributes = {{"batch_axis", int64_t{1}}, {"time_axis", int64_t{0}}};
  }
  const int64_t batch = shape[batch_first ? 0 : 1], time = shape[batch_first ? 1 : 0];
  c.Only({c.Input(random.Values(AnyType(c), shape)),
          c.Input(random.Values(kInt64, {batch}, 1, static_cast<double>(time)))},
         attributes);
}

void NonMaxSuppression(Case& c) {
  Random& random = c.random();
  const int64_t batch = random.Int(1, 2, 1), boxes = random.Int(0, 12, 2000);
  const int64_t classes = random.Int(1, 3, 8);
  Tensor corners = random.Values(kFloat, {batch, boxes, 4}, 0, 10);
  if (random.realistic()) {  // small boxes of a large image
    const auto values = corners.mutable_view().span<float>();
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = i % 4 < 2 ? values[i] * 60 : values[i - 2] + 10 + values[i] * 5;
    }
  }
  Attributes attributes;
  if (!random.typical() && random.Chance(0.6)) {
    attributes.emplace_back("center_point_box", random.Int(0, 1));
  }
  const auto scalar = [&](double low, double high) {
    return c.Input(random.Values(kFloat, random.Chance(0.5) ? Shape{1} : Shape{}, low, high));
  };
  Value* const most = random.Chance(0.9) ? c.Input(Ints({random.Int(0, 6, 100)})) : nullptr;
  Value* const overlap =
      random.Chance(0.7) ? random.typical() ? scalar(0.5, 0.5) : scalar(0, 1) : nullptr;
  Value* const least =
      random.Chance(0.5) ? random.typical() ? scalar(0.3, 0.3) : scalar(0, 0.6) : nullptr;
  c.Only({c.Input(corners), c.Input(random.Values(kFloat, {batch, classes, boxes}, 0, 1)), most,
          overlap, least},
         attributes);
}

}  // namespace

std::vector<Subject> IndexingSubjects() {
  return {{"Gather", Gather},
          {"GatherElements", GatherElements, "", 11},
          {"GatherND", GatherNd, "", 11},
          {"ScatterElements", ScatterElements, "", 11},
          {"Scatter", ScatterElements, "", 9, 10},
          {"ScatterND", ScatterNd, "", 11},
          {"TensorScatter", TensorScatter, "", 24},
          {"OneHot", OneHot, "", 9},
          {"NonZero", NonZero, "", 9},
          {"Compress", Compress, "", 9},
          {"Unique", Unique, "", 11},
          {"ReverseSequence", ReverseSequence, "", 10},
          {"NonMaxSuppression", NonMaxSuppression, "", 10}};
}

}  // namespace mullion::differential
