// SPDX-License-Identifier: MIT
// Columns are taken some vectors at a time, whose sums stay in registers for all rows of the state.
#include "devices/cpu/kernels/sequence/linear_attention.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/sequence/linear_attention.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

namespace {

// kVectors vectors of columns, or the first `lanes` of one.
template <int kVectors, typename T>
HWY_NOINLINE void TakeVectors(const LinearAttentionStep<T> s, size_t lanes) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<hn::ScalableTag<T>>;
  const size_t width = hn::Lanes(d);
  const auto load = [=](const T* from) HWY_ATTR {
    return kVectors == 1 ? LoadFirst(d, from, lanes) : hn::LoadU(d, from);
  };
  const auto store = [=](V v, T* to) HWY_ATTR {
    kVectors == 1 ? StoreFirst(v, d, to, lanes) : hn::StoreU(v, d, to);
  };
  V change[kVectors];
  V sums[kVectors];
  // state = state * decay + key change^T; sums = state^T factors.
  const auto update = [&](const T* decay, const T* key, const T* factors) HWY_ATTR {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) sums[j] = hn::Zero(d);
    T* row = s.state;
    for (int64_t r = 0; r < s.rows; ++r, row += s.stride) {
      const V remains = hn::Set(d, decay == nullptr ? T{1} : decay[r * s.decay_step]);
      const V taken = hn::Set(d, key[r]);
      const V factor = hn::Set(d, factors[r]);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) {
        const V x = hn::MulAdd(taken, change[j], hn::Mul(load(row + j * width), remains));
        store(x, row + j * width);
        sums[j] = hn::MulAdd(x, factor, sums[j]);
      }
    }
  };
  // sums = (state * decay)^T factors.
  const auto read = [&](const T* decay, const T* factors) HWY_ATTR {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) sums[j] = hn::Zero(d);
    const T* row = s.state;
    for (int64_t r = 0; r < s.rows; ++r, row += s.stride) {
      const V factor = hn::Set(d, factors[r] * (decay == nullptr ? T{1} : decay[r * s.decay_step]));
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) {
        sums[j] = hn::MulAdd(load(row + j * width), factor, sums[j]);
      }
    }
  };
#pragma GCC unroll 4
  for (int j = 0; j < kVectors; ++j) change[j] = load(s.value + j * width);
  if (s.beta != nullptr) {
    read(s.decay, s.key);
    const V beta = hn::Set(d, *s.beta);
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) change[j] = hn::Mul(beta, hn::Sub(change[j], sums[j]));
  }
  update(s.decay, s.key, s.query);
  for (int64_t i = 0;;) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      store(hn::Mul(sums[j], hn::Set(d, s.scale)), s.out + i * s.stride + j * width);
    }
    if (++i == s.queries) return;
    read(nullptr, s.query + i * s.rows);
  }
}

template <typename T>
void TakeToken(LinearAttentionStep<T> step, int64_t columns) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  for (; columns >= 4 * lanes; columns -= 4 * lanes) {
    TakeVectors<4>(step, static_cast<size_t>(lanes));
    step.Advance(4 * lanes);
  }
  for (; columns > 0; columns -= lanes) {
    TakeVectors<1>(step, static_cast<size_t>(std::min(lanes, columns)));
    step.Advance(lanes);
  }
}

#if !HWY_HAVE_FLOAT64  // wasm
template <>
void TakeToken(LinearAttentionStep<double> s, int64_t columns) {
  for (int64_t j = 0; j < columns; ++j, s.Advance(1)) {
    double sum = 0;
    for (int64_t r = 0; r < s.rows; ++r) {
      double& x = s.state[r * s.stride];
      if (s.decay != nullptr) x *= s.decay[r * s.decay_step];
      sum += x * s.key[r];
    }
    const double change = s.beta == nullptr ? *s.value : *s.beta * (*s.value - sum);
    for (int64_t r = 0; r < s.rows; ++r) s.state[r * s.stride] += change * s.key[r];
    for (int64_t i = 0; i < s.queries; ++i) {
      sum = 0;
      for (int64_t r = 0; r < s.rows; ++r) sum += s.state[r * s.stride] * s.query[i * s.rows + r];
      s.out[i * s.stride] = sum * s.scale;
    }
  }
}
#endif

}  // namespace

void TakeFloats(const LinearAttentionStep<float>& step, int64_t columns) {
  TakeToken(step, columns);
}
void TakeDoubles(const LinearAttentionStep<double>& step, int64_t columns) {
  TakeToken(step, columns);
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

namespace {

// Columns of a tile: with 128 rows 32 KiB of floats.
constexpr int64_t kColumns = 64;

template <typename T>
using TakeToken = void (*)(const LinearAttentionStep<T>& step, int64_t columns);

// All tokens of one head, columns [first, first + columns).
template <typename T>
void RunTile(const LinearAttentionProblem<T>& p, TakeToken<T> take, int64_t batch, int64_t head,
             int64_t first, int64_t columns) {
  const int64_t rows = p.key_size;
  const int64_t stride = p.value_size;
  const int64_t group = p.query_heads / p.heads;
  LinearAttentionStep<T> step = {};
  step.rows = rows;
  step.stride = stride;
  step.state = p.state + (batch * p.heads + head) * rows * stride + first;
  step.decay_step = p.decay_size > 1 ? 1 : 0;
  step.queries = group;
  step.scale = p.scale;
  for (int64_t token = batch * p.tokens; token < (batch + 1) * p.tokens; ++token) {
    const int64_t at = token * p.heads + head;
    step.key = p.key + at * rows;
    step.value = p.value + at * stride + first;
    if (p.decay_size != 0) step.decay = p.decay + at * p.decay_size;
    if (p.delta) step.beta = p.beta + token * p.beta_heads + (p.beta_heads > 1 ? head : 0);
    step.query = p.query + at * group * rows;
    step.out = p.out + at * group * stride + first;
    take(step, columns);
  }
}

template <typename T>
void Run(const LinearAttentionProblem<T>& p, TakeToken<T> take, Parallel& parallel) {
  constexpr int64_t kChunkElements = 16 * 1024;  // of the state, over all tokens
  const int64_t tiles = (p.value_size + kColumns - 1) / kColumns;
  const int64_t work =
      std::max<int64_t>(p.tokens * p.key_size * std::min(p.value_size, kColumns), 1);
  const int64_t chunk = std::max<int64_t>(kChunkElements / work, 1);
  parallel.For(p.batch * p.heads * tiles, chunk, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % tiles * kColumns;
      const int64_t head = i / tiles;
      RunTile(p, take, head / p.heads, head % p.heads, first,
              std::min(kColumns, p.value_size - first));
    }
  });
}

}  // namespace

void RunLinearAttention(const LinearAttentionProblem<float>& problem, Parallel& parallel) {
  Run(problem, MULLION_SIMD_CALL(TakeFloats), parallel);
}
void RunLinearAttention(const LinearAttentionProblem<double>& problem, Parallel& parallel) {
  Run(problem, MULLION_SIMD_CALL(TakeDoubles), parallel);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
