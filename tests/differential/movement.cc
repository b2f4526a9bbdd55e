// SPDX-License-Identifier: MIT
// What moves elements without looking at them.
#include <algorithm>

#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

ElementType AnyType(Case& c) {
  return c.random().Pick({kFloat, kFloat, kInt64, kInt32, kDouble, kUint8, kInt8, kBool, kString,
                          kFloat16, kUint32, kUint64, kInt16, kUint16});
}

Value* AnyInput(Case& c, const Shape& shape) {
  return c.Input(c.random().Values(AnyType(c), shape, -100, 100));
}

// What older opsets have as an attribute and newer ones as an int64 input.
void WithInts(Case& c, Value* x, const char* name, const std::vector<int64_t>& values,
              int input_since, Attributes attributes = {}, int outputs = 1) {
  if (c.opset() < input_since) {
    attributes.emplace_back(name, values);
    return c.Only({x}, attributes, outputs);
  }
  c.Only({x, c.Input(Ints(values))}, attributes, outputs);
}

void Transpose(Case& c) {
  const Shape shape = c.random().AnyShape(0, 6);
  Attributes attributes;
  if (c.random().Chance(0.8)) attributes.emplace_back("perm", c.random().Permutation(shape.rank()));
  c.Only({AnyInput(c, shape)}, attributes);
}

void Reshape(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(0, 4);
  // Dimensions joined or split by a factor, one of them left open.
  std::vector<int64_t> target(shape.begin(), shape.end());
  if (target.size() > 1 && random.Chance(0.6)) {
    const auto i = static_cast<size_t>(random.Int(0, static_cast<int64_t>(target.size()) - 2));
    target[i] *= target[i + 1];
    target.erase(target.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
  if (random.Chance(0.3)) target.insert(target.begin(), 1);
  const bool empty = std::find(target.begin(), target.end(), 0) != target.end();
  Attributes attributes;
  if (c.opset() >= 14 && empty) attributes.emplace_back("allowzero", int64_t{1});
  if (!empty && !target.empty() && random.Chance(0.5)) {
    target[static_cast<size_t>(random.Int(0, static_cast<int64_t>(target.size()) - 1))] = -1;
  }
  if (c.opset() < 14 && empty) target = {0, -1};
  Shape from = shape;
  if (c.opset() < 14 && empty) from = Shape{random.Int(1, 3), 0, 2};
  c.Only({AnyInput(c, from), c.Input(Ints(target))}, attributes);
}

void Squeeze(Case& c) {
  Random& random = c.random();
  Shape shape = random.AnyShape(1, 4);
  std::vector<int64_t> axes;
  for (int i = 0; i < shape.rank(); ++i) {
    if (random.realistic() ? i == 0 : random.Chance(0.5)) shape[i] = 1;
    if (shape[i] == 1 && random.Chance(0.7)) {
      axes.push_back(c.opset() >= 11 && random.Chance(0.3) ? i - shape.rank() : i);
    }
  }
  Value* const x = AnyInput(c, shape);
  if (axes.empty()) return c.Only({x});
  WithInts(c, x, "axes", axes, 13);
}

void Unsqueeze(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(0, 3);
  const auto count = random.Int(1, 3);
  std::vector<int64_t> axes = random.Permutation(shape.rank() + static_cast<int>(count));
  axes.resize(static_cast<size_t>(count));
  if (c.opset() >= 11) {
    for (int64_t& axis : axes) axis -= random.Chance(0.3) ? shape.rank() + count : 0;
  }
  WithInts(c, AnyInput(c, shape), "axes", axes, 13);
}

void Flatten(Case& c) {
  const Shape shape = c.random().AnyShape(0, 4);
  Attributes attributes;
  if (shape.rank() == 0 || c.random().Chance(0.8)) {
    const int64_t least = c.opset() < 11 ? 0 : -shape.rank();
    attributes.emplace_back("axis", c.random().Int(least, shape.rank()));
  }
  c.Only({AnyInput(c, shape)}, attributes);
}

void Concat(Case& c) {
  Random& random = c.random();
  Shape shape = random.AnyShape(1, 4);
  const int64_t axis = random.typical() ? 1 : random.Axis(shape.rank());
  const int at = static_cast<int>(axis < 0 ? axis + shape.rank() : axis);
  const ElementType type = AnyType(c);
  std::vector<Value*> inputs;
  for (int64_t i = random.Int(1, 4); i > 0; --i) {
    shape[at] = random.Int(0, 4, shape[at]);
    inputs.push_back(c.Input(random.Values(type, shape, -100, 100)));
  }
  c.Only(inputs, {{"axis", c.opset() < 11 ? int64_t{at} : axis}});
}

void Split(Case& c) {
  Random& random = c.random();
  Shape shape = random.AnyShape(1, 4);
  const int at = static_cast<int>(random.Int(0, shape.rank() - 1));
  const auto count = static_cast<int>(random.Int(1, 4));
  const int64_t part = std::max<int64_t>(shape[at] / count, 1);
  Attributes attributes = {
      {"axis", c.opset() >= 11 && random.Chance(0.3) ? int64_t{at} - shape.rank() : int64_t{at}}};
  if (random.Chance(0.4)) {  // equal parts
    const bool uneven = c.opset() >= 18 && random.Chance(0.4);
    shape[at] = uneven ? count * 3 - 1 : count * random.Int(1, 3, part);
    if (c.opset() >= 18) attributes.emplace_back("num_outputs", int64_t{count});
    return c.Only({AnyInput(c, shape)}, attributes, count);
  }
  std::vector<int64_t> sizes;
  shape[at] = 0;
  for (int i = 0; i < count; ++i) {
    sizes.push_back(random.Int(0, 3, part));
    shape[at] += sizes.back();
  }
  WithInts(c, AnyInput(c, shape), "split", sizes, 13, attributes, count);
}

void Slice(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(1, 4);
  std::vector<int64_t> axes = random.Permutation(shape.rank());
  axes.resize(static_cast<size_t>(random.Int(1, shape.rank())));
  const bool all_axes = random.Chance(0.2);
  if (all_axes) {
    std::sort(axes.begin(), axes.end());
    for (size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<int64_t>(i);
  }
  std::vector<int64_t> starts, ends, steps;
  for (const int64_t axis : axes) {
    const int64_t size = shape[static_cast<int>(axis)];
    starts.push_back(random.Int(-size - 1, size + 1, size / 8));
    ends.push_back(random.Chance(0.2) ? INT64_MAX : random.Int(-size - 1, size + 1, size));
    steps.push_back(random.Pick<int64_t>({1, 1, 2, 3, -1, -2}));
    if (random.realistic() && steps.back() < 0) std::swap(starts.back(), ends.back());
    if (steps.back() < 0 && random.Chance(0.3)) ends.back() = INT64_MIN;
  }
  if (c.opset() >= 10) {
    for (int64_t& axis : axes) axis -= random.Chance(0.3) && !all_axes ? shape.rank() : 0;
  }
  Value* const x = AnyInput(c, shape);
  if (c.opset() < 10) {
    Attributes attributes = {{"starts", starts}, {"ends", ends}};
    if (!all_axes) attributes.emplace_back("axes", axes);
    return c.Only({x}, attributes);
  }
  const auto ints = [&](const std::vector<int64_t>& values) { return c.Input(Ints(values)); };
  c.Only({x, ints(starts), ints(ends), all_axes ? nullptr : ints(axes),
          random.Chance(0.3) ? nullptr : ints(steps)});
}

void Pad(Case& c) {
  Random& random = c.random();
  Shape shape = random.AnyShape(1, 4);
  const char* mode = random.Pick({"constant", "constant", "reflect", "edge"});
  if (c.opset() >= 19 && random.Chance(0.25)) mode = "wrap";
  const bool constant = std::string_view(mode) == "constant";
  if (!constant) {
    for (int i = 0; i < shape.rank(); ++i) shape[i] = std::max<int64_t>(shape[i], 2);
  }
  std::vector<int64_t> axes = random.Permutation(shape.rank());
  const bool with_axes = c.opset() >= 18 && random.Chance(0.4);
  if (with_axes) axes.resize(static_cast<size_t>(random.Int(1, shape.rank())));
  if (!with_axes) std::sort(axes.begin(), axes.end());
  std::vector<int64_t> pads(axes.size() * 2);
  for (size_t i = 0; i < pads.size(); ++i) {
    const int64_t size = shape[static_cast<int>(axes[i % axes.size()])];
    pads[i] = constant && random.Chance(0.2)
                  ? -random.Int(0, std::min<int64_t>(size / 2, 2))
                  : random.Int(0, constant ? 3 : size - 1, std::min<int64_t>(2, size - 1));
  }
  const ElementType type =
      c.opset() < 11 ? random.Pick({kFloat, kDouble})
                     : random.Pick({kFloat, kDouble, kInt32, kInt64, kUint8, kInt8, kBool});
  Value* const x = c.Input(random.Values(type, shape, -50, 50));
  Attributes attributes;
  if (!constant || random.Chance(0.5)) attributes.emplace_back("mode", std::string(mode));
  if (c.opset() < 11) {
    attributes.emplace_back("pads", pads);
    if (random.Chance(0.5)) attributes.emplace_back("value", 2.5f);
    return c.Only({x}, attributes);
  }
  Value* const fill =
      constant && random.Chance(0.6) ? c.Input(random.Values(type, {}, 1, 9)) : nullptr;
  c.Only({x, c.Input(Ints(pads)), fill, with_axes ? c.Input(Ints(axes)) : nullptr}, attributes);
}

void PadBorders(Case& c) {
  Random& random = c.random();
  const ElementType type = random.Pick({kFloat, kDouble, kInt32, kInt64, kUint8, kInt8});
  const Shape shape{random.Int(1, 3, 4), random.Int(3, 5, 64), random.Int(3, 6, 20),
                    random.Int(3, 70, 20)};
  const std::string mode = random.Pick({"reflect", "edge"});
  c.Return(c.Add(
      "Pad", "",
      {c.Input(random.Values(type, shape, -50, 50)), c.Constant(Ints({0, 0, 2, 2, 0, 0, 1, 2}))},
      {{"mode", mode}}));
}

void Tile(Case& c) {
  const Shape shape = c.random().AnyShape(0, 4);
  std::vector<int64_t> repeats;
  for (int i = 0; i < shape.rank(); ++i)
    repeats.push_back(c.random().Int(0, 3, i % 2 == 0 ? 2 : 1));
  c.Only({AnyInput(c, shape), c.Input(Ints(repeats))});
}

void Expand(Case& c) {
  const Shape shape = c.random().AnyShape(0, 4);
  const Shape from =
      c.random().typical() ? Shape{shape[1], 1, shape[3]} : c.random().Broadcastable(shape);
  std::vector<int64_t> target(shape.begin(), shape.end());
  for (int64_t& dim : target) dim = c.random().Chance(0.1) ? 1 : dim;
  c.Only({AnyInput(c, from), c.Input(Ints(target))});
}

void DepthToSpace(Case& c) {
  Random& random = c.random();
  const bool deep = c.subject().name == "DepthToSpace";
  const auto block = random.Int(1, 3, 2);
  const auto scale = deep ? 1 : block;
  const int64_t size = deep ? 28 : 28 * scale;
  const Shape shape = {random.Int(0, 2, 2), random.Int(1, 3, 64) * (deep ? block * block : 1),
                       random.Int(1, 3, size / scale) * scale,
                       random.Int(1, 4, size / scale) * scale};
  Attributes attributes = {{"blocksize", block}};
  if (deep && c.opset() >= 11 && random.Chance(0.6)) {
    attributes.emplace_back("mode", std::string(random.Pick({"DCR", "CRD"})));
  }
  c.Only({c.Input(random.Values(random.Pick({kFloat, kFloat, kDouble}), shape))}, attributes);
}

void Trilu(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(2, 4);
  Attributes attributes;
  if (random.Chance(0.7)) attributes.emplace_back("upper", random.Int(0, 1));
  Value* const x = AnyInput(c, shape);
  Value* const k =
      random.Chance(0.6) ? c.Input(Tensor::Scalar<int64_t>(random.Int(-8, 8))) : nullptr;
  c.Only({x, k}, attributes);
}

void EyeLike(Case& c) {
  Attributes attributes;
  if (c.random().Chance(0.5)) attributes.emplace_back("k", c.random().Int(-7, 7));
  if (c.random().Chance(0.5)) {
    attributes.emplace_back("dtype", c.random().Pick<int64_t>({1, 6, 7, 11, 13}));
  }
  c.Only({c.Input(c.random().Values(c.random().Pick({kFloat, kInt32, kInt64, kDouble}),
                                    c.random().AnyShape(2, 2)))},
         attributes);
}

void ShapeOf(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(0, 5);
  Attributes attributes;
  if (c.subject().name == "Shape" && c.opset() >= 15) {
    if (random.Chance(0.5)) attributes.emplace_back("start", random.Int(-6, 6));
    if (random.Chance(0.5)) attributes.emplace_back("end", random.Int(-6, 6));
  }
  c.Only({AnyInput(c, shape)}, attributes);
}

void Constant(Case& c) {
  Random& random = c.random();
  const auto count = random.Int(1, 5, 1000);
  const Tensor floats = random.Values(kFloat, {count}), ints = random.Values(kInt64, {count});
  const auto list = [](const auto& span) { return std::vector(span.begin(), span.end()); };
  std::vector<std::pair<std::string_view, AttributeValue>> choices;
  for (const ElementType type : {kFloat, kInt64, kString, kBool, kFloat16}) {
    choices.emplace_back("value", random.Values(type, random.AnyShape(0, 3)));
  }
  if (c.opset() >= 12) {
    choices.emplace_back("value_float", 1.5f);
    choices.emplace_back("value_floats", list(floats.span<float>()));
    choices.emplace_back("value_int", int64_t{-3});
    choices.emplace_back("value_ints", list(ints.span<int64_t>()));
    choices.emplace_back("value_string", random.Word());
    choices.emplace_back("value_strings", std::vector<std::string>{random.Word(), "b"});
  }
  c.Only({}, {random.Pick(choices)});
}

void ConstantOfShape(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(0, 4);
  Attributes attributes;
  if (random.Chance(0.8)) {
    attributes.emplace_back("value", random.Values(random.Pick({kFloat, kDouble, kInt32, kInt64,
                                                                kUint8, kBool, kInt8, kFloat16}),
                                                   {1}, -5, 5));
  }
  c.Only({c.Input(Ints({shape.begin(), shape.end()}))}, attributes);
}

void Range(Case& c) {
  Random& random = c.random();
  const ElementType type = random.Pick({kFloat, kDouble, kInt16, kInt32, kInt64});
  const double step = random.Pick({1.0, 2.0, 3.0, -1.0, -2.0});
  const auto scalar = [&](double value) { return c.Input(random.Values(type, {}, value, value)); };
  c.Only({scalar(static_cast<double>(random.Int(-5, 5, 0))),
          scalar(static_cast<double>(random.Int(-12, 12, type == kInt16 ? 30000 : 400000))),
          scalar(step)});
}

void CenterCropPad(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(1, 4);
  std::vector<int64_t> axes = random.Permutation(shape.rank());
  Attributes attributes;
  if (random.Chance(0.5)) {
    axes.resize(static_cast<size_t>(random.Int(1, shape.rank())));
    attributes.emplace_back("axes", axes);
  }
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < axes.size(); ++i) sizes.push_back(random.Int(1, 9, 60));
  c.Only({c.Input(random.Values(kFloat, shape)), c.Input(Ints(sizes))}, attributes);
}

}  // namespace

std::vector<Subject> MovementSubjects() {
  return {{"Transpose", Transpose},
          {"Reshape", Reshape},
          {"Squeeze", Squeeze},
          {"Unsqueeze", Unsqueeze},
          {"Flatten", Flatten},
          {"Concat", Concat},
          {"Split", Split},
          {"Slice", Slice},
          {"Pad", Pad},
          {"Pad:borders", PadBorders, "", 11},
          {"Tile", Tile},
          {"Expand", Expand, "", 8},
          {"DepthToSpace", DepthToSpace},
          {"SpaceToDepth", DepthToSpace},
          {"Trilu", Trilu, "", 14},
          {"EyeLike", EyeLike, "", 9},
          {"Shape", ShapeOf},
          {"Size", ShapeOf},
          {"Constant", Constant},
          {"ConstantOfShape", ConstantOfShape, "", 9},
          {"Range", Range, "", 11},
          {"CenterCropPad", CenterCropPad, "", 18}};
}

}  // namespace mullion::differential
