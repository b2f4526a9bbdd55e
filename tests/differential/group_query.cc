// SPDX-License-Identifier: MIT
// com.microsoft's GroupQueryAttention: caches of floats and whole numbers, sliding ones, norms.
#include <algorithm>

#include "tests/differential/spelled_out.h"
#include "tests/differential/subjects.h"
#include "tests/differential/token_values.h"

namespace mullion::differential {

namespace {

using enum ElementType;

// Positions of `tokens` tokens that follow `begin` others.
Tensor Following(int64_t batch, int64_t begin, int64_t tokens) {
  Tensor positions = *Tensor::Allocate(kInt64, {batch, tokens});
  const auto values = positions.mutable_view().span<int64_t>();
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = begin + static_cast<int64_t>(i) % tokens;
  }
  return positions;
}

// Heads of equal size, which the peer wants in whole eights, or sixteens where they turn.
struct QueryHeads {
  explicit QueryHeads(Random& random, bool rotary) {
    batch = random.Int(1, 2, 1);
    keys = random.Int(1, 2, 4);
    queries = keys * random.Int(1, 3);
    size = random.realistic() ? 64 : rotary ? 16 : 8 * random.Int(1, 2);
  }
  Attributes Numbers() const { return {{"num_heads", queries}, {"kv_num_heads", keys}}; }

  int64_t batch, keys, queries, size;
};

// Normalized queries and keys, which the peer does not do on CPUs.
void NormalizedGroupQuery(Case& c) {
  Random& random = c.random();
  const QueryHeads heads(random, false);
  const int64_t tokens = random.Int(1, 5, 128);
  Attributes attributes = heads.Numbers();
  const float epsilon = random.Pick({1e-6f, 1e-2f});
  if (epsilon != 1e-6f) attributes.emplace_back("qk_norm_epsilon", epsilon);
  std::vector<Value*> parts;
  for (const int64_t count : {heads.queries, heads.keys, heads.keys}) {
    parts.push_back(c.Fed(Small(random, {heads.batch, tokens, count * heads.size})));
  }
  Value* const lengths = c.Fed(Int32s(
      std::vector<int32_t>(static_cast<size_t>(heads.batch), static_cast<int32_t>(tokens - 1))));
  Value* const total = c.Fed(Tensor::Scalar(static_cast<int32_t>(tokens)));
  Value* const norms[] = {c.Weights(Small(random, {heads.size})),
                          c.Weights(Small(random, {heads.size}))};
  c.tolerance = {1e-3, 1e-4, 1e-4};
  std::vector<Value*> inputs = {parts[0], parts[1], parts[2], nullptr, nullptr, lengths, total};
  inputs.resize(14);
  inputs.insert(inputs.end(), std::begin(norms), std::end(norms));
  c.Only(inputs, attributes, 3);
  c.BeginTwin(17);
  const Words w{c};
  for (int i = 0; i < 2; ++i) {
    Value* const split =
        w("Reshape", {c.Twin(parts[static_cast<size_t>(i)]), w.Ints({0, 0, -1, heads.size})});
    Value* const norm = w("SimplifiedLayerNormalization", {split, c.Twin(norms[i])},
                          {{"axis", int64_t{-1}}, {"epsilon", epsilon}});
    parts[static_cast<size_t>(i)] = w("Reshape", {norm, w.Ints({0, 0, -1})});
  }
  c.Only({parts[0], parts[1], c.Twin(parts[2]), nullptr, nullptr, c.Twin(lengths), c.Twin(total)},
         heads.Numbers(), 3);
}

// How many of `tokens` keys stay in caches with room for `capacity`.
int64_t Resident(int64_t tokens, int64_t window, int64_t capacity) {
  const int64_t portion = capacity - window + 1;
  while (tokens > capacity) tokens -= portion;
  return tokens;
}

// Caches of the last keys with a bias of scores or their output, which the peer does not take: it
// has caches of all keys, whose first ones no query sees.
void SlidingScores(Case& c) {
  Random& random = c.random();
  const QueryHeads heads(random, false);
  const int64_t tokens = heads.batch > 1 ? 1 : random.Int(1, 6, 1);
  const int64_t window = random.Int(1, 6, 256), capacity = window + random.Int(0, 3);
  const int64_t total = tokens + random.Int(0, 3 * capacity), before = total - tokens;
  const int64_t held = Resident(before, window, capacity);
  const int64_t scores = random.Chance(0.5) ? random.Int(1, 2) : 0;
  Attributes attributes = heads.Numbers();
  attributes.emplace_back("local_window_size", window);
  if (scores != 0) attributes.emplace_back("qk_output", scores);
  Attributes sliding = attributes;
  sliding.emplace_back("sliding_window_cache", int64_t{1});
  std::vector<Value*> inputs;
  for (const int64_t count : {heads.queries, heads.keys, heads.keys}) {
    inputs.push_back(c.Fed(Small(random, {heads.batch, tokens, count * heads.size})));
  }
  for (int i = 0; i < 2; ++i) {
    inputs.push_back(c.Fed(Small(random, {heads.batch, heads.keys, capacity, heads.size})));
  }
  inputs.push_back(c.Fed(Int32s(
      std::vector<int32_t>(static_cast<size_t>(heads.batch), static_cast<int32_t>(total - 1)))));
  inputs.push_back(c.Fed(Tensor::Scalar(static_cast<int32_t>(total))));
  inputs.resize(10);
  const Shape shape = {random.Pick<int64_t>({1, heads.batch}),
                       random.Pick<int64_t>({1, heads.queries}), tokens, total};
  inputs.push_back(scores == 0 || random.Chance(0.5) ? c.Fed(Small(random, shape)) : nullptr);
  c.tolerance = {1e-3, 1e-4, 1e-4};
  const auto give = [&](const Node& node) {
    c.Return(node.output(0));
    if (scores != 0) c.Return(node.output(3));
  };
  const int outputs = scores != 0 ? 4 : 3;
  give(c.Add(inputs, sliding, outputs));
  c.BeginTwin(17);
  const Words w{c};
  for (Value*& input : inputs) input = c.Twin(input);
  for (const size_t i : {3, 4}) {
    Value* const part = w("Slice", {inputs[i], w.Ints({0}), w.Ints({held}), w.Ints({2})});
    Value* const gone = c.TwinConstant(
        random.Values(kFloat, {heads.batch, heads.keys, before - held, heads.size}, 0, 0));
    inputs[i] = w("Concat", {gone, part}, {{"axis", int64_t{2}}});
  }
  give(c.Add(inputs, attributes, outputs));
}

// Caches of the last keys only.
void SlidingGroupQuery(Case& c) {
  Random& random = c.random();
  if (random.Chance(0.4)) return SlidingScores(c);
  const QueryHeads heads(random, false);
  const int64_t tokens = heads.batch > 1 ? 1 : random.Int(1, 6, 1);
  const int64_t window = random.Int(1, 6, 256);
  const int64_t capacity = window + random.Pick<int64_t>({0, 0, 1, 3});
  const int64_t total = tokens + random.Int(0, 2 * capacity);
  const bool full = capacity == window && total >= capacity;
  Attributes attributes = heads.Numbers();
  attributes.emplace_back("local_window_size", window);
  attributes.emplace_back("sliding_window_cache", int64_t{1});
  const auto operand = [&](int64_t count) {
    return c.Fed(Small(random, {heads.batch, tokens, count * heads.size}));
  };
  std::vector<Value*> inputs = {operand(heads.queries), operand(heads.keys), operand(heads.keys)};
  for (int i = 0; i < 2; ++i) {
    inputs.push_back(c.Fed(Small(random, {heads.batch, heads.keys, capacity, heads.size})));
  }
  inputs.push_back(c.Fed(Int32s(
      std::vector<int32_t>(static_cast<size_t>(heads.batch), static_cast<int32_t>(total - 1)))));
  inputs.push_back(c.Fed(Tensor::Scalar(static_cast<int32_t>(total))));
  c.tolerance = {1e-3, 1e-4, 1e-4};
  const Node& node = c.Add(inputs, attributes, 3);
  c.Return(node.output(0));
  // What the peer leaves behind the last key is undefined.
  if (!full && total > capacity) return;
  for (const int i : {1, 2}) {
    c.Return(c.Add("Slice", "",
                   {node.output(i), c.Constant(Ints({0})),
                    c.Constant(Ints({std::min(total, capacity)})), c.Constant(Ints({2}))})
                 .output(0));
  }
}

void GroupQuery(Case& c) {
  Random& random = c.random();
  if (random.Chance(0.1)) return NormalizedGroupQuery(c);
  if (random.Chance(0.15)) return SlidingGroupQuery(c);
  const bool packed = random.Chance(0.4), rotary = random.Chance(0.5);
  const QueryHeads heads(random, rotary);
  const int64_t batch = heads.batch, size = heads.size;
  const bool prompt = !random.typical() && random.Chance(0.5);
  const int64_t tokens = prompt ? random.Int(1, 5, 128) : 1;
  const int64_t past = prompt ? 0 : random.Int(1, 5, 1000), total = past + tokens;
  // A cache that is longer than what it holds, as decoders that reuse one have. Where it is not,
  // the peer takes no memory for the present: it infers that it is as long as the past.
  const bool reused = random.typical() || random.Chance(0.3);
  const int64_t capacity = reused ? total + 3 : past;
  // Keys of another layer, all in its caches.
  const bool shared = !packed && !random.typical() && random.Chance(0.1);
  const int64_t bits = random.Chance(0.25) ? random.Pick<int64_t>({8, 4}) : 0;
  const int64_t scores = random.Chance(0.2) ? random.Int(1, 2) : 0;
  Attributes attributes = heads.Numbers();
  if (random.Chance(0.3)) attributes.emplace_back("scale", 0.3f);
  if (random.Chance(0.3)) attributes.emplace_back("softcap", 2.0f);
  if (random.Chance(0.3)) {
    attributes.emplace_back("local_window_size", random.Int(1, 4));
  } else if (random.Chance(0.2)) {
    attributes.emplace_back("causal", int64_t{0});
  }
  if (random.Chance(0.2)) attributes.emplace_back("smooth_softmax", int64_t{1});
  if (scores != 0) attributes.emplace_back("qk_output", scores);
  if (rotary) {
    attributes.emplace_back("do_rotary", int64_t{1});
    if (random.Chance(0.4)) attributes.emplace_back("rotary_interleaved", int64_t{1});
  }
  const auto operand = [&](int64_t count, int64_t rows) {
    return c.Fed(Small(random, {batch, rows, count * size}));
  };
  const int64_t fresh = shared ? 0 : tokens;
  Value* const query = operand(packed ? heads.queries + 2 * heads.keys : heads.queries, tokens);
  std::vector<Value*> inputs = {query, packed ? nullptr : operand(heads.keys, fresh),
                                packed ? nullptr : operand(heads.keys, fresh)};
  std::vector<int32_t> lengths(static_cast<size_t>(batch), static_cast<int32_t>(total - 1));
  // Rows of a batch may be shorter than the longest: of their scores the peer leaves some
  // undefined.
  if (batch > 1 && scores == 0 && random.Chance(0.4)) {
    lengths[1] = static_cast<int32_t>(random.Int(tokens - 1, total - 1));
  }
  std::vector<int32_t> held = lengths;
  for (int32_t& number : held) number += static_cast<int32_t>(1 - fresh);
  const bool cached = shared || !prompt || bits != 0 || random.Chance(0.6);
  for (int i = 0; i < 2; ++i) {
    if (!cached) {
      inputs.push_back(nullptr);
      continue;
    }
    const Shape shape = {batch, heads.keys, shared ? total + capacity - past : capacity,
                         bits == 4 ? size / 2 : size};
    Tensor cache = bits == 0   ? Small(random, shape)
                   : bits == 8 ? random.Values(kInt8, shape, -127, 127)
                               : random.Values(kUint8, shape, 0, 255);
    ClearBehind(cache, held);
    inputs.push_back(c.Fed(cache));
  }
  inputs.push_back(c.Fed(Int32s(lengths)));
  inputs.push_back(c.Fed(Tensor::Scalar(static_cast<int32_t>(total))));
  if (rotary) {
    const int64_t places = random.realistic() ? 2048 : 16;
    inputs.push_back(c.Constant(Small(random, {places, size / 2})));
    inputs.push_back(c.Constant(Small(random, {places, size / 2})));
    if (random.Chance(0.3)) inputs.push_back(c.Fed(Following(batch, past, tokens)));
  }
  inputs.resize(10);
  inputs.push_back(
      random.Chance(0.25)
          ? c.Fed(Small(random, {random.Pick<int64_t>({1, batch}),
                                 random.Pick<int64_t>({1, heads.queries}), tokens, total}))
          : nullptr);
  inputs.push_back(random.Chance(0.15) ? c.Weights(Small(random, {heads.queries})) : nullptr);
  c.tolerance = {1e-3, 1e-4, 1e-4};
  const int outputs = scores != 0 ? 4 : 3;
  if (bits == 0) return c.Only(inputs, attributes, outputs);
  attributes.emplace_back("kv_cache_bit_width", bits);
  c.steps = bits == 4 ? 17 : 1;  // the peer multiplies by the inverse of a step
  Attributes twin = attributes;
  bool each[2];
  Tensor steps[2];
  for (const int i : {0, 1}) {
    each[i] = i == 1 && random.Chance(0.7) ? each[0] : random.Chance(0.5);
    steps[i] = random.Values(kFloat, each[i] ? Shape{1, heads.keys, 1, size} : Shape{1},
                             bits == 8 ? 0.005 : 0.05, bits == 8 ? 0.02 : 0.2);
    const std::string_view name = i == 0 ? "k_quant_type" : "v_quant_type";
    attributes.emplace_back(name, std::string(each[i] ? "PER_CHANNEL" : "PER_TENSOR"));
    twin.emplace_back(name, std::string("PER_CHANNEL"));
    inputs.push_back(c.Constant(steps[i]));
  }
  c.Only(inputs, attributes, outputs);
  if (each[0] == each[1]) return;
  // The peer takes only both of one kind.
  c.BeginTwin(17);
  for (Value*& input : inputs) input = c.Twin(input);
  for (const size_t i : {0, 1}) {
    if (each[i]) continue;
    const double step = static_cast<double>(steps[i].span<float>()[0]);
    inputs[12 + i] = c.TwinConstant(random.Values(kFloat, {1, heads.keys, 1, size}, step, step));
  }
  c.Only(inputs, twin, outputs);
}

}  // namespace

std::vector<Subject> GroupQuerySubjects() {
  return {{.name = "GroupQueryAttention",
           .make = GroupQuery,
           .domain = kMicrosoft,
           .first_opset = 17,
           .times = 3}};
}

}  // namespace mullion::differential
