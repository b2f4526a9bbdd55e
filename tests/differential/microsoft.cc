// SPDX-License-Identifier: MIT
// com.microsoft's operators but for attention and weights in blocks: fused forms and what its
// quantizer writes.
#include <algorithm>

#include "tests/differential/spelled_out.h"
#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

Tensor Scale(Random& random, const Shape& shape = {}) {
  return random.Values(kFloat, shape, 0.01, 0.1);
}

ElementType Byte(Case& c) { return c.random().Pick({kUint8, kUint8, kInt8}); }

Tensor Bytes(Random& random, ElementType type, const Shape& shape) {
  return random.Values(type, shape, -128, 127 + (type == kUint8 ? 128 : 0));
}

// A zero point. The peer does not do without, though its schemas say so.
Value* Zero(Case& c, ElementType type) {
  return c.Constant(c.random().Values(type, {}, type == kInt8 ? -60 : 20, 100));
}

void Activation(Case& c) {
  Random& random = c.random();
  const std::string_view name = c.subject().name;
  const Shape shape = random.AnyShape(1, 4);
  const ElementType type = name == "Gelu" ? random.Pick({kFloat, kFloat, kDouble}) : kFloat;
  Value* const x = c.Input(random.Values(type, shape));
  if (name == "QuickGelu") {
    Attributes attributes;
    if (random.Chance(0.6)) attributes.emplace_back("alpha", static_cast<float>(random.Real(0, 2)));
    return c.Only({x}, attributes);
  }
  const bool bias = name == "BiasGelu" || (name == "FastGelu" && random.Chance(0.5));
  c.Only({x, bias ? c.Weights(random.Values(kFloat, {shape.Back(0)})) : nullptr});
}

void QLinearActivation(Case& c) {
  Random& random = c.random();
  const ElementType type = Byte(c);
  Attributes attributes;
  if (c.subject().name == "QLinearLeakyRelu" && random.Chance(0.6)) {
    attributes.emplace_back("alpha", 0.3f);
  }
  c.steps = 1;
  c.Only({c.Fed(Bytes(random, type, random.AnyShape(1, 4))), c.Constant(Scale(random)),
          Zero(c, type), c.Constant(Scale(random)), Zero(c, type)},
         attributes);
}

void QLinearBinary(Case& c) {
  Random& random = c.random();
  const ElementType type = Byte(c);
  const Shape shape = random.AnyShape(1, 4);
  c.steps = 1;
  Shape a = shape, b = random.Broadcastable(shape);
  if (random.Chance(0.5)) std::swap(a, b);
  const bool constant = random.Chance(0.3);
  Value* const left = c.Fed(Bytes(random, type, a));
  Tensor right = Bytes(random, type, b);
  c.Only({left, c.Constant(Scale(random)), Zero(c, type),
          constant ? c.Constant(right) : c.Fed(right), c.Constant(Scale(random)), Zero(c, type),
          c.Constant(random.Values(kFloat, {}, 0.05, 0.5)), Zero(c, type)});
}

void QLinearPool(Case& c) {
  Random& random = c.random();
  const ElementType type = Byte(c);
  const bool last = random.Chance(0.4);
  const int axes = static_cast<int>(random.PickSize({1, 2, 2, 3}, 2));
  const int64_t channels = random.Int(1, 20, 64);
  Shape shape = {random.Int(1, 2)};
  if (!last) shape.Append(channels);
  for (int i = 0; i < axes; ++i) shape.Append(random.Int(3, 8, 56));
  if (last) shape.Append(channels);
  Attributes attributes;
  if (last || random.Chance(0.3)) attributes.emplace_back("channels_last", int64_t{last});
  if (c.subject().name == "QLinearAveragePool") {
    const auto each = [&](int64_t low, int64_t high, int64_t realistic, int count) {
      std::vector<int64_t> list;
      for (int i = 0; i < count; ++i) list.push_back(random.Int(low, high, realistic));
      return list;
    };
    attributes.emplace_back("kernel_shape", each(2, 3, 3, axes));
    if (random.Chance(0.5)) attributes.emplace_back("strides", each(1, 2, 2, axes));
    if (random.Chance(0.3)) attributes.emplace_back("count_include_pad", int64_t{1});
    if (random.Chance(0.3)) attributes.emplace_back("ceil_mode", int64_t{1});
    if (random.Chance(0.3)) attributes.emplace_back("pads", each(0, 1, 1, 2 * axes));
  }
  c.steps = 1;
  Value* const x = c.Fed(Bytes(random, type, shape));
  Value* const x_scale = c.Constant(Scale(random));
  Value* const x_zero = Zero(c, type);
  c.Only({x, x_scale, x_zero, c.Constant(Scale(random)), Zero(c, type)}, attributes);
}

void QLinearReduceMean(Case& c) {
  Random& random = c.random();
  const ElementType type = Byte(c);
  Shape shape = random.AnyShape(1, 4);
  for (int i = 0; i < shape.rank(); ++i) shape[i] = std::max<int64_t>(shape[i], 1);
  std::vector<int64_t> axes = random.Permutation(shape.rank());
  axes.resize(static_cast<size_t>(random.Int(1, shape.rank())));
  if (random.typical()) axes = {2, 3};
  c.steps = 1;
  Value* const x = c.Fed(Bytes(random, type, shape));
  Value* const x_scale = c.Constant(Scale(random));
  Value* const x_zero = Zero(c, type);
  Value* const y_scale = c.Constant(Scale(random));
  Value* const y_zero = Zero(c, type);
  const int64_t keep = random.Int(0, 1);
  c.Only({x, x_scale, x_zero, y_scale, y_zero}, {{"axes", axes}, {"keepdims", keep}});
  c.BeginTwin(13);  // the peer has no kernel
  const Words w{c};
  Value* const wide = w("DequantizeLinear", {c.Twin(x), c.Twin(x_scale), c.Twin(x_zero)});
  Value* const mean = w("ReduceMean", {wide}, {{"axes", axes}, {"keepdims", keep}});
  c.Return(w("QuantizeLinear", {mean, c.Twin(y_scale), c.Twin(y_zero)}));
}

void QLinearSoftmax(Case& c) {
  Random& random = c.random();
  const ElementType type = Byte(c);
  Shape shape = random.AnyShape(1, 4);
  for (int i = 0; i < shape.rank(); ++i) shape[i] = std::max<int64_t>(shape[i], 1);
  const auto opset = random.Pick<int64_t>({11, 13});
  c.steps = 1;
  c.Only({c.Fed(Bytes(random, type, shape)), c.Constant(Scale(random)), Zero(c, type),
          c.Constant(Tensor::Scalar(1.0f / 256)),
          c.Constant(random.Values(type, {}, type == kInt8 ? -128 : 0, type == kInt8 ? -128 : 0))},
         {{"axis", random.Axis(shape.rank())}, {"opset", opset}});
}

void QLinearConcat(Case& c) {
  Random& random = c.random();
  const ElementType type = Byte(c);
  Shape shape = random.AnyShape(1, 4);
  const auto axis = random.Int(0, shape.rank() - 1);
  std::vector<Value*> inputs = {c.Constant(Scale(random)), Zero(c, type)};
  for (int64_t i = random.Int(1, 3); i > 0; --i) {
    shape[static_cast<int>(axis)] = random.Int(1, 4, shape[static_cast<int>(axis)]);
    inputs.push_back(c.Fed(Bytes(random, type, shape)));
    inputs.push_back(c.Constant(Scale(random)));
    inputs.push_back(Zero(c, type));
  }
  c.steps = 1;
  c.Only(inputs, {{"axis", random.Chance(0.7) ? axis : axis - shape.rank()}});
}

void QLinearWhere(Case& c) {
  Random& random = c.random();
  const ElementType type = Byte(c);
  const Shape shape = random.AnyShape(1, 4);
  c.steps = 1;
  c.Only({c.Fed(random.Values(kBool, random.Broadcastable(shape))),
          c.Fed(Bytes(random, type, shape)), c.Constant(Scale(random)), Zero(c, type),
          c.Fed(Bytes(random, type, random.Broadcastable(shape))), c.Constant(Scale(random)),
          Zero(c, type), c.Constant(Scale(random)), Zero(c, type)});
}

void QGemm(Case& c) {
  Random& random = c.random();
  const int64_t m = random.Int(1, 6, 128), n = random.Int(1, 20, 256), k = random.Int(1, 20, 256);
  const bool trans_a = random.Chance(0.3), trans_b = random.Chance(0.4);
  const ElementType type = Byte(c);
  const ElementType weight = type == kInt8 ? kInt8 : random.Pick({kUint8, kInt8});
  const bool columns = random.Chance(0.4), to_float = random.Chance(0.3);
  const Shape per_column = columns ? Shape{n} : Shape{};
  Attributes attributes;
  if (trans_a) attributes.emplace_back("transA", int64_t{1});
  if (trans_b) attributes.emplace_back("transB", int64_t{1});
  if (random.Chance(0.3)) attributes.emplace_back("alpha", 0.5f);
  c.steps = 1;
  c.Only(
      {c.Fed(Bytes(random, type, trans_a ? Shape{k, m} : Shape{m, k})), c.Constant(Scale(random)),
       Zero(c, type), c.Input(Bytes(random, weight, trans_b ? Shape{n, k} : Shape{k, n})),
       c.Constant(Scale(random, per_column)),
       c.Constant(random.Values(weight, per_column, 0, weight == kInt8 ? 0 : 20)),
       random.Chance(0.5)
           ? c.Input(random.Values(
                 kInt32,
                 random.Pick<Shape>({Shape{n}, Shape{m, n}, Shape{m, 1}, Shape{1, n}, Shape{1}}),
                 -900, 900))
           : nullptr,
       to_float ? nullptr : c.Constant(random.Values(kFloat, {}, 0.3, 2)),
       to_float ? nullptr : Zero(c, type)},
      attributes);
}

void FloatProduct(Case& c) {
  Random& random = c.random();
  const bool dynamic = c.subject().name == "DynamicQuantizeMatMul";
  const int64_t m = random.Int(1, 6, 128), n = random.Int(1, 20, 256), k = random.Int(1, 24, 256);
  const bool stacked = random.Chance(0.15);
  const Shape a = stacked || random.Chance(0.4) ? Shape{2, m, k} : Shape{m, k};
  const ElementType weight = random.Pick({kUint8, kInt8});
  const auto per_column = [&] {
    if (!random.Chance(0.4)) return random.Chance(0.5) ? Shape{} : Shape{1};
    return stacked ? Shape{2, 1, n} : Shape{n};
  };
  const bool fed = random.Chance(0.2);
  const auto given = [&](const Tensor& tensor) { return fed ? c.Fed(tensor) : c.Constant(tensor); };
  Value* const b = given(Bytes(random, weight, stacked ? Shape{2, k, n} : Shape{k, n}));
  Value* const b_scale = given(Scale(random, per_column()));
  Value* const b_zero =
      random.Chance(0.6) ? given(random.Values(weight, per_column(), -5, 90)) : nullptr;
  Value* const bias = random.Chance(0.5) ? c.Constant(random.Values(kFloat, {n})) : nullptr;
  c.tolerance = {1e-3, 1e-3, 1e-3};
  if (dynamic) {
    return c.Only({c.Fed(random.Values(kFloat, a)), b, b_scale, b_zero, bias});
  }
  const ElementType type = weight == kUint8 ? kUint8 : Byte(c);
  // For each column of A, which the schema has and the peer has not, or for each row.
  const bool each = random.Chance(0.2);
  const Shape many = random.Chance(0.6) ? Shape{k} : Shape{m, 1};
  const bool scales = each && random.Chance(0.6);
  Value* const x = c.Fed(Bytes(random, type, a));
  Value* const a_scale = c.Constant(Scale(random, scales ? many : Shape{}));
  Value* const a_zero =
      random.Chance(0.6)
          ? c.Constant(random.Values(type, each && !scales ? many : Shape{}, -20, 90))
          : nullptr;
  c.Only({x, b, a_scale, b_scale, a_zero, b_zero, bias});
  if (!each) return;
  c.BeginTwin(13);
  const Words w{c};
  const auto floats = [&](Value* bytes, Value* scale, Value* zero) {
    Value* number = w.Cast(c.Twin(bytes), kFloat);
    if (zero != nullptr) number = w("Sub", {number, w.Cast(c.Twin(zero), kFloat)});
    return w("Mul", {number, c.Twin(scale)});
  };
  Value* const product = w("MatMul", {floats(x, a_scale, a_zero), floats(b, b_scale, b_zero)});
  c.Return(bias == nullptr ? product : w("Add", {product, c.Twin(bias)}));
}

void FusedMatMul(Case& c) {
  Random& random = c.random();
  const int64_t m = random.Int(1, 6, 128), n = random.Int(1, 20, 256), k = random.Int(1, 20, 256);
  const bool trans_a = random.Chance(0.4), trans_b = random.Chance(0.4);
  const bool old = c.subject().name == "TransposeMatMul";
  std::vector<int64_t> batch;
  for (int64_t i = random.PickSize({0, 0, 1, 2}, 1); i > 0; --i)
    batch.push_back(random.Int(2, 3, 4));
  const bool batch_a = !old && !batch.empty() && random.Chance(0.2);
  const bool batch_b = !old && !batch.empty() && random.Chance(0.2);
  // With transBatchA the batch axes stand between the two of the matrix.
  const auto shape = [&](int64_t rows, int64_t columns, bool transposed, bool batch_inside) {
    if (transposed) std::swap(rows, columns);
    Shape sizes;
    if (batch_inside) sizes.Append(rows);
    for (const int64_t size : batch) sizes.Append(size);
    if (!batch_inside) sizes.Append(rows);
    sizes.Append(columns);
    return sizes;
  };
  Attributes attributes;
  if (trans_a) attributes.emplace_back("transA", int64_t{1});
  if (trans_b) attributes.emplace_back("transB", int64_t{1});
  if (batch_a) attributes.emplace_back("transBatchA", int64_t{1});
  if (batch_b) attributes.emplace_back("transBatchB", int64_t{1});
  if (random.Chance(0.6)) attributes.emplace_back("alpha", 0.5f);
  c.tolerance = {1e-4, 1e-5, 1e-6};
  const ElementType type = random.Pick({kFloat, kFloat, kDouble});
  // A vector is not transposed. The peer reads a matrix that is as it lies before a vector.
  Shape a = shape(m, k, trans_a, batch_a), b = shape(k, n, trans_b, batch_b);
  if (!batch_a && !batch_b && random.Chance(0.1)) a = Shape{k};
  if (!batch_a && !batch_b && !trans_a && random.Chance(0.1)) b = Shape{k};
  c.Only({c.Input(random.Values(type, a)), c.Input(random.Values(type, b))}, attributes);
}

void AddActivation(Case& c, Attributes& attributes, const char* parameters) {
  Random& random = c.random();
  const bool list = std::string_view(parameters) == "activation_params";
  const std::string name =
      random.Chance(0.6) ? random.Pick({"Relu", "Tanh", "Sigmoid", "LeakyRelu", "HardSigmoid"})
      : list             ? random.Pick({"Clip", "HardSwish"})
             : random.Pick({"Elu", "Selu", "Celu", "Softplus", "Softsign", "ThresholdedRelu"});
  attributes.emplace_back("activation", name);
  if (name == "Selu") attributes.emplace_back("activation_gamma", 1.5f);
  const bool two = name == "HardSigmoid" || name == "Clip";
  if (!two && name != "LeakyRelu" && name != "Elu" && name != "Selu" && name != "Celu" &&
      name != "ThresholdedRelu") {
    return;
  }
  if (list) {
    attributes.emplace_back(parameters,
                            two ? std::vector<float>{0.3f, 0.4f} : std::vector<float>{0.2f});
  } else {
    attributes.emplace_back("activation_alpha", 0.2f);
    if (two) attributes.emplace_back("activation_beta", 0.4f);
  }
}

void FusedGemm(Case& c) {
  Random& random = c.random();
  const int64_t m = random.Int(1, 6, 128), n = random.Int(1, 20, 256), k = random.Int(1, 20, 256);
  Attributes attributes;
  const bool trans_b = random.Chance(0.5);
  if (trans_b) attributes.emplace_back("transB", int64_t{1});
  if (random.Chance(0.4)) attributes.emplace_back("alpha", 0.5f);
  if (random.Chance(0.4)) attributes.emplace_back("beta", 2.0f);
  AddActivation(c, attributes, "activation_alpha");
  c.tolerance = {1e-4, 1e-5, 1e-6};
  c.Only({c.Input(random.Values(kFloat, {m, k})),
          c.Weights(random.Values(kFloat, trans_b ? Shape{n, k} : Shape{k, n})),
          random.Chance(0.7) ? c.Weights(random.Values(kFloat, {n})) : nullptr},
         attributes);
}

void FusedConv(Case& c) {
  Random& random = c.random();
  const int64_t groups = random.Pick({1, 1, 2});
  const int64_t channels = groups * random.Int(1, 4, 64 / groups);
  const int64_t filters = groups * random.Int(1, 9, 96 / groups);
  const int64_t kh = random.Int(1, 3, 3), kw = random.Int(1, 3, 3), h = random.Int(3, 9, 56),
                w = random.Int(3, 9, 56);
  Attributes attributes = {{"kernel_shape", std::vector<int64_t>{kh, kw}}};
  if (groups > 1) attributes.emplace_back("group", groups);
  const bool sum = random.Chance(0.4);
  if (!sum || random.Chance(0.5)) AddActivation(c, attributes, "activation_params");
  Shape out = {2, filters, h - kh + 1, w - kw + 1};
  if (random.Chance(0.3)) {
    attributes.emplace_back("auto_pad", std::string("SAME_UPPER"));
    out = Shape{2, filters, h, w};
  } else if (random.Chance(0.3)) {
    attributes.emplace_back("pads", std::vector<int64_t>{1, 0, 1, 2});
    attributes.emplace_back("strides", std::vector<int64_t>{2, 1});
    out = Shape{2, filters, (h + 2 - kh) / 2 + 1, w + 2 - kw + 1};
  }
  Value* const bias =
      sum || random.Chance(0.6) ? c.Weights(random.Values(kFloat, {filters})) : nullptr;
  c.tolerance = {1e-3, 1e-5, 1e-5};
  c.Only({c.Fed(random.Values(kFloat, {2, channels, h, w})),
          c.Constant(random.Values(kFloat, {filters, channels / groups, kh, kw})), bias,
          sum ? c.Fed(random.Values(kFloat, out)) : nullptr},
         attributes);
}

void MicrosoftQuantize(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(1, 3);
  const bool down = c.subject().name == "QuantizeLinear";
  // Bindings of the peer have no numbers of 4 bits.
  const ElementType type =
      down ? random.Pick({kUint8, kInt8, kUint16, kInt16})
           : random.Pick({kUint8, kInt8, kUint16, kInt16, kInt32, kUint4, kInt4});
  const bool axis = random.Chance(0.4);
  const int at = static_cast<int>(random.Int(0, shape.rank() - 1));
  const Shape parameters = axis ? Shape{shape[at]} : random.Pick({Shape{}, Shape{1}});
  Attributes attributes;
  if (axis) attributes.emplace_back("axis", int64_t{random.Chance(0.7) ? at : at - shape.rank()});
  const ElementType real = random.Pick({kFloat, kFloat, kFloat16});
  const double most = type == kInt32 ? 0 : 100;
  const Tensor packed = random.Values(type, shape, -100, 100);
  Value* const x = down              ? c.Input(random.Values(real, shape, -9, 9))
                   : IsSubByte(type) ? c.Constant(packed)
                                     : c.Input(packed);
  Value* const scale = c.Input(random.Values(real, parameters, 0.01, 0.1));
  const Tensor zero = random.Values(type, parameters, -most, most);
  c.Only({x, scale,
          random.Chance(0.2) ? nullptr
          : IsSubByte(type)  ? c.Constant(zero)
                             : c.Input(zero)},
         attributes);
}

void DynamicQuantizeLstm(Case& c) {
  Random& random = c.random();
  const int64_t time = random.Int(1, 4, 32), batch = random.Int(1, 3, 4);
  const int64_t width = random.Int(1, 6, 128), hidden = random.PickSize({3, 8, 16}, 128);
  const bool both = random.Chance(0.4);
  const int64_t directions = both ? 2 : 1;
  Attributes attributes = {{"hidden_size", hidden}};
  if (both) attributes.emplace_back("direction", std::string("bidirectional"));
  if (!both && random.Chance(0.2)) attributes.emplace_back("direction", std::string("reverse"));
  if (random.Chance(0.2)) attributes.emplace_back("clip", 0.6f);
  if (random.Chance(0.2)) attributes.emplace_back("input_forget", int64_t{1});
  if (random.Chance(0.2)) {
    std::vector<std::string> names;
    for (int64_t i = 0; i < directions; ++i) names.insert(names.end(), {"Sigmoid", "Tanh", "Relu"});
    attributes.emplace_back("activations", names);
  }
  const ElementType type = random.Pick({kUint8, kInt8});
  const Shape scales = {directions};  // the peer takes no scales of columns
  // Weights lie around zero: a rounding of one step then grows little from step to step.
  const auto zero = [&] {
    return c.Constant(
        random.Values(type, scales, type == kInt8 ? 0 : 118, type == kInt8 ? 0 : 138));
  };
  const auto weights = [&](int64_t rows) {
    return c.Constant(Bytes(random, type, {directions, rows, 4 * hidden}));
  };
  const auto scale = [&] { return c.Constant(random.Values(kFloat, scales, 0.001, 0.005)); };
  Value* const x = c.Fed(random.Values(kFloat, {time, batch, width}, -1, 1));
  Value* const w = weights(width);
  Value* const r = weights(hidden);
  Value* const bias = random.Chance(0.6)
                          ? c.Constant(random.Values(kFloat, {directions, 8 * hidden}, -1, 1))
                          : nullptr;
  Value* const h = random.Chance(0.4)
                       ? c.Fed(random.Values(kFloat, {directions, batch, hidden}, -1, 1))
                       : nullptr;
  Value* const lengths = random.Chance(0.3)
                             ? c.Fed(random.Values(kInt32, {batch}, 1, static_cast<double>(time)))
                             : nullptr;
  const auto state = [&](double chance, const Shape& shape) {
    return random.Chance(chance) ? c.Fed(random.Values(kFloat, shape, -1, 1)) : nullptr;
  };
  Value* const cell = state(0.3, {directions, batch, hidden});
  Value* const peepholes = state(0.2, {directions, 3 * hidden});
  c.tolerance = {1e-2, 1e-2, 1e-2};
  c.Only({x, w, r, bias, lengths, h, cell, peepholes, scale(), zero(), scale(), zero()}, attributes,
         static_cast<int>(random.Int(1, 3)));
}

void QLinearConvLast(Case& c) {
  Random& random = c.random();
  const int64_t channels = random.Int(1, 6, 64), filters = random.Int(1, 9, 64);
  const ElementType type = Byte(c);
  const bool last = random.Chance(0.6);
  const int64_t h = random.Int(3, 7, 56), w = random.Int(3, 7, 56);
  const Shape image = last ? Shape{1, h, w, channels} : Shape{1, channels, h, w};
  Attributes attributes = {{"channels_last", int64_t{last}}};
  if (random.Chance(0.5)) attributes.emplace_back("pads", std::vector<int64_t>{1, 0, 1, 1});
  if (random.Chance(0.3)) attributes.emplace_back("strides", std::vector<int64_t>{2, 1});
  const bool by_channel = random.Chance(0.5);
  const Shape scales = by_channel ? Shape{filters} : Shape{};
  c.steps = 1;
  c.Only({c.Fed(Bytes(random, type, image)), c.Constant(Scale(random)), Zero(c, type),
          c.Constant(Bytes(random, kInt8, {filters, channels, 3, 2})),
          c.Constant(Scale(random, scales)), c.Constant(random.Values(kInt8, scales, 0, 0)),
          c.Constant(random.Values(kFloat, {}, 0.3, 1)), Zero(c, type),
          random.Chance(0.5) ? c.Constant(random.Values(kInt32, {filters}, -900, 900)) : nullptr},
         attributes);
}

void ReduceSumInteger(Case& c) {
  Random& random = c.random();
  Shape shape = random.AnyShape(1, 4);
  std::vector<int64_t> axes = random.Permutation(shape.rank());
  axes.resize(static_cast<size_t>(random.Int(1, shape.rank())));
  if (random.typical()) axes = {2, 3};
  const ElementType type = random.Pick({kInt8, kUint8});
  Value* const x = c.Input(random.Values(type, shape, -100, 100));
  const int64_t keep = random.Int(0, 1);
  c.Only({x}, {{"axes", axes}, {"keepdims", keep}});
  c.BeginTwin(13);  // the peer has no kernel, nor sums of uint32
  const Words w{c};
  Value* const sum =
      w("ReduceSum", {w.Cast(c.Twin(x), kInt32), w.Ints(axes)}, {{"keepdims", keep}});
  c.Return(w.Cast(sum, type == kInt8 ? kInt32 : kUint32));
}

void CDist(Case& c) {
  Random& random = c.random();
  const auto width = random.Int(1, 9, 64);
  c.tolerance = {1e-3, 1e-3, 1e-4};
  c.Only({c.Input(random.Values(kFloat, {random.Int(1, 5, 500), width})),
          c.Input(random.Values(kFloat, {random.Int(1, 5, 500), width}))},
         {{"metric", std::string(random.Pick({"sqeuclidean", "euclidean"}))}});
}

void ExpandDims(Case& c) {
  const Shape shape = c.random().AnyShape(1, 3);
  c.Only({c.Input(c.random().Values(kFloat, shape)),
          c.Constant(Tensor::Scalar<int32_t>(
              static_cast<int32_t>(c.random().Int(-shape.rank() - 1, shape.rank()))))});
}

void MulInteger(Case& c) {
  Random& random = c.random();
  const ElementType type = Byte(c);
  const Shape shape = random.AnyShape(1, 3);
  Value* const a = c.Input(Bytes(random, type, shape));
  Value* const a_zero = Zero(c, type);
  Value* const b = c.Input(Bytes(random, type, random.Broadcastable(shape)));
  Value* const b_zero = Zero(c, type);
  c.Only({a, a_zero, b, b_zero});
  c.BeginTwin(13);  // the peer has no kernel
  const Words w{c};
  const auto number = [&](Value* x, Value* zero) {
    Value* const wide = w.Cast(c.Twin(x), kInt32);
    return zero == nullptr ? wide : w("Sub", {wide, w.Cast(c.Twin(zero), kInt32)});
  };
  c.Return(w("Mul", {number(a, a_zero), number(b, b_zero)}));
}

}  // namespace

std::vector<Subject> MicrosoftSubjects() {
  return {{"Gelu", Activation, kMicrosoft, 13},
          {"QuickGelu", Activation, kMicrosoft, 13},
          {"FastGelu", Activation, kMicrosoft, 13},
          {"BiasGelu", Activation, kMicrosoft, 13},
          {"QLinearSigmoid", QLinearActivation, kMicrosoft, 13},
          {"QLinearLeakyRelu", QLinearActivation, kMicrosoft, 13},
          {"QLinearAdd", QLinearBinary, kMicrosoft, 13},
          {"QLinearMul", QLinearBinary, kMicrosoft, 13},
          {"QLinearAveragePool", QLinearPool, kMicrosoft, 13},
          {"QLinearGlobalAveragePool", QLinearPool, kMicrosoft, 13},
          {"QLinearReduceMean", QLinearReduceMean, kMicrosoft, 13},
          {"QLinearSoftmax", QLinearSoftmax, kMicrosoft, 13},
          {"QLinearConcat", QLinearConcat, kMicrosoft, 13},
          {"QLinearWhere", QLinearWhere, kMicrosoft, 13},
          {"QLinearConv", QLinearConvLast, kMicrosoft, 13},
          {"QGemm", QGemm, kMicrosoft, 13},
          {"MatMulIntegerToFloat", FloatProduct, kMicrosoft, 13},
          {"DynamicQuantizeMatMul", FloatProduct, kMicrosoft, 13},
          {"DynamicQuantizeLSTM", DynamicQuantizeLstm, kMicrosoft, 13},
          {"FusedMatMul", FusedMatMul, kMicrosoft, 13},
          {"TransposeMatMul", FusedMatMul, kMicrosoft, 13},
          {"FusedGemm", FusedGemm, kMicrosoft, 13},
          {"FusedConv", FusedConv, kMicrosoft, 13},
          {"QuantizeLinear", MicrosoftQuantize, kMicrosoft, 13},
          {"DequantizeLinear", MicrosoftQuantize, kMicrosoft, 13},
          {"ReduceSumInteger", ReduceSumInteger, kMicrosoft, 13},
          {"CDist", CDist, kMicrosoft, 13},
          {"ExpandDims", ExpandDims, kMicrosoft, 13},
          {"MulInteger", MulInteger, kMicrosoft, 13}};
}

}  // namespace mullion::differential
