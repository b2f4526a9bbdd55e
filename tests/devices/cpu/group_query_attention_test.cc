// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/memory.h"
#include "devices/cpu/kernels/sequence/attention.h"
#include "devices/cpu/kernels/simd/isa.h"
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

// What it does not do is not left out in silence.
TEST(GroupQueryAttention, RefusesOtherKeysThanThoseBeforeTheQuery) {
  std::mt19937 random(5);
  const CacheProblem problem(random);
  for (const auto& [name, value] : {std::pair("causal", int64_t{0}), {"sliding_window_cache", 1}}) {
    OperatorCase c = problem.Case();
    c.Set(name, value);
    EXPECT_NE(c.RunError().find("are not supported"), std::string::npos) << name;
  }
}

TEST(GroupQueryAttention, RefusesLengthsThatTheCacheDoesNotHold) {
  std::mt19937 random(8);
  CacheProblem problem(random);
  while (!problem.has_past) problem = CacheProblem(random);
  OperatorCase c = problem.Case();
  std::vector<int32_t> lengths(static_cast<size_t>(problem.batch));
  for (const int32_t wrong : {static_cast<int32_t>(problem.capacity + problem.tokens),
                              std::numeric_limits<int32_t>::max()}) {
    lengths[0] = wrong;
    c.inputs[5] = Tensor::FromSpan<int32_t>({problem.batch}, std::span<const int32_t>(lengths));
    EXPECT_NE(c.RunError().find("seqlens_k"), std::string::npos);
  }
  lengths[0] = std::numeric_limits<int32_t>::min();  // as good as no past
  c.inputs[5] = Tensor::FromSpan<int32_t>({problem.batch}, std::span<const int32_t>(lengths));
  EXPECT_EQ(c.Run().size(), 3u);
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
