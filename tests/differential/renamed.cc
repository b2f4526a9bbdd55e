// SPDX-License-Identifier: MIT
// com.microsoft's operators that are one of ai.onnx's in other words. The peer has no kernel for
// many of them: their twins are in ai.onnx's.
#include <algorithm>

#include "tests/differential/spelled_out.h"
#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

Value* ToFirst(const Words& w, Value* x) {
  return w("Transpose", {x}, {{"perm", std::vector<int64_t>{0, 3, 1, 2}}});
}
Value* ToLast(const Words& w, Value* x) {
  return w("Transpose", {x}, {{"perm", std::vector<int64_t>{0, 2, 3, 1}}});
}

void NhwcConv(Case& c) {
  Random& random = c.random();
  const bool fused = c.subject().name == "NhwcFusedConv";
  const int64_t groups = random.Pick({1, 1, 2}), channels = groups * random.Int(1, 4, 32),
                filters = groups * random.Int(1, 5, 32);
  const int64_t kh = random.Int(1, 3, 3), kw = random.Int(1, 3, 3), h = random.Int(3, 9, 56),
                width = random.Int(3, 9, 56);
  Attributes attributes = {{"kernel_shape", std::vector<int64_t>{kh, kw}}};
  if (groups > 1) attributes.emplace_back("group", groups);
  const bool padded = random.Chance(0.5);
  if (padded) attributes.emplace_back("pads", std::vector<int64_t>{1, 0, 1, 1});
  const Attributes plain = attributes;
  const bool relu = fused && random.Chance(0.6), sum = fused && random.Chance(0.4);
  if (relu) attributes.emplace_back("activation", std::string("Relu"));
  Tensor weights = random.Values(kFloat, {filters, channels / groups, kh, kw});
  if (!fused) weights = random.Values(kFloat, {filters, kh, kw, channels / groups});
  Value* const x = c.Fed(random.Values(kFloat, {2, h, width, channels}));
  Value* const f = c.Constant(weights);
  Value* const bias =
      sum || random.Chance(0.5) ? c.Constant(random.Values(kFloat, {filters})) : nullptr;
  const Shape out = {2, h - kh + 1 + (padded ? 2 : 0), width - kw + 1 + (padded ? 1 : 0), filters};
  Value* const z = sum ? c.Fed(random.Values(kFloat, out)) : nullptr;
  c.tolerance = {1e-3, 1e-5, 1e-5};
  c.Only({x, f, bias, z}, attributes);
  c.BeginTwin(17);
  const Words w{c};
  Value* const image = ToFirst(w, c.Twin(x));
  Value* const kernel = fused ? c.Twin(f) : ToFirst(w, c.Twin(f));
  Value* y = ToLast(w, w("Conv", {image, kernel, c.Twin(bias)}, plain));
  if (z != nullptr) y = w("Add", {y, c.Twin(z)});
  c.Return(relu ? w("Relu", {y}) : y);
}

void NhwcMaxPool(Case& c) {
  Random& random = c.random();
  const Shape shape = {random.Int(1, 2), random.Int(3, 8, 56), random.Int(3, 8, 56),
                       random.Int(1, 9, 64)};
  Attributes attributes = {{"kernel_shape", std::vector<int64_t>{2, random.Int(1, 3, 2)}}};
  if (random.Chance(0.5)) attributes.emplace_back("strides", std::vector<int64_t>{2, 1});
  if (random.Chance(0.4)) attributes.emplace_back("pads", std::vector<int64_t>{1, 0, 0, 0});
  c.Only({c.Fed(random.Values(random.Pick({kUint8, kInt8}), shape, -128, 127))}, attributes);
}

void GroupNorm(Case& c) {
  Random& random = c.random();
  const bool skip = c.subject().name == "SkipGroupNorm";
  const int64_t groups = random.Int(1, 3, 8), channels = groups * random.Int(1, 4, 16);
  const bool last = skip || random.Chance(0.6), silu = random.Chance(0.5);
  const int64_t n = random.Int(1, 2), h = random.Int(1, 5, 32), width = random.Int(2, 5, 32);
  const Shape shape = last ? Shape{n, h, width, channels} : Shape{n, channels, h, width};
  Attributes attributes = {{"groups", groups}, {"activation", int64_t{silu}}};
  if (!last) attributes.emplace_back("channels_last", int64_t{0});
  const float epsilon = random.Chance(0.5) ? 1e-2f : 1e-5f;
  if (epsilon > 1e-3f) attributes.emplace_back("epsilon", epsilon);
  Value* const x = c.Fed(random.Values(kFloat, shape));
  Value* const gamma = c.Input(random.Values(kFloat, {channels}));
  Value* const beta = c.Input(random.Values(kFloat, {channels}));
  const int form = static_cast<int>(random.Int(0, 2));
  const Shape added = form == 0 ? shape : form == 1 ? Shape{n, 1, 1, channels} : Shape{n, channels};
  Value* const other = skip ? c.Fed(random.Values(kFloat, added)) : nullptr;
  Value* const bias =
      skip && random.Chance(0.5) ? c.Input(random.Values(kFloat, {channels})) : nullptr;
  c.Loose(10);
  c.Only({x, gamma, beta, other, bias}, attributes, skip ? 2 : 1);
  c.BeginTwin(13);
  const Words w{c};
  Value* sum = c.Twin(x);
  if (skip) {
    Value* const wide = form == 2 ? w("Unsqueeze", {c.Twin(other), w.Ints({1, 2})}) : c.Twin(other);
    sum = w("Add", {sum, wide});
    if (bias != nullptr) sum = w("Add", {sum, c.Twin(bias)});
  }
  // By InstanceNormalization over [N, groups, elements of a group].
  Value* const first = last ? ToFirst(w, sum) : sum;
  Value* const flat = w("Reshape", {first, w.Ints({n, groups, -1})});
  const std::vector<float> ones(static_cast<size_t>(groups), 1);
  const std::vector<float> none(static_cast<size_t>(groups), 0);
  Value* const normal = w("InstanceNormalization",
                          {flat, c.TwinConstant(Tensor::Vector<float>(ones)),
                           c.TwinConstant(Tensor::Vector<float>(none))},
                          {{"epsilon", epsilon}});
  Value* const image = w("Reshape", {normal, w.Ints({n, channels, h, width})});
  const auto column = [&](Value* v) { return w("Reshape", {c.Twin(v), w.Ints({channels, 1, 1})}); };
  Value* y = w("Add", {w("Mul", {image, column(gamma)}), column(beta)});
  if (silu) y = w("Mul", {y, w("Sigmoid", {y})});
  c.Return(last ? ToLast(w, y) : y);
  if (skip) c.Return(sum);
}

void BiasSplitGelu(Case& c) {
  Random& random = c.random();
  const int64_t width = 2 * random.Int(1, 9, 320);
  Value* const x = c.Fed(random.Values(kFloat, {random.Int(1, 2), random.Int(1, 5, 64), width}));
  Value* const bias = c.Weights(random.Values(kFloat, {width}));
  c.Only({x, bias});
  c.BeginTwin(20);
  const Words w{c};
  Value* const sum = w("Add", {c.Twin(x), c.Twin(bias)});
  const auto part = [&](int64_t begin, int64_t end) {
    return w("Slice", {sum, w.Ints({begin}), w.Ints({end}), w.Ints({-1})});
  };
  c.Return(w("Mul", {part(0, width / 2), w("Gelu", {part(width / 2, width)})}));
}

void BiasSoftmax(Case& c) {
  Random& random = c.random();
  const Shape shape = {random.Int(1, 3), random.Int(1, 3, 12), random.Int(1, 5, 64),
                       random.Int(1, 7, 64)};
  const auto axis = random.Pick<int64_t>({3, 3, 2});
  const bool inner = random.Chance(0.5);
  const Shape bias = inner ? Shape{shape[0], 1, axis == 2 ? shape[2] : 1, shape[3]}
                           : Shape{1, 1, shape[2], shape[3]};
  Value* const x = c.Fed(random.Values(kFloat, shape));
  Value* const b = c.Fed(random.Values(kFloat, bias));
  c.Only({x, b}, {{"axis", axis}, {"is_inner_broadcast", int64_t{inner}}});
  c.BeginTwin(11);
  const Words w{c};
  c.Return(w("Softmax", {w("Add", {c.Twin(x), c.Twin(b)})}, {{"axis", axis}}));
}

void GatherNd(Case& c) {
  Random& random = c.random();
  Shape shape = random.AnyShape(1, 4);
  for (int i = 0; i < shape.rank(); ++i) shape[i] = std::max<int64_t>(shape[i], 1);
  const auto depth = random.Int(1, shape.rank());
  int64_t least = shape[0];
  for (int i = 1; i < depth; ++i) least = std::min(least, shape[i]);
  Shape indices = random.AnyShape(0, 2);
  indices.Append(depth);
  c.Only({c.Input(random.Values(random.Pick({kFloat, kInt64, kUint8}), shape)),
          c.Input(random.Values(random.Pick({kInt64, kInt32}), indices, 0,
                                static_cast<double>(least - 1)))});
}

void Trilu(Case& c) {
  Random& random = c.random();
  Attributes attributes;
  if (random.Chance(0.6)) attributes.emplace_back("upper", random.Int(0, 1));
  c.Only({c.Input(random.Values(random.Pick({kFloat, kInt64, kDouble}), random.AnyShape(2, 4))),
          random.Chance(0.6) ? c.Input(Tensor::Scalar(random.Int(-3, 3))) : nullptr},
         attributes);
}

void Pad(Case& c) {
  Random& random = c.random();
  Shape shape = random.AnyShape(1, 4);
  for (int i = 0; i < shape.rank(); ++i) shape[i] = std::max<int64_t>(shape[i], 3);
  const std::string mode = random.Pick({"constant", "reflect", "edge"});
  std::vector<int64_t> pads(static_cast<size_t>(2 * shape.rank()));
  for (int64_t& pad : pads) pad = random.Int(mode == "constant" ? -1 : 0, 2);
  Value* const list =
      c.Input(random.Chance(0.5) ? Ints(pads)
                                 : Tensor::FromSpan<int64_t>(Shape{1, std::ssize(pads)},
                                                             std::span<const int64_t>(pads)));
  const ElementType type = random.Pick({kFloat, kDouble});
  Value* const x = c.Input(random.Values(type, shape));
  c.Only({x, list,
          random.Chance(0.5) ? c.Input(random.Values(type, random.Chance(0.5) ? Shape{} : Shape{1}))
                             : nullptr},
         {{"mode", mode}});
}

void Range(Case& c) {
  Random& random = c.random();
  const ElementType type = random.Pick({kFloat, kDouble, kInt32, kInt64, kInt16});
  const Shape shape = random.Chance(0.5) ? Shape{} : Shape{1};
  Value* const begin = c.Input(random.Values(type, shape, -5, 5));
  Value* const end = c.Input(random.Values(type, shape, 6, 20));
  c.Only({begin, end, random.Chance(0.6) ? c.Input(random.Values(type, shape, 1, 3)) : nullptr});
}

void Unique(Case& c) {
  Tensor x = c.random().Values(kFloat, {c.random().Int(1, 20, 5000)}, -3, 3);
  for (float& value : x.mutable_view().span<float>())
    value = static_cast<float>(static_cast<int>(value));
  c.Only({c.Input(x)}, {}, 3);
}

void MatMulInteger16(Case& c) {
  Random& random = c.random();
  const int64_t m = random.Int(1, 6, 128), n = random.Int(1, 20, 128), k = random.Int(1, 20, 128);
  c.Only({c.Input(random.Values(kInt16, {m, k}, -3000, 3000)),
          c.Input(random.Values(kInt16, {k, n}, -3000, 3000))});
}

void CausalConv(Case& c) {
  Random& random = c.random();
  const int64_t batch = random.Int(1, 2), channels = random.Int(1, 9, 256),
                length = random.Int(1, 6, 128), taps = random.Int(1, 4, 4);
  Attributes attributes;
  if (random.Chance(0.5)) {
    attributes.emplace_back("activation", std::string(random.Pick({"silu", "swish", "none"})));
  }
  c.Only({c.Fed(random.Values(kFloat, {batch, channels, length})),
          c.Weights(random.Values(kFloat, {channels, 1, taps})),
          random.Chance(0.6) ? c.Weights(random.Values(kFloat, {channels})) : nullptr,
          random.Chance(0.6) ? c.Fed(random.Values(kFloat, {batch, channels, taps - 1})) : nullptr},
         attributes, 2);
}

void LinearAttention(Case& c) {
  Random& random = c.random();
  const int64_t batch = random.Int(1, 2), tokens = random.Int(1, 5, 64), kv = random.Int(1, 2, 4),
                heads = kv * random.Pick<int64_t>({1, 1, 2}), key = random.PickSize({2, 4}, 64),
                value = random.PickSize({2, 3}, 64);
  const std::string rule = random.Pick({"linear", "gated", "delta", "gated_delta"});
  const bool gated = rule.rfind("gated", 0) == 0, delta = rule.find("delta") != std::string::npos;
  Attributes attributes = {{"q_num_heads", heads}, {"kv_num_heads", kv}, {"update_rule", rule}};
  if (random.Chance(0.4)) attributes.emplace_back("scale", 0.4f);
  const auto made = [&](int64_t width, double low, double high) {
    return c.Fed(random.Values(kFloat, {batch, tokens, width}, low, high));
  };
  Value* const q = made(heads * key, -1, 1);
  Value* const k = made(kv * key, -1, 1);
  Value* const v = made(kv * value, -1, 1);
  Value* const past =
      random.Chance(0.5) ? c.Fed(random.Values(kFloat, {batch, kv, key, value}, -1, 1)) : nullptr;
  Value* const decay = gated ? made(random.Chance(0.5) ? kv : kv * key, -1, 0) : nullptr;
  Value* const beta = delta ? made(random.Chance(0.5) ? kv : 1, 0, 1) : nullptr;
  c.tolerance = {1e-3, 1e-4, 1e-5};
  c.Only({q, k, v, past, decay, beta}, attributes, 2);
}

void DynamicPads(Case& c) {
  Random& random = c.random();
  const int64_t channels = random.Int(1, 4, 32), filters = random.Int(1, 4, 32);
  const std::vector<int64_t> pads = {random.Int(0, 1), 0, 1, random.Int(0, 1)};
  c.tolerance = {1e-3, 1e-5, 1e-5};
  Value* const x =
      c.Fed(random.Values(kFloat, {2, channels, random.Int(2, 6, 28), random.Int(2, 6, 28)}));
  Value* const f = c.Constant(random.Values(kFloat, {channels, filters, 3, 2}));
  Value* const bias = random.Chance(0.5) ? c.Constant(random.Values(kFloat, {filters})) : nullptr;
  const std::vector<int64_t> strides = {2, random.Int(1, 2)};
  c.Only({x, f, c.Constant(Ints(pads)), bias}, {{"strides", strides}});
  c.BeginTwin(13);
  c.Return(Words{c}("ConvTranspose", {c.Twin(x), c.Twin(f), c.Twin(bias)},
                    {{"strides", strides}, {"pads", pads}}));
}

}  // namespace

std::vector<Subject> RenamedSubjects() {
  return {{"NhwcConv", NhwcConv, kMicrosoft, 13},
          {"NhwcFusedConv", NhwcConv, kMicrosoft, 13},
          {"NhwcMaxPool", NhwcMaxPool, kMicrosoft, 13},
          {"GroupNorm", GroupNorm, kMicrosoft, 13},
          {"SkipGroupNorm", GroupNorm, kMicrosoft, 13},
          {"BiasSplitGelu", BiasSplitGelu, kMicrosoft, 13},
          {"BiasSoftmax", BiasSoftmax, kMicrosoft, 13},
          {"GatherND", GatherNd, kMicrosoft, 13},
          {"Trilu", Trilu, kMicrosoft, 13},
          {"Pad", Pad, kMicrosoft, 13},
          {"Range", Range, kMicrosoft, 13},
          {"Unique", Unique, kMicrosoft, 13},
          {"MatMulInteger16", MatMulInteger16, kMicrosoft, 13},
          {"CausalConvWithState", CausalConv, kMicrosoft, 13},
          {"LinearAttention", LinearAttention, kMicrosoft, 13},
          {"ConvTransposeWithDynamicPads", DynamicPads, kMicrosoft, 13}};
}

}  // namespace mullion::differential
