// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/float8.h"
#include "base/memory.h"
#include "devices/cpu/kernels/sequence/attention.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "operators/registry.h"
#include "tests/devices/cpu/kernel_reference.h"
#include "tests/devices/cpu/operator_case.h"
#include "tests/devices/cpu/thread_parallel.h"

namespace mullion::cpu {
namespace {

double FloatAt(const Tensor& tensor, int64_t i) {
  return static_cast<double>(tensor.span<float>()[static_cast<size_t>(i)]);
}

// Rows of a batch whose caches hold a different number of keys each.
struct CacheProblem {
  explicit CacheProblem(std::mt19937& random) {
    const auto pick = [&](int64_t low, int64_t high) { return RandomInt(low, high, random); };
    batch = pick(1, 3);
    key_heads = pick(1, 3);
    group = pick(1, 5);
    tokens = pick(0, 1) == 1 ? 1 : pick(1, 60);
    size = pick(1, 5) * 8;
    has_past = pick(0, 3) != 0;
    window = pick(0, 2) == 0 ? pick(1, 9) : 0;
    softcap = pick(0, 2) == 0 ? 2.0f : 0.0f;
    const int64_t heads = key_heads * group;
    const int64_t held = has_past ? pick(0, 90) : 0;
    std::vector<int32_t> lengths;
    for (int64_t b = 0; b < batch; ++b) {
      begins.push_back(pick(0, held));
      lengths.push_back(static_cast<int32_t>(begins.back() + tokens - 1));
      total = std::max(total, begins.back() + tokens);
    }
    capacity = has_past ? std::max(held, total) : tokens;
    q = RandomTensor({batch, tokens, heads * size}, random);
    k = RandomTensor({batch, tokens, key_heads * size}, random);
    v = RandomTensor({batch, tokens, key_heads * size}, random);
    if (has_past) {
      past_key = RandomTensor({batch, key_heads, held, size}, random);
      past_value = RandomTensor({batch, key_heads, held, size}, random);
    }
    if (pick(0, 2) == 0) bias = RandomTensor({1, heads, tokens, total}, random);
    if (pick(0, 2) == 0) sinks = RandomTensor({heads}, random);
    lengths_tensor = Tensor::FromSpan<int32_t>({batch}, std::span<const int32_t>(lengths));
  }

  OperatorCase Case() const {
    OperatorCase c;
    c.name = "GroupQueryAttention";
    c.domain = "com.microsoft";
    c.inputs = {q,
                k,
                v,
                past_key,
                past_value,
                lengths_tensor,
                Tensor::Scalar(static_cast<int32_t>(total)),
                {},
                {},
                {},
                bias,
                sinks};
    c.output_count = 3;
    c.Set("num_heads", key_heads * group);
    c.Set("kv_num_heads", key_heads);
    if (window > 0) c.Set("local_window_size", window);
    if (softcap != 0) c.Set("softcap", softcap);
    return c;
  }

  // Of key or value head h at place t, of a cache or of what is new.
  double Held(const Tensor& past, const Tensor& now, int64_t b, int64_t h, int64_t t,
              int64_t i) const {
    const int64_t begin = begins[static_cast<size_t>(b)];
    if (t < begin) return FloatAt(past, ((b * key_heads + h) * past.shape()[2] + t) * size + i);
    if (t >= begin + tokens) return 0;
    return FloatAt(now, ((b * tokens + t - begin) * key_heads + h) * size + i);
  }

  Tensor Present(const Tensor& past, const Tensor& now) const {
    std::vector<float> values;
    for (int64_t row = 0; row < batch * key_heads; ++row) {
      for (int64_t at = 0; at < capacity * size; ++at) {
        values.push_back(static_cast<float>(
            Held(past, now, row / key_heads, row % key_heads, at / size, at % size)));
      }
    }
    return FloatTensor({batch, key_heads, capacity, size}, values);
  }

  Tensor Expected() const {
    const int64_t heads = key_heads * group;
    std::vector<float> out(static_cast<size_t>(q.count()));
    for (int64_t row = 0; row < batch * tokens * heads; ++row) {
      const int64_t b = row / heads / tokens, query = row / heads % tokens, h = row % heads;
      const int64_t end = begins[static_cast<size_t>(b)] + query + 1;
      std::vector<double> weights(static_cast<size_t>(end));
      double most = sinks ? FloatAt(sinks, h) : -INFINITY;
      for (int64_t t = 0; t < end; ++t) {
        double score = 0;
        for (int64_t i = 0; i < size; ++i) {
          score += FloatAt(q, row * size + i) * Held(past_key, k, b, h / group, t, i);
        }
        score /= std::sqrt(static_cast<double>(size));
        if (softcap != 0) score = softcap * std::tanh(score / softcap);
        if (bias) score += FloatAt(bias, (h * tokens + query) * total + t);
        if (window > 0 && t < end - window) score = -INFINITY;
        weights[static_cast<size_t>(t)] = score;
        most = std::max(most, score);
      }
      double sum = sinks ? std::exp(FloatAt(sinks, h) - most) : 0;
      for (double& weight : weights) sum += weight = std::exp(weight - most);
      for (int64_t i = 0; i < size; ++i) {
        double mixed = 0;
        for (int64_t t = 0; t < end; ++t) {
          mixed += weights[static_cast<size_t>(t)] / sum * Held(past_value, v, b, h / group, t, i);
        }
        out[static_cast<size_t>(row * size + i)] = static_cast<float>(mixed);
      }
    }
    return FloatTensor(q.shape(), out);
  }

  int64_t batch, key_heads, group, tokens, size, capacity, window;
  int64_t total = 0;
  bool has_past;
  float softcap;
  std::vector<int64_t> begins;
  Tensor q, k, v, past_key, past_value, bias, sinks, lengths_tensor;
};

TEST(GroupQueryAttention, FollowsTheEquations) {
  std::mt19937 random(7);
  for (int i = 0; i < 50; ++i) {
    SCOPED_TRACE(i);
    const CacheProblem problem(random);
    const Tensor expected = problem.Expected();
    for (const Isa isa : AvailableIsas()) {
      SCOPED_TRACE(IsaName(isa));
      SetIsaForTest(isa);
      OperatorCase c = problem.Case();
      const std::vector<Tensor> one = c.Run(1);
      ASSERT_EQ(one.size(), 3u);
      ExpectClose(one[0], expected, 1e-5);
      ExpectClose(one[1], problem.Present(problem.past_key, problem.k), 0);
      ExpectClose(one[2], problem.Present(problem.past_value, problem.v), 0);
      for (const int threads : {2, 4}) {
        const std::vector<Tensor> more = c.Run(threads);
        for (size_t output = 0; output < 3; ++output) ExpectClose(more[output], one[output], 0);
      }
      c.output_count = 1;
      ExpectClose(c.Run(2)[0], expected, 1e-5);
    }
    SetIsaForTest(AvailableIsas().back());
  }
}

TEST(GroupQueryAttention, RefusesLengthsThatTheCacheDoesNotHold) {
  std::mt19937 random(8);
  CacheProblem problem(random);
  while (!problem.has_past) problem = CacheProblem(random);
  OperatorCase c = problem.Case();
  std::vector<int32_t> lengths(static_cast<size_t>(problem.batch));
  for (const int32_t wrong :
       {static_cast<int32_t>(problem.capacity + problem.tokens),
        std::numeric_limits<int32_t>::max(), -2, std::numeric_limits<int32_t>::min()}) {
    lengths[0] = wrong;
    c.inputs[5] = Tensor::FromSpan<int32_t>({problem.batch}, std::span<const int32_t>(lengths));
    EXPECT_NE(c.RunError().find("seqlens_k"), std::string::npos);
  }
}

// Caches of whole numbers: what the present holds is what attention reads.
struct NumberCaches {
  NumberCaches(int64_t width, bool many, std::mt19937& random) : bits(width), each(many) {
    step = each ? RandomTensor({kHeads * kSize}, random) : RandomTensor({1}, random);
    std::vector<float> steps = Floats(step);
    for (float& x : steps) x = (2.5f + x) / (bits == 8 ? 50 : 4);
    step = FloatTensor(step.shape(), steps);
  }

  OperatorCase Case(std::mt19937& random) const {
    OperatorCase c;
    c.name = "GroupQueryAttention";
    c.domain = "com.microsoft";
    const Shape now = {kBatch, kTokens, kHeads * kSize};
    const int32_t lengths[] = {7, 9};
    c.inputs = {RandomTensor({kBatch, kTokens, 2 * kHeads * kSize}, random),
                RandomTensor(now, random),
                RandomTensor(now, random),
                Cache(random),
                Cache(random),
                Tensor::FromSpan<int32_t>({kBatch}, std::span<const int32_t>(lengths)),
                Tensor::Scalar(int32_t{10}),
                {},
                {},
                {},
                {},
                {},
                step,
                step};
    c.output_count = 3;
    c.Set("num_heads", 2 * kHeads);
    c.Set("kv_num_heads", int64_t{kHeads});
    for (const char* const name : {"k_quant_type", "v_quant_type"}) {
      c.Set(name, std::string(each ? "PER_CHANNEL" : "PER_TENSOR"));
    }
    c.Set("kv_cache_bit_width", bits);
    return c;
  }

  Tensor Cache(std::mt19937& random) const {
    const Shape shape = {kBatch, kHeads, kHeld, bits == 8 ? kSize : kSize / 2};
    Tensor cache = *Tensor::Allocate(bits == 8 ? ElementType::kInt8 : ElementType::kUint8, shape);
    auto* const bytes = static_cast<uint8_t*>(cache.mutable_view().data);
    for (int64_t i = 0; i < cache.count(); ++i) {
      bytes[i] = static_cast<uint8_t>(RandomInt(0, 255, random));
    }
    return cache;
  }

  // Number i of the cache.
  int NumberAt(const Tensor& cache, int64_t i) const {
    if (bits == 8) return cache.span<int8_t>()[static_cast<size_t>(i)];
    return (cache.span<uint8_t>()[static_cast<size_t>(i / 2)] >> (i % 2 * 4) & 15) - 8;
  }
  float StepAt(int64_t i) const {
    const int64_t head = i / kSize / kCapacity % kHeads;
    return Floats(step)[static_cast<size_t>(each ? head * kSize + i % kSize : 0)];
  }

  // The present as floats; the new rows must be the nearest numbers to `now`.
  Tensor Checked(const Tensor& present, const Tensor& now) const {
    std::vector<float> values;
    for (int64_t i = 0; i < kBatch * kHeads * kCapacity * kSize; ++i) {
      const int64_t b = i / kSize / kCapacity / kHeads, t = i / kSize % kCapacity;
      const int64_t h = i / kSize / kCapacity % kHeads, begin = b == 0 ? 5 : 7;
      const float x = StepAt(i);
      values.push_back(static_cast<float>(NumberAt(present, i)) * x);
      if (t < begin || t >= begin + kTokens) continue;
      const int64_t at = ((b * kTokens + t - begin) * kHeads + h) * kSize + i % kSize;
      const float most = bits == 8 ? 127 : 7;
      const float nearest =
          std::clamp(std::nearbyint(Floats(now)[static_cast<size_t>(at)] / x), -most - 1, most);
      EXPECT_EQ(static_cast<float>(NumberAt(present, i)), nearest) << i;
    }
    return FloatTensor({kBatch, kHeads, kCapacity, kSize}, values);
  }

  static constexpr int64_t kBatch = 2, kHeads = 3, kSize = 300, kTokens = 3, kHeld = 8;
  static constexpr int64_t kCapacity = 10;
  int64_t bits;
  bool each;
  Tensor step;
};

TEST(GroupQueryAttention, ReadsWholeNumbers) {
  std::mt19937 random(3);
  for (const int64_t bits : {8, 4}) {
    for (const bool each : {false, true}) {
      const NumberCaches caches(bits, each, random);
      const OperatorCase c = caches.Case(random);
      for (const Isa isa : AvailableIsas()) {
        SCOPED_TRACE(testing::Message() << bits << each << IsaName(isa));
        SetIsaForTest(isa);
        const std::vector<Tensor> one = c.Run(1);
        OperatorCase plain = c;  // of keys that are all in the caches
        plain.attributes.resize(2);
        plain.inputs.resize(7);
        plain.inputs[3] = caches.Checked(one[1], c.inputs[1]);
        plain.inputs[4] = caches.Checked(one[2], c.inputs[2]);
        const Shape none = {NumberCaches::kBatch, 0, NumberCaches::kHeads * NumberCaches::kSize};
        plain.inputs[1] = plain.inputs[2] = FloatTensor(none, {});
        ExpectClose(one[0], plain.Run()[0], 2e-5);
        for (const int threads : {2, 4}) {
          const std::vector<Tensor> more = c.Run(threads);
          ExpectClose(more[0], one[0], 0);
        }
        OperatorCase out = c;
        out.output_count = 1;
        ExpectClose(out.Run(2)[0], one[0], 0);
      }
      SetIsaForTest(AvailableIsas().back());
    }
  }
  OperatorCase wrong = NumberCaches(8, true, random).Case(random);
  wrong.inputs[13] = FloatTensor({3}, {1, 1, 1});
  EXPECT_NE(wrong.RunError().find("must have 900 elements"), std::string::npos);
  wrong.inputs[13] = wrong.inputs[12];
  wrong.inputs[4] = RandomTensor(wrong.inputs[4].shape(), random);
  EXPECT_NE(wrong.RunError().find("int8"), std::string::npos);
}

// Of float8e4m3fn, which is no NaN.
float SmallFloat(uint8_t code) {
  const int exponent = code >> 3 & 15;
  const float magnitude = exponent == 0
                              ? std::ldexp(static_cast<float>(code & 7), -9)
                              : std::ldexp(static_cast<float>(8 + (code & 7)), exponent - 10);
  return code >= 128 ? -magnitude : magnitude;
}

// As floats of 8 bits times a step, rounded to the nearest; what is too large becomes the largest.
TEST(GroupQueryAttention, ReadsSmallFloats) {
  std::mt19937 random(31);
  const SmallFloatFormat& format = *SmallFloatFormatOf(ElementType::kFloat8E4M3FN);
  for (const bool each : {false, true}) {
    NumberCaches caches(8, each, random);
    OperatorCase c = caches.Case(random);
    const auto decoded = [&](const Tensor& cache) {
      std::vector<float> values;
      const auto* const codes = static_cast<const uint8_t*>(cache.view().data);
      const int64_t rows = cache.shape()[2];
      for (int64_t i = 0; i < cache.count(); ++i) {
        const int64_t head = i / NumberCaches::kSize / rows % NumberCaches::kHeads;
        const int64_t at = each ? head * NumberCaches::kSize + i % NumberCaches::kSize : 0;
        values.push_back(SmallFloat(codes[i]) * Floats(caches.step)[static_cast<size_t>(at)]);
      }
      return FloatTensor(cache.shape(), values);
    };
    for (const int i : {3, 4}) {
      Tensor cache = *Tensor::Allocate(ElementType::kFloat8E4M3FN, c.inputs[i].shape());
      auto* const codes = static_cast<uint8_t*>(cache.mutable_view().data);
      for (int64_t k = 0; k < cache.count(); ++k) {
        codes[k] = static_cast<uint8_t>(RandomInt(0, 1, random) * 128 + RandomInt(0, 100, random));
      }
      c.inputs[i] = cache;
    }
    c.inputs[1].mutable_view().span<float>()[0] = 1e6f;
    const std::vector<Tensor> outputs = c.Run(1);
    ASSERT_EQ(outputs[1].type(), ElementType::kFloat8E4M3FN);
    OperatorCase plain = c;  // of keys that are all in the caches
    plain.attributes.resize(2);
    plain.inputs.resize(7);
    plain.inputs[3] = decoded(outputs[1]);
    plain.inputs[4] = decoded(outputs[2]);
    const Shape none = {NumberCaches::kBatch, 0, NumberCaches::kHeads * NumberCaches::kSize};
    plain.inputs[1] = plain.inputs[2] = FloatTensor(none, {});
    ExpectClose(outputs[0], plain.Run()[0], 1e-3);
    for (const int i : {1, 2}) {
      const auto* const codes = static_cast<const uint8_t*>(outputs[i].view().data);
      for (int64_t t = 0; t < NumberCaches::kTokens; ++t) {
        for (int64_t h = 0; h < NumberCaches::kHeads; ++h) {
          for (int64_t j = 0; j < NumberCaches::kSize; ++j) {
            const float x =
                c.inputs[i].span<float>()[static_cast<size_t>(
                    (t * NumberCaches::kHeads + h) * NumberCaches::kSize + j)] /
                Floats(caches.step)[static_cast<size_t>(each ? h * NumberCaches::kSize + j : 0)];
            const int64_t row = h * NumberCaches::kCapacity + 5 + t;  // behind five of the past
            EXPECT_EQ(codes[row * NumberCaches::kSize + j], FloatToSmallFloat(format, x, true));
          }
        }
      }
    }
  }
}

// Keys in steps of their own, values in one step for all.
TEST(GroupQueryAttention, TakesStepsOfTwoKinds) {
  std::mt19937 random(13);
  for (const int64_t bits : {8, 4}) {
    const NumberCaches keys(bits, true, random), values(bits, false, random);
    OperatorCase c = keys.Case(random);
    c.inputs[13] = values.step;
    for (auto& [name, value] : c.attributes) {
      if (name == "v_quant_type") value = std::string("PER_TENSOR");
    }
    const std::vector<Tensor> all = c.Run(2);
    OperatorCase plain = c;
    plain.attributes.resize(2);
    plain.inputs.resize(7);
    plain.inputs[3] = keys.Checked(all[1], c.inputs[1]);
    plain.inputs[4] = values.Checked(all[2], c.inputs[2]);
    const Shape none = {NumberCaches::kBatch, 0, NumberCaches::kHeads * NumberCaches::kSize};
    plain.inputs[1] = plain.inputs[2] = FloatTensor(none, {});
    ExpectClose(all[0], plain.Run()[0], 2e-5);
    c.inputs[13] = keys.step;
    EXPECT_NE(c.RunError().find("must have 1 elements"), std::string::npos);
    for (auto& [name, value] : c.attributes) {
      if (name == "v_quant_type") value = std::string("NONE");
    }
    EXPECT_NE(c.RunError().find("both or neither"), std::string::npos);
  }
}

// Step by step the same as with caches of all keys, in memory that holds but a few; also with a
// bias of scores and their output, whose columns are those of all keys. The second row begins with
// two keys more.
TEST(GroupQueryAttention, KeepsTheLastKeys) {
  std::mt19937 random(4);
  constexpr int64_t kSize = 8, kMost = 60, kWindow = 5, kAhead = 2;
  for (const int64_t capacity : {kWindow, kWindow + 1, kWindow + 4}) {
    OperatorCase all;
    all.name = "GroupQueryAttention";
    all.domain = "com.microsoft";
    all.output_count = 3;
    all.Set("num_heads", int64_t{2});
    all.Set("kv_num_heads", int64_t{1});
    all.Set("local_window_size", kWindow);
    OperatorCase last = all;
    last.Set("sliding_window_cache", int64_t{1});
    std::vector<Tensor> past_all(2, RandomTensor({2, 1, kMost, kSize}, random));
    std::vector<float> held = Floats(RandomTensor({2, 1, capacity, kSize}, random));
    const std::vector<float> first = Floats(past_all[0]);
    std::copy_n(first.begin() + kMost * kSize, kAhead * kSize, held.begin() + capacity * kSize);
    std::vector<Tensor> past_last(2, FloatTensor({2, 1, capacity, kSize}, held));
    int64_t total = 0, step = 0;
    for (const int64_t tokens : {3, 1, 1, 4, 1, 1, 1, 1, 1, 2, 1, 12, 1, 1, 1, 7, 1, 1}) {
      SCOPED_TRACE(testing::Message() << capacity << " " << total);
      total += tokens;
      const int32_t ends[] = {static_cast<int32_t>(total - 1),
                              static_cast<int32_t>(total - 1 + kAhead)};
      const Tensor lengths = Tensor::FromSpan<int32_t>({2}, std::span<const int32_t>(ends));
      const Tensor q = RandomTensor({2, tokens, 2 * kSize}, random);
      const Tensor k = RandomTensor({2, tokens, kSize}, random);
      const Tensor v = RandomTensor({2, tokens, kSize}, random);
      const Tensor sum = Tensor::Scalar(static_cast<int32_t>(total + kAhead));
      all.inputs = {q, k, v, past_all[0], past_all[1], lengths, sum};
      last.inputs = {q, k, v, past_last[0], past_last[1], lengths, sum};
      OperatorCase wanted_all = all, wanted_last = last;
      const int64_t scores = ++step % 3;
      for (OperatorCase* const c : {&wanted_all, &wanted_last}) {
        if (scores != 0) c->Set("qk_output", scores);
        c->output_count = scores != 0 ? 4 : 3;
        c->inputs.resize(11);
      }
      if (step % 2 == 0) {
        wanted_all.inputs[10] = wanted_last.inputs[10] =
            RandomTensor({step % 4 == 0 ? 2 : 1, 2, tokens, total + kAhead}, random);
      }
      const std::vector<Tensor> expected = wanted_all.Run();
      const std::vector<Tensor> actual = wanted_last.Run(2);
      ASSERT_EQ(actual.size(), scores != 0 ? 4u : 3u);
      ExpectClose(actual[0], expected[0], 1e-5);
      if (scores != 0) ExpectClose(actual[3], expected[3], 1e-5);
      past_all.assign(expected.begin() + 1, expected.begin() + 3);
      past_last.assign(actual.begin() + 1, actual.begin() + 3);
      wanted_last.output_count = 1;
      wanted_last.attributes.resize(last.attributes.size());
      ExpectClose(wanted_last.Run()[0], actual[0], 0);
    }
  }
}

TEST(GroupQueryAttention, RefusesWhatDoesNotFitLastKeys) {
  std::mt19937 random(5);
  OperatorCase c;
  c.name = "GroupQueryAttention";
  c.domain = "com.microsoft";
  c.Set("num_heads", int64_t{1});
  c.Set("kv_num_heads", int64_t{1});
  c.Set("sliding_window_cache", int64_t{1});
  const Tensor now = RandomTensor({1, 3, 8}, random);
  const Tensor past = RandomTensor({1, 1, 4, 8}, random);
  const auto length = [](int32_t number) {
    return Tensor::FromSpan<int32_t>({1}, std::span<const int32_t>(&number, 1));
  };
  c.inputs = {now, now, now, past, past, length(9), Tensor::Scalar(int32_t{10})};
  EXPECT_NE(c.RunError().find("local_window_size"), std::string::npos);
  OperatorCase wide = c;
  wide.Set("local_window_size", int64_t{5});
  EXPECT_NE(wide.RunError().find("does not hold a window of 5"), std::string::npos);
  c.Set("local_window_size", int64_t{4});
  EXPECT_EQ(c.Run().size(), 1u);
  for (const int32_t wrong : {1, -1, std::numeric_limits<int32_t>::min()}) {
    c.inputs[5] = length(wrong);
    EXPECT_NE(c.RunError().find("seqlens_k"), std::string::npos) << wrong;
  }
  c.inputs[5] = length(std::numeric_limits<int32_t>::max());
  EXPECT_EQ(c.Run().size(), 1u);
  // A bias has columns for the keys that are gone, too.
  c.inputs.resize(11);
  c.inputs[10] = RandomTensor({1, 1, 3, 10}, random);
  EXPECT_NE(c.RunError().find("room for 10"), std::string::npos);
  c.inputs[5] = length(10);
  EXPECT_NE(c.RunError().find("room for 10"), std::string::npos);
  c.inputs[5] = length(9);
  EXPECT_EQ(c.Run().size(), 1u);
}

// Keys of another beam, one for each place of a row.
TEST(GroupQueryAttention, RefusesBeamsThatAreNotThere) {
  std::mt19937 random(6);
  OperatorCase c;
  c.name = "GroupQueryAttention";
  c.domain = operators::kInternalDomain;
  c.output_count = 3;
  c.Set("num_heads", int64_t{1});
  c.Set("kv_num_heads", int64_t{1});
  const Tensor now = RandomTensor({2, 1, 8}, random);
  const Tensor past = RandomTensor({2, 1, 4, 8}, random);
  const auto numbers = [](const Shape& shape, std::vector<int32_t> values) {
    return Tensor::FromSpan<int32_t>(shape, std::span<const int32_t>(values));
  };
  const Shape shape = {1, 2, 4};
  c.inputs = {now, now, now, past, past, numbers({2}, {3, 3}), {}, {}, {}, {}, {}, {}};
  c.inputs[11] = numbers(shape, {0, 1, 1, 99, 1, 0, 1, -7});  // the last column is not read
  EXPECT_EQ(c.Run().size(), 3u);
  for (const int32_t wrong : {2, -1, std::numeric_limits<int32_t>::max()}) {
    c.inputs[11] = numbers(shape, {0, 1, 1, 0, 1, wrong, 1, 0});
    EXPECT_NE(c.RunError().find("one of 2 beams"), std::string::npos) << wrong;
  }
  c.inputs[11] = numbers(shape, {0, 1, 1, 0, 1, 0, 1, 0});
  for (const int32_t wrong : {4, -2, std::numeric_limits<int32_t>::max()}) {
    c.inputs[5] = numbers({2}, {3, wrong});
    EXPECT_NE(c.RunError().find("seqlens_k"), std::string::npos) << wrong;
  }
}

// Where past and present are one memory only the new rows are written.
TEST(GroupQueryAttention, AppendsInPlace) {
  std::mt19937 random(9);
  constexpr int64_t kHeads = 3, kCapacity = 40, kSize = 16;
  const int64_t begins[] = {0, 25};
  const std::vector<float> query = RandomFloats(2 * kHeads * kSize, random);
  const std::vector<float> now = RandomFloats(2 * kHeads * kSize, random);
  const std::vector<float> past = RandomFloats(2 * kHeads * kCapacity * kSize, random);
  std::vector<float> keys = past, values = past, out(query.size());
  AttentionProblem p;
  p.batch = 2;
  p.query_heads = p.key_heads = kHeads;
  p.queries = p.new_keys = 1;
  p.keys = kCapacity;
  p.size = p.value_size = kSize;
  p.begins = begins;
  p.causal = true;
  p.query = p.key = p.value = {query.data(), kHeads * kSize, kSize, kHeads * kSize};
  p.key.data = p.value.data = now.data();
  const auto run = [&] {
    const AlignedBuffer scratch(AllocateAligned(static_cast<size_t>(AttentionScratchBytes(p, 2))));
    ThreadParallel parallel(2);
    p.out = out.data();
    p.out_batch = p.out_row = kHeads * kSize;
    p.out_head = kSize;
    RunAttention(p, scratch.get(), parallel);
    return out;
  };
  const auto cache = [&](const float* from, std::vector<float>& to) {
    return HeadCache{{from, kHeads * kCapacity * kSize, kCapacity * kSize, kSize}, to.data()};
  };
  p.key_cache = cache(past.data(), keys);
  p.value_cache = cache(past.data(), values);
  const std::vector<float> apart = run();
  keys = values = past;
  p.key_cache = cache(keys.data(), keys);
  p.value_cache = cache(values.data(), values);
  EXPECT_EQ(run(), apart);
  for (int64_t row = 0; row < 2 * kHeads * kCapacity; ++row) {
    const int64_t b = row / kCapacity / kHeads, h = row / kCapacity % kHeads;
    const float* const expected = row % kCapacity == begins[b]
                                      ? now.data() + (b * kHeads + h) * kSize
                                      : past.data() + row * kSize;
    EXPECT_EQ(std::memcmp(keys.data() + row * kSize, expected, kSize * sizeof(float)), 0) << row;
  }
}

}  // namespace
}  // namespace mullion::cpu
