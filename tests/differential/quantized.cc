// SPDX-License-Identifier: MIT
// ONNX's own quantized operators.
#include <algorithm>

#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

Tensor Scale(Random& random, const Shape& shape, ElementType type = kFloat) {
  return random.Values(type, shape, 0.01, 0.1);
}

// Scales and zero points for the whole tensor, an axis, or blocks of one.
Shape ParameterShape(Case& c, const Shape& shape, Attributes& attributes) {
  Random& random = c.random();
  if (shape.rank() == 0 || c.opset() < 13 || random.typical() || random.Chance(0.4)) return {};
  const int at = static_cast<int>(random.Int(0, shape.rank() - 1));
  if (at != 1 || random.Chance(0.5)) {
    attributes.emplace_back("axis", random.Chance(0.3) ? int64_t{at} - shape.rank() : int64_t{at});
  }
  if (c.opset() < 21 || random.Chance(0.6)) return {shape[at]};
  const auto block = random.Int(1, std::max<int64_t>(1, shape[at]));
  attributes.emplace_back("block_size", block);
  Shape blocks = shape;
  blocks[at] = (shape[at] + block - 1) / block;
  return blocks;
}

void Quantize(Case& c) {
  Random& random = c.random();
  Shape shape = random.AnyShape(0, 4);
  Attributes attributes;
  const Shape parameters = ParameterShape(c, shape, attributes);
  ElementType type = random.Pick({kUint8, kInt8});
  if (c.opset() >= 21 && random.Chance(0.3)) type = random.Pick({kUint16, kInt16});
  const ElementType scale_type = c.opset() >= 19 && random.Chance(0.2) ? kFloat16 : kFloat;
  Value* const x = c.Input(random.Values(scale_type, shape, -9, 9));
  Value* const scale = c.Input(Scale(random, parameters, scale_type));
  Value* const zero = type != kUint8 || random.Chance(0.7)
                          ? c.Input(random.Values(type, parameters, type == kInt8 ? -100 : 0, 100))
                          : nullptr;
  // The specification divides in the type of the scales, the peer always in float.
  if (scale_type == kFloat16) c.steps = 1;
  c.Only({x, scale, zero}, attributes);
}

void Dequantize(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(0, 4);
  Attributes attributes;
  const Shape parameters = ParameterShape(c, shape, attributes);
  ElementType type = random.Pick({kUint8, kInt8, kInt32});
  if (c.opset() >= 21 && random.Chance(0.4)) type = random.Pick({kUint16, kInt16, kInt4, kUint4});
  const bool packed = IsSubByte(type);
  Value* const x = packed ? c.Constant(random.Values(type, shape))
                          : c.Input(random.Values(type, shape, -100, 100));
  Value* zero = nullptr;
  if (type != kInt32 && random.Chance(0.7)) {
    zero = packed ? c.Constant(random.Values(type, parameters))
                  : c.Input(random.Values(type, parameters, -100, 100));
  }
  const ElementType scale_type = c.opset() >= 19 && random.Chance(0.2) ? kFloat16 : kFloat;
  c.Only({x, c.Input(Scale(random, parameters, scale_type)), zero}, attributes);
}

void DynamicQuantize(Case& c) {
  Random& random = c.random();
  const double low = random.Pick({-5.0, 0.0, 1.0, -9.0}), high = random.Pick({0.0, 2.0, 9.0});
  Shape shape = random.AnyShape(1, 4);
  for (int i = 0; i < shape.rank(); ++i) shape[i] = std::max<int64_t>(shape[i], 1);
  c.steps = 1;
  c.Only({c.Input(random.Values(kFloat, shape, std::min(low, high), std::max(low, high)))}, {}, 3);
}

void QLinearMatMul(Case& c) {
  Random& random = c.random();
  const int64_t m = random.Int(1, 6, 128), k = random.Int(1, 20, 256), n = random.Int(1, 18, 256);
  const bool batched = random.Chance(0.3);
  const ElementType left = random.Pick({kUint8, kUint8, kInt8});
  const ElementType right = random.Pick({left, kInt8});
  const bool columns = random.Chance(0.4);
  const Shape per_column = columns ? Shape{n} : Shape{};
  const Shape a = batched ? Shape{2, m, k} : Shape{m, k};
  c.steps = 1;
  c.Only({c.Input(random.Values(left, a, -128, 127)), c.Input(Scale(random, {})),
          c.Input(random.Values(left, {}, -9, 90)),
          c.Constant(random.Values(right, {k, n}, -128, 127)),
          c.Constant(Scale(random, per_column)),
          c.Constant(random.Values(right, per_column, right == kInt8 ? 0 : 0, 20)),
          c.Input(random.Values(kFloat, {}, 0.3, 2)), c.Input(random.Values(left, {}, -9, 100))});
}

void QLinearConv(Case& c) {
  Random& random = c.random();
  const int64_t groups = random.Pick({1, 1, 2, 4});
  const int64_t channels = groups * random.Int(1, 3, 64 / groups);
  const int64_t filters = groups * random.Int(1, 4, 64 / groups);
  const int64_t kh = random.Int(1, 3, 3), kw = random.Int(1, 3, 3);
  const ElementType type = random.Pick({kUint8, kUint8, kInt8});
  const ElementType weight = type == kInt8 ? kInt8 : random.Pick({kUint8, kInt8});
  const bool per_filter = random.Chance(0.4);
  Attributes attributes;
  if (groups > 1) attributes.emplace_back("group", groups);
  if (random.Chance(0.5)) attributes.emplace_back("pads", std::vector<int64_t>{0, 1, 1, 0});
  if (random.Chance(0.5)) attributes.emplace_back("strides", std::vector<int64_t>{2, 1});
  const Shape image = {random.Int(1, 2, 1), channels, kh + random.Int(0, 5, 53),
                       kw + random.Int(0, 5, 53)};
  c.steps = 1;
  c.Only(
      {c.Fed(random.Values(type, image, -128, 127)), c.Constant(Scale(random, {})),
       c.Constant(random.Values(type, {}, -9, 90)),
       c.Constant(random.Values(weight, {filters, channels / groups, kh, kw}, -128, 127)),
       c.Constant(Scale(random, per_filter ? Shape{filters} : Shape{})),
       c.Constant(random.Values(weight, per_filter ? Shape{filters} : Shape{}, 0,
                                weight == kInt8 ? 0 : 90)),
       c.Constant(random.Values(kFloat, {}, 0.3, 1)), c.Constant(random.Values(type, {}, -9, 100)),
       random.Chance(0.5) ? c.Constant(random.Values(kInt32, {filters}, -900, 900)) : nullptr},
      attributes);
}

// To narrow types and back, so that the peer need not take them in.
void ThroughQuantized(Case& c) {
  Random& random = c.random();
  const ElementType type =
      random.Pick({kInt4, kUint4, kFloat8E4M3FN, kFloat8E5M2, kFloat8E4M3FNUZ, kFloat8E5M2FNUZ});
  Value* const x = c.Fed(random.Values(kFloat, random.AnyShape(1, 3), -9, 9));
  Value* const scale = c.Constant(Scale(random, {}));
  Value* const zero = c.Constant(*Tensor::Allocate(type, {}));
  std::fill_n(static_cast<uint8_t*>(const_cast<void*>(zero->constant.data())), 1, uint8_t{0});
  const Node& quantized = c.Add("QuantizeLinear", "", {x, scale, zero});
  c.Return(c.Add("DequantizeLinear", "", {quantized.output(0), scale, zero}));
}

}  // namespace

std::vector<Subject> QuantizedSubjects() {
  return {{"QuantizeLinear", Quantize, "", 10},
          {"DequantizeLinear", Dequantize, "", 10},
          {"DynamicQuantizeLinear", DynamicQuantize, "", 11},
          {"QLinearMatMul", QLinearMatMul, "", 10},
          {"QLinearConv", QLinearConv, "", 10},
          {"QuantizeLinear:narrow", ThroughQuantized, "", 21}};
}

}  // namespace mullion::differential
