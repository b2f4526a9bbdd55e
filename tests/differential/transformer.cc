// SPDX-License-Identifier: MIT
// What transformers are made of, of ai.onnx and of com.microsoft.
#include <algorithm>
#include <cmath>

#include "tests/differential/spelled_out.h"
#include "tests/differential/subjects.h"
#include "tests/differential/token_values.h"

namespace mullion::differential {

namespace {

using enum ElementType;

// Attention-23 and -24.
void Attention(Case& c) {
  Random& random = c.random();
  const int64_t batch = random.Int(1, 2, 1), kv_heads = random.Int(1, 3, 12);
  const int64_t heads = kv_heads * random.Pick<int64_t>({1, 1, 2}),
                size = random.PickSize({4, 8, 10}, 64);
  const int64_t value_size = random.Chance(0.3) ? 6 : size;
  const int64_t queries = random.Int(1, 5, 128);
  const int64_t fresh = random.Chance(0.6) ? queries : random.Int(1, 7, 200);
  const int64_t past = random.Chance(0.4) ? random.Int(1, 4, 100) : 0;
  const bool flat = random.Chance(0.5);
  const auto operand = [&](int64_t count, int64_t tokens, int64_t width) {
    return flat ? Shape{batch, tokens, count * width} : Shape{batch, count, tokens, width};
  };
  Attributes attributes;
  if (flat) attributes = {{"q_num_heads", heads}, {"kv_num_heads", kv_heads}};
  // A single query sees all keys in the peer, where it should see those before the new ones and
  // one.
  const bool causal = random.Chance(0.3) && (queries > 1 || fresh == 1);
  if (causal) attributes.emplace_back("is_causal", int64_t{1});
  if (random.Chance(0.4)) attributes.emplace_back("scale", 0.3f);
  if (random.Chance(0.3)) attributes.emplace_back("softcap", 2.0f);
  const int outputs = static_cast<int>(random.Pick({1, 1, 3, 4}));
  if (outputs == 4 && random.Chance(0.7)) {
    attributes.emplace_back("qk_matmul_output_mode", random.Int(0, 3));
  }
  std::vector<Value*> inputs = {c.Fed(Small(random, operand(heads, queries, size))),
                                c.Fed(Small(random, operand(kv_heads, fresh, size))),
                                c.Fed(Small(random, operand(kv_heads, fresh, value_size)))};
  Value* mask = nullptr;
  if (random.Chance(0.5) && !causal) {
    const int64_t keys = past + fresh;
    const Shape shape = random.Pick<Shape>({{queries, keys},
                                            {1, queries, keys},
                                            {batch, 1, queries, keys},
                                            {batch, heads, queries, keys}});
    Tensor values = random.Values(random.Pick({kFloat, kBool}), shape, -2, 2);
    if (values.type() == kBool) {  // at least one key for each query
      auto flags = values.mutable_view().span<bool>();
      for (size_t i = 0; i < flags.size(); i += static_cast<size_t>(keys)) flags[i] = true;
    }
    mask = c.Fed(values);
  }
  inputs.push_back(mask);
  if (past > 0) {
    inputs.push_back(c.Fed(Small(random, {batch, kv_heads, past, size})));
    inputs.push_back(c.Fed(Small(random, {batch, kv_heads, past, value_size})));
  }
  c.Only(inputs, attributes, past > 0 ? std::max(outputs, 3) : outputs == 3 ? 1 : outputs);
}

void Rotary(Case& c) {
  Random& random = c.random();
  const int64_t batch = random.Int(1, 2), heads = random.Int(1, 3, 12);
  const int64_t tokens = random.Int(1, 5, 128), size = random.PickSize({4, 8, 16}, 64);
  const int64_t rows = random.realistic() ? 2048 : 12;
  const bool flat = random.Chance(0.5), partial = random.Chance(0.3);
  const int64_t rotated = partial ? size / 2 : size;
  Attributes attributes;
  if (random.Chance(0.5)) attributes.emplace_back("interleaved", random.Int(0, 1));
  if (flat || partial) attributes.emplace_back("num_heads", heads);
  if (partial) attributes.emplace_back("rotary_embedding_dim", rotated);
  Value* const x = c.Fed(
      Small(random, flat ? Shape{batch, tokens, heads * size} : Shape{batch, heads, tokens, size}));
  if (c.subject().domain == kMicrosoft) {
    if (random.Chance(0.2)) attributes.emplace_back("is_packed_batching", int64_t{1});
    if (random.Chance(0.2)) attributes.emplace_back("scale", 2.0f);
    Value* const ids =
        random.Chance(0.5)
            ? c.Fed(Ints({random.Int(0, rows - tokens)}))
            : c.Fed(random.Values(kInt64, {batch, tokens}, 0, static_cast<double>(rows - 1)));
    return c.Only({x, ids, c.Constant(Small(random, {rows, rotated / 2})),
                   c.Constant(Small(random, {rows, rotated / 2}))},
                  attributes);
  }
  if (random.Chance(0.4)) {
    return c.Only({x, c.Input(Small(random, {batch, tokens, rotated / 2})),
                   c.Input(Small(random, {batch, tokens, rotated / 2}))},
                  attributes);
  }
  c.Only(
      {x, c.Input(Small(random, {rows, rotated / 2})), c.Input(Small(random, {rows, rotated / 2})),
       c.Input(random.Values(kInt64, {batch, tokens}, 0, static_cast<double>(rows - 1)))},
      attributes);
}

// With the mean and the inverse deviation, which the peer does not give.
void SkipStatistics(Case& c) {
  Random& random = c.random();
  const bool simple = c.subject().name == "SkipSimplifiedLayerNormalization";
  const int64_t tokens = random.Int(1, 4, 128), width = random.PickSize({4, 16, 33}, 768);
  const Shape shape =
      random.Chance(0.2) ? Shape{tokens, width} : Shape{random.Int(1, 3), tokens, width};
  Value* const x = c.Fed(Small(random, shape));
  Value* const skip = c.Fed(Small(random, shape));
  Value* const gamma = c.Weights(Small(random, {width}));
  const float epsilon = 1e-3f;
  c.tolerance = {1e-3, 1e-4, 1e-5};
  const bool mean = random.Chance(0.7), inverse = !mean || random.Chance(0.7);
  Node& node = c.Add({x, skip, gamma}, {{"epsilon", epsilon}}, 3);
  if (!mean) node.SetOutput(1, nullptr);
  if (!inverse) node.SetOutput(2, nullptr);
  node.TrimOutputs();
  for (int i = 0; i < node.output_count(); ++i) {
    if (node.output(i) != nullptr) c.Return(node.output(i));
  }
  c.BeginTwin(17);
  const Words w{c};
  Value* const sum = w("Add", {c.Twin(x), c.Twin(skip)});
  Value* const centre = w("ReduceMean", {sum}, {{"axes", std::vector<int64_t>{-1}}});
  Value* const rest = simple ? sum : w("Sub", {sum, centre});
  Value* const square =
      w("ReduceMean", {w("Mul", {rest, rest})}, {{"axes", std::vector<int64_t>{-1}}});
  const double added = static_cast<double>(epsilon);
  Value* const factor = w("Reciprocal", {w("Sqrt", {w("Add", {square, w.Number(added)})})});
  c.Return(w("Mul", {w("Mul", {rest, factor}), c.Twin(gamma)}));
  if (mean) c.Return(centre);
  if (inverse) c.Return(factor);
}

void SkipNormalization(Case& c) {
  Random& random = c.random();
  if (random.Chance(0.2)) return SkipStatistics(c);
  const bool simple = c.subject().name == "SkipSimplifiedLayerNormalization";
  const int64_t tokens = random.Int(1, 4, 128), width = random.PickSize({4, 16, 33}, 768);
  const bool flat = random.Chance(0.2);
  const Shape shape = flat ? Shape{tokens, width} : Shape{random.Int(1, 3), tokens, width};
  const Shape row = {width};
  Shape skip = shape;
  if (!flat && random.Chance(0.2)) skip = Shape{1, tokens, width};
  if (random.Chance(0.2)) skip = Shape{tokens, width};
  // Small values show what is added to their variance.
  const double most = random.Chance(0.3) ? 1e-3 : 1;
  std::vector<Value*> inputs = {c.Fed(random.Values(kFloat, shape, -most, most)),
                                c.Fed(random.Values(kFloat, skip, -most, most)),
                                c.Weights(Small(random, row))};
  if (!simple) inputs.push_back(random.Chance(0.6) ? c.Weights(Small(random, row)) : nullptr);
  if (random.Chance(0.5)) {
    inputs.push_back(c.Weights(random.Values(kFloat, row, -most, most)));
  }
  Attributes attributes;
  if (random.Chance(0.6)) attributes.emplace_back("epsilon", 1e-3f);
  c.tolerance = {1e-3, 1e-4, 1e-5};
  Node& node = c.Add(inputs, attributes, 4);
  node.SetOutput(1, nullptr);  // the peer gives no mean
  node.SetOutput(2, nullptr);
  c.Return(node.output(0));
  if (random.Chance(0.5)) {
    c.Return(node.output(3));
  } else {
    node.SetOutput(3, nullptr);
    node.TrimOutputs();
  }
}

void SimplifiedNormalization(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(2, 3);
  c.tolerance = {1e-3, 1e-4, 1e-5};
  c.Only({c.Fed(Small(random, shape)), c.Weights(Small(random, {shape.Back(0)}))},
         {{"axis", int64_t{-1}}, {"epsilon", 1e-3f}});
}

void EmbedNormalization(Case& c) {
  Random& random = c.random();
  const int64_t batch = random.Int(1, 3), tokens = random.Int(1, 6, 128);
  const int64_t width = random.PickSize({4, 8}, 768);
  const int64_t words_known = random.realistic() ? 2000 : 9, places = random.realistic() ? 512 : 8;
  const bool segments = random.Chance(0.6);
  const auto ids = [&](int64_t rows) {
    return c.Fed(random.Values(kInt32, {batch, tokens}, 0, static_cast<double>(rows - 1)));
  };
  const auto table = [&](int64_t rows) { return c.Constant(Small(random, {rows, width})); };
  const auto row = [&] { return c.Constant(Small(random, {width})); };
  Value* const words = ids(words_known);
  Value* const segment_ids = segments ? ids(2) : nullptr;
  Value* const word_table = table(words_known);
  Value* const position_table = table(places);
  Value* const segment_table = segments ? table(2) : nullptr;
  Value* const gamma = row();
  Value* const beta = row();
  Value* mask = nullptr;
  if (random.Chance(0.6)) {  // ones first, as tokenizers pad
    Tensor ones = *Tensor::Allocate(kInt32, {batch, tokens});
    const auto flags = ones.mutable_view().span<int32_t>();
    for (int64_t i = 0; i < batch; ++i) {
      const auto count = random.Int(0, tokens);
      for (int64_t j = 0; j < tokens; ++j) flags[static_cast<size_t>(i * tokens + j)] = j < count;
    }
    mask = c.Fed(ones);
  }
  Value* positions = nullptr;
  if (random.Chance(0.3)) {
    const int64_t rows = random.Pick<int64_t>({1, batch});
    positions = c.Fed(random.Values(kInt32, {rows, tokens}, 0, static_cast<double>(places - 1)));
  }
  Attributes attributes;
  if (random.Chance(0.5)) attributes.emplace_back("epsilon", 1e-3f);
  c.tolerance = {1e-3, 1e-4, 1e-5};
  c.Only(
      {words, segment_ids, word_table, position_table, segment_table, gamma, beta, mask, positions},
      attributes, static_cast<int>(random.Int(2, 3)));
}

void QuantizedEmbed(Case& c) {
  Random& random = c.random();
  const int64_t batch = random.Int(1, 3), tokens = random.Int(1, 6, 128);
  const int64_t width = random.PickSize({4, 8}, 768);
  const int64_t words_known = random.realistic() ? 2000 : 9, places = random.realistic() ? 512 : 8;
  const bool segments = random.Chance(0.6);
  const ElementType type = random.Pick({kUint8, kInt8});
  const auto ids = [&](int64_t rows) {
    return c.Fed(random.Values(kInt32, {batch, tokens}, 0, static_cast<double>(rows - 1)));
  };
  const auto bytes = [&](const Shape& shape) {
    return c.Constant(random.Values(type, shape, -100, 127));
  };
  const auto scale = [&] { return c.Constant(random.Values(kFloat, {}, 0.005, 0.02)); };
  const auto zero = [&] { return c.Constant(random.Values(type, {}, -9, 9)); };
  std::vector<Value*> inputs = {
      ids(words_known),
      segments ? ids(2) : nullptr,
      bytes({words_known, width}),
      bytes({places, width}),
      segments ? bytes({2, width}) : nullptr,
      bytes({width}),
      bytes({width}),
      random.Chance(0.5) ? c.Fed(random.Values(kInt32, {batch, tokens}, 1, 1)) : nullptr};
  for (int i = 0; i < 5; ++i) inputs.push_back(i == 2 && !segments ? nullptr : scale());
  for (int i = 0; i < 5; ++i) inputs.push_back(i == 2 && !segments ? nullptr : zero());
  c.tolerance = {1e-3, 1e-3, 1e-4};
  c.Only(inputs, {}, 2);
}

// A mask of 0 and 1 that leaves the first key of each row.
Tensor KeyMask(Random& random, int64_t batch, int64_t keys) {
  Tensor mask = random.Values(kInt32, {batch, keys}, 0, 1);
  const auto flags = mask.mutable_view().span<int32_t>();
  for (size_t i = 0; i < flags.size(); i += static_cast<size_t>(keys)) flags[i] = 1;
  return mask;
}

// For each row where its keys end, then where they begin; the peer also has rows without any.
Tensor Padding(Random& random, int64_t batch, int64_t keys) {
  std::vector<int32_t> ends, begins;
  for (int64_t i = 0; i < batch; ++i) {
    ends.push_back(static_cast<int32_t>(random.Int(1, keys)));
    begins.push_back(static_cast<int32_t>(random.Int(0, ends.back() - 1)));
  }
  ends.insert(ends.end(), begins.begin(), begins.end());
  return Int32s(ends);
}

// Masks of all tokens that there may be, which the peer does not take on CPUs.
void LongMaskAttention(Case& c) {
  Random& random = c.random();
  const int64_t batch = random.Int(1, 3, 1), heads = random.Int(1, 3, 4);
  const int64_t size = random.PickSize({4, 8}, 64), hidden = heads * size;
  const int64_t tokens = random.Int(1, 5, 128), past = random.Chance(0.5) ? random.Int(1, 3) : 0;
  const int64_t longest = past + tokens + random.Int(0, 3);
  const Attributes attributes = {{"num_heads", heads}};
  Value* const x = c.Fed(Small(random, {batch, tokens, 6}));
  Value* const weights = c.Weights(Small(random, {6, 3 * hidden}));
  Value* const bias = c.Weights(Small(random, {3 * hidden}));
  Tensor flags = KeyMask(random, batch * longest, longest);
  Value* const mask = c.Fed(flags.Reshaped({batch, 1, longest, longest}));
  Value* const before = past > 0 ? c.Fed(Small(random, {2, batch, heads, past, size})) : nullptr;
  const int outputs = past > 0 ? 2 : 1;
  c.tolerance = {1e-3, 1e-4, 1e-4};
  c.Only({x, weights, bias, mask, before}, attributes, outputs);
  c.BeginTwin(17);
  const Words w{c};
  Value* const part = w("Slice", {c.Twin(mask), w.Ints({past, 0}),
                                  w.Ints({past + tokens, past + tokens}), w.Ints({2, 3})});
  c.Only(
      {c.Twin(x), c.Twin(weights), c.Twin(bias), w("Squeeze", {part, w.Ints({1})}), c.Twin(before)},
      attributes, outputs);
}

// Keys in a buffer that has room for more, which the peer's Attention does not take on CPUs.
void SharedAttention(Case& c) {
  Random& random = c.random();
  const int64_t batch = random.Int(1, 3, 1), heads = random.Int(1, 3, 4);
  const int64_t size = random.PickSize({4, 8}, 64), hidden = heads * size;
  const int64_t tokens = random.Int(1, 4, 1), past = random.Int(0, 3, 200);
  const int64_t longest = past + tokens + random.Int(0, 3);
  const Attributes attributes = {{"num_heads", heads}, {"unidirectional", random.Int(0, 1)}};
  Attributes shared = attributes;
  shared.emplace_back("past_present_share_buffer", int64_t{1});
  Value* const x = c.Fed(Small(random, {batch, tokens, 6}));
  Value* const weights = c.Weights(Small(random, {6, 3 * hidden}));
  Value* const bias = c.Weights(Small(random, {3 * hidden}));
  Value* const mask = random.Chance(0.4) ? c.Fed(KeyMask(random, batch, past + tokens)) : nullptr;
  Value* const before = c.Fed(Small(random, {2, batch, heads, longest, size}));
  Value* const length = c.Fed(Tensor::Scalar(static_cast<int32_t>(past)));
  const auto held = [&](Value* cache, int64_t count, const auto& constant) {
    return std::vector<Value*>{cache, constant(Ints({0})), constant(Ints({count})),
                               constant(Ints({3}))};
  };
  c.tolerance = {1e-3, 1e-4, 1e-4};
  const Node& node = c.Add({x, weights, bias, mask, before, nullptr, length}, shared, 2);
  c.Return(node.output(0));
  const auto constant = [&](Tensor tensor) { return c.Constant(std::move(tensor)); };
  c.Return(c.Add("Slice", "", held(node.output(1), past + tokens, constant)).output(0));
  c.BeginTwin(17);
  const auto twin = [&](Tensor tensor) { return c.TwinConstant(std::move(tensor)); };
  Value* const part = c.Add("Slice", "", held(c.Twin(before), past, twin)).output(0);
  c.Only({c.Twin(x), c.Twin(weights), c.Twin(bias), c.Twin(mask), part}, attributes, 2);
}

// Queries and keys that turn, which the peer leaves as they are on CPUs.
void TurnedAttention(Case& c) {
  Random& random = c.random();
  const int64_t batch = random.Int(1, 3, 1), heads = random.Int(1, 3, 4);
  const int64_t size = random.PickSize({8, 16}, 64), hidden = heads * size;
  const int64_t tokens = random.Int(1, 5, 128), past = random.Chance(0.5) ? random.Int(1, 3) : 0;
  const bool shared = past > 0 && random.Chance(0.4);
  const int64_t room = shared ? past + tokens + random.Int(0, 2) : past;
  const int64_t turned = random.Chance(0.5) ? size : size / 2;
  const Attributes rest = {{"num_heads", heads}, {"unidirectional", random.Int(0, 1)}};
  Attributes attributes = rest;
  attributes.emplace_back("do_rotary", int64_t{1});
  if (turned != size) attributes.emplace_back("rotary_embedding_dim", turned);
  if (shared) attributes.emplace_back("past_present_share_buffer", int64_t{1});
  Value* const x = c.Fed(Small(random, {batch, tokens, 6}));
  Value* const weights = c.Weights(Small(random, {6, 3 * hidden}));
  Value* const bias = c.Weights(Small(random, {3 * hidden}));
  Value* const mask = random.Chance(0.4) ? c.Fed(KeyMask(random, batch, past + tokens)) : nullptr;
  Value* const before = past > 0 ? c.Fed(Small(random, {2, batch, heads, room, size})) : nullptr;
  Value* const length = shared ? c.Fed(Int32s({static_cast<int32_t>(past)})) : nullptr;
  c.tolerance = {1e-3, 1e-4, 1e-4};
  const Node& node = c.Add({x, weights, bias, mask, before, nullptr, length}, attributes, 2);
  c.Return(node.output(0));
  c.Return(!shared ? node.output(1)
                   : c.Add("Slice", "",
                           {node.output(1), c.Constant(Ints({0})),
                            c.Constant(Ints({past + tokens})), c.Constant(Ints({3}))})
                         .output(0));
  std::vector<float> tables[2];
  for (int64_t place = 0; place < past + tokens; ++place) {
    for (int64_t i = 0; i < turned; i += 2) {
      const double angle = static_cast<double>(place) *
                           std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(turned));
      tables[0].push_back(static_cast<float>(std::cos(angle)));
      tables[1].push_back(static_cast<float>(std::sin(angle)));
    }
  }
  c.BeginTwin(17);
  const Words w{c};
  Value* const projected = w("Add", {w("MatMul", {c.Twin(x), c.Twin(weights)}), c.Twin(bias)});
  const Node& parts =
      c.Add("Split", "", {projected, w.Ints({hidden, hidden, hidden})}, {{"axis", int64_t{2}}}, 3);
  Value* turns[2];
  for (int i = 0; i < 2; ++i) {
    std::vector<Value*> inputs = {parts.output(i), w.Ints({past})};
    for (const std::vector<float>& table : tables) {
      inputs.push_back(c.TwinConstant(Tensor::FromSpan<float>({past + tokens, turned / 2}, table)));
    }
    turns[i] = c.Add("RotaryEmbedding", kMicrosoft, inputs,
                     {{"num_heads", heads}, {"rotary_embedding_dim", turned}})
                   .output(0);
  }
  Value* held[2] = {};
  for (int64_t i = 0; past > 0 && i < 2; ++i) {
    Value* const part = w("Gather", {c.Twin(before), c.TwinConstant(Tensor::Scalar(i))});
    held[i] = w("Slice", {part, w.Ints({0}), w.Ints({past}), w.Ints({2})});
  }
  const Node& attention =
      c.Add("MultiHeadAttention", kMicrosoft,
            {turns[0], turns[1], parts.output(2), nullptr, c.Twin(mask), nullptr, held[0], held[1]},
            rest, 3);
  c.Return(attention.output(0));
  std::vector<Value*> presents;
  for (const int i : {1, 2}) {
    presents.push_back(w("Unsqueeze", {attention.output(i), w.Ints({0})}));
  }
  c.Return(w("Concat", presents, {{"axis", int64_t{0}}}));
}

void MicrosoftAttention(Case& c) {
  Random& random = c.random();
  const bool quantized = c.subject().name == "QAttention";
  if (!quantized && random.Chance(0.15)) return TurnedAttention(c);
  if (!quantized && random.Chance(0.15)) return LongMaskAttention(c);
  if (!quantized && random.Chance(0.15)) return SharedAttention(c);
  const int64_t batch = random.Int(1, 2, 1), heads = random.Int(1, 3, 4),
                size = random.PickSize({4, 8}, 64);
  const int64_t hidden = heads * size, tokens = random.Int(1, 5, 128),
                width = quantized ? hidden : random.Int(3, 9, 256);
  const int64_t past = random.Chance(0.4) ? random.Int(1, 3, 100) : 0;
  const bool causal = random.Chance(0.4);
  Attributes attributes = {{"num_heads", heads}};
  if (causal) attributes.emplace_back("unidirectional", int64_t{1});
  if (random.Chance(0.2)) attributes.emplace_back("scale", 0.4f);
  Value* mask = nullptr;
  if (random.Chance(0.5)) {
    const int64_t keys = past + tokens;
    mask = random.Chance(0.3)
               ? c.Fed(random.Chance(0.5)
                           ? random.Values(kInt32, {batch}, 1, static_cast<double>(keys))
                           : Padding(random, batch, keys))
               : c.Fed(KeyMask(random, batch, keys));
  }
  Value* const before = past > 0 ? c.Fed(Small(random, {2, batch, heads, past, size})) : nullptr;
  c.tolerance = {1e-3, 1e-4, 1e-4};
  if (quantized) {
    const ElementType type = random.Pick({kUint8, kUint8, kInt8});
    const ElementType weight = type == kInt8 ? kInt8 : random.Pick({kUint8, kInt8});
    const bool columns = random.Chance(0.3);
    const Shape scales = columns ? Shape{3 * hidden} : Shape{};
    return c.Only(
        {c.Fed(random.Values(type, {batch, tokens, width}, -100, 120)),
         c.Constant(random.Values(weight, {width, 3 * hidden}, -100, 120)),
         c.Constant(Small(random, {3 * hidden})),
         c.Constant(random.Values(kFloat, {}, 0.005, 0.02)),
         c.Constant(random.Values(kFloat, scales, 0.005, 0.02)), mask,
         random.Chance(0.6) ? c.Constant(random.Values(type, {}, -9, 50)) : nullptr,
         random.Chance(0.6) ? c.Constant(random.Values(weight, scales, -9, 50)) : nullptr, before},
        attributes, past > 0 ? 2 : 1);
  }
  if (random.Chance(0.2) && past == 0) {
    attributes.emplace_back("qkv_hidden_sizes", std::vector<int64_t>{hidden, hidden, 2 * hidden});
    return c.Only(
        {c.Fed(Small(random, {batch, tokens, width})), c.Input(Small(random, {width, 4 * hidden})),
         c.Input(Small(random, {4 * hidden})), mask},
        attributes);
  }
  Value* const bias =
      past == 0 && random.Chance(0.3)
          ? c.Fed(Small(random, {random.Pick<int64_t>({1, batch}), heads, tokens, past + tokens}))
          : nullptr;
  c.Only(
      {c.Fed(Small(random, {batch, tokens, width})), c.Weights(Small(random, {width, 3 * hidden})),
       c.Weights(Small(random, {3 * hidden})), mask, before, bias},
      attributes, past > 0 || random.Chance(0.3) ? 2 : 1);
}

// What the peer does not take on CPUs: query, keys and values packed in one, or the last two.
void PackedMultiHead(Case& c) {
  Random& random = c.random();
  const int64_t batch = random.Int(1, 3, 1), heads = random.Int(1, 3, 12);
  const int64_t size = random.PickSize({4, 8}, 64), width = heads * size;
  const bool all = random.Chance(0.5);
  const int64_t queries = random.Int(1, 5, 128), parts = all ? 3 : 2;
  const int64_t keys = all ? queries : random.Int(1, 6, 200);
  Attributes attributes = {{"num_heads", heads}};
  if (all && random.Chance(0.4)) attributes.emplace_back("unidirectional", int64_t{1});
  Value* const query = all ? nullptr : c.Fed(Small(random, {batch, queries, width}));
  Value* const packed = c.Fed(Small(random, {batch, keys, heads, parts, size}));
  Value* const bias = random.Chance(0.4) ? c.Weights(Small(random, {3 * width})) : nullptr;
  Value* const mask = random.Chance(0.4) ? c.Fed(KeyMask(random, batch, keys)) : nullptr;
  Value* const add = random.Chance(0.4) ? c.Fed(Small(random, {batch, 1, queries, keys})) : nullptr;
  c.tolerance = {1e-3, 1e-4, 1e-4};
  c.Only({all ? packed : query, all ? nullptr : packed, nullptr, bias, mask, add}, attributes);
  c.BeginTwin(17);
  const Words w{c};
  Value* const flat = w.Ints({0, 0, -1});
  std::vector<Value*> inputs;
  if (!all) inputs.push_back(c.Twin(query));
  for (int64_t i = 0; i < parts; ++i) {
    Value* const part =
        w("Gather", {c.Twin(packed), c.TwinConstant(Tensor::Scalar(i))}, {{"axis", int64_t{3}}});
    inputs.push_back(w("Reshape", {part, flat}));
  }
  for (Value* const input : {bias, mask, add}) inputs.push_back(c.Twin(input));
  c.Only(inputs, attributes);
}

// A query of one token and caches with room for more, whose keys may be those of other beams.
void CachedMultiHead(Case& c) {
  Random& random = c.random();
  const bool decoder = c.subject().name != "MultiHeadAttention";
  const int64_t beams = random.Int(1, 3, 1), batch = beams * random.Int(1, 2, 1);
  const int64_t heads = random.Int(1, 3, 12), size = random.PickSize({4, 8}, 64);
  const int64_t width = heads * size, past = random.Int(1, 5, 500), total = past + 1;
  const int64_t longest = total + random.Int(0, 3);
  const bool scores = random.Chance(0.3), other_beams = random.Chance(0.5);
  Attributes attributes = {{"num_heads", heads}};
  if (random.Chance(0.3)) attributes.emplace_back("scale", 0.4f);
  if (decoder) attributes.emplace_back("past_present_share_buffer", int64_t{1});
  if (decoder && scores) attributes.emplace_back("output_qk", int64_t{1});
  const auto operand = [&] { return c.Fed(Small(random, {batch, 1, width})); };
  const auto cache = [&] {
    Tensor tensor = Small(random, {batch, heads, longest, size});
    ClearBehind(tensor,
                std::vector<int32_t>(static_cast<size_t>(batch), static_cast<int32_t>(past)));
    return c.Fed(tensor);
  };
  Value* const query = operand();
  Value* const key = operand();
  Value* const value = operand();
  Value* const bias = random.Chance(0.4) ? c.Weights(Small(random, {3 * width})) : nullptr;
  Value* const mask = random.Chance(0.4) ? c.Fed(KeyMask(random, batch, total)) : nullptr;
  Value* const add = random.Chance(0.3)
                         ? c.Fed(Small(random, {1, random.Pick<int64_t>({1, heads}), 1, total}))
                         : nullptr;
  Value* const past_key = cache();
  Value* const past_value = cache();
  Value* const length = c.Fed(Int32s({static_cast<int32_t>(past)}));
  Value* const origins = other_beams ? c.Fed(random.Values(kInt32, {batch / beams, beams, longest},
                                                           0, static_cast<double>(beams - 1)))
                                     : nullptr;
  c.tolerance = {1e-3, 1e-4, 1e-4};
  if (decoder) {
    Value* const width_of_beam =
        other_beams ? c.Fed(Int32s({static_cast<int32_t>(beams)})) : nullptr;
    return c.Only(
        {query, key, value, mask, add, past_key, past_value, length, width_of_beam, origins, bias},
        attributes, scores ? 4 : 3);
  }
  std::vector<Value*> inputs = {query, key,      value,      bias,   mask,
                                add,   past_key, past_value, length, origins};
  c.Only(inputs, attributes, scores ? 4 : 3);
  if (other_beams) return;
  // Without beams the peer takes all that there is room for to be keys.
  c.BeginTwin(17);
  for (Value*& input : inputs) input = c.Twin(input);
  inputs.back() = c.TwinConstant(random.Values(kInt32, {batch, 1, longest}, 0, 0));
  c.Only(inputs, attributes, scores ? 4 : 3);
}

void MultiHead(Case& c) {
  Random& random = c.random();
  if (random.Chance(0.15)) return PackedMultiHead(c);
  if (random.Chance(0.15)) return CachedMultiHead(c);
  const int64_t batch = random.Int(1, 2, 1), heads = random.Int(1, 3, 12),
                size = random.PickSize({4, 8}, 64);
  const int64_t hidden = heads * size, queries = random.Int(1, 5, 128);
  const bool cross = random.Chance(0.4), by_heads = cross && random.Chance(0.4);
  const int64_t past = !cross && random.Chance(0.4) ? random.Int(1, 3, 100) : 0;
  // With a past, or by heads, the peer takes only values as long as keys.
  const int64_t value_size = past == 0 && !by_heads && random.Chance(0.3) ? 6 : size;
  const int64_t fresh = cross ? random.Int(1, 6, 200) : queries, keys = past + fresh;
  Attributes attributes = {{"num_heads", heads}};
  const bool causal = !cross && random.Chance(0.3);
  if (causal) attributes.emplace_back("unidirectional", int64_t{1});
  if (random.Chance(0.3)) attributes.emplace_back("scale", 0.4f);
  Value* const query = c.Fed(Small(random, {batch, queries, hidden}));
  Value* const key = c.Fed(
      Small(random, by_heads ? Shape{batch, heads, fresh, size} : Shape{batch, fresh, hidden}));
  Value* const value = c.Fed(Small(random, by_heads ? Shape{batch, heads, fresh, value_size}
                                                    : Shape{batch, fresh, heads * value_size}));
  Value* const bias = !by_heads && random.Chance(0.5)
                          ? c.Weights(Small(random, {2 * hidden + heads * value_size}))
                          : nullptr;
  Value* mask = nullptr;
  if (random.Chance(0.4)) {
    mask = c.Fed(random.Chance(0.2) && past == 0
                     ? random.Values(kInt32, {batch}, 1, static_cast<double>(fresh))
                     : KeyMask(random, batch, keys));
  }
  Value* const add = random.Chance(0.4)
                         ? c.Fed(Small(random, {random.Pick<int64_t>({1, batch}),
                                                random.Pick<int64_t>({1, heads}), queries, keys}))
                         : nullptr;
  Value* const past_key = past > 0 ? c.Fed(Small(random, {batch, heads, past, size})) : nullptr;
  Value* const past_value =
      past > 0 ? c.Fed(Small(random, {batch, heads, past, value_size})) : nullptr;
  c.tolerance = {1e-3, 1e-4, 1e-4};
  const bool presents = past > 0 || (!by_heads && random.Chance(0.3));
  c.Only({query, key, value, bias, mask, add, past_key, past_value}, attributes,
         presents && random.Chance(0.3) ? 4
         : presents                     ? 3
                                        : 1);
}

}  // namespace

std::vector<Subject> TransformerSubjects() {
  return {{"Attention", Attention, "", 23},
          {"RotaryEmbedding", Rotary, "", 23},
          {"SimplifiedLayerNormalization", SimplifiedNormalization},
          {"RotaryEmbedding", Rotary, kMicrosoft, 17},
          {"SkipLayerNormalization", SkipNormalization, kMicrosoft, 17},
          {"SkipSimplifiedLayerNormalization", SkipNormalization, kMicrosoft, 17},
          {"EmbedLayerNormalization", EmbedNormalization, kMicrosoft, 17},
          {"QEmbedLayerNormalization", QuantizedEmbed, kMicrosoft, 17},
          {"Attention", MicrosoftAttention, kMicrosoft, 17},
          {"QAttention", MicrosoftAttention, kMicrosoft, 17},
          {"MultiHeadAttention", MultiHead, kMicrosoft, 17},
          {"DecoderMaskedMultiHeadAttention", CachedMultiHead, kMicrosoft, 17}};
}

}  // namespace mullion::differential
