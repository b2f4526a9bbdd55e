// SPDX-License-Identifier: MIT
// Plain loops over columns, which compilers turn into vectors for each instruction set; four rows
// at once, so that what is summed up is read and written a quarter as often.
#include "devices/cpu/kernels/sequence/linear_attention.h"

#include <algorithm>

#define MULLION_SCALAR_IN_USE
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/sequence/linear_attention.cc"
#include "devices/cpu/kernels/simd/for_elements.h"
#include "devices/cpu/kernels/simd/simd.h"

// Two copies: of the state's 16 KiB a cycle reads two vectors of AVX2 or one that is twice as wide.
#if HWY_TARGET == HWY_STATIC_TARGET || HWY_TARGET == HWY_AVX2

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace {

// Columns of a tile: with 128 rows 32 KiB of floats.
constexpr int64_t kColumns = 64;

// rows *= decay; sums += rows^T key.
template <int kRows, typename T>
HWY_NOINLINE void Decay(int64_t columns, int64_t stride, const T* decay, int64_t decay_step,
                        const T* key, T* HWY_RESTRICT rows, T* HWY_RESTRICT sums) {
  T factor[kRows];
  T k[kRows];
  for (int r = 0; r < kRows; ++r) {
    factor[r] = decay == nullptr ? T{1} : decay[r * decay_step];
    k[r] = key[r];
  }
  ForElements(static_cast<size_t>(columns), [=](size_t j) {
    T sum = sums[j];
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      T* const x = rows + r * stride + j;
      *x *= factor[r];
      sum += *x * k[r];
    }
    sums[j] = sum;
  });
}

// rows += key change^T.
template <int kRows, typename T>
HWY_NOINLINE void Update(int64_t columns, int64_t stride, const T* key,
                         const T* HWY_RESTRICT change, T* HWY_RESTRICT rows) {
  T k[kRows];
  for (int r = 0; r < kRows; ++r) k[r] = key[r];
  ForElements(static_cast<size_t>(columns), [=](size_t j) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) rows[r * stride + static_cast<int64_t>(j)] += k[r] * change[j];
  });
}

// sums += rows^T query.
template <int kRows, typename T>
HWY_NOINLINE void Read(int64_t columns, int64_t stride, const T* query, const T* HWY_RESTRICT rows,
                       T* HWY_RESTRICT sums) {
  T q[kRows];
  for (int r = 0; r < kRows; ++r) q[r] = query[r];
  ForElements(static_cast<size_t>(columns), [=](size_t j) {
    T sum = sums[j];
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) sum += rows[r * stride + static_cast<int64_t>(j)] * q[r];
    sums[j] = sum;
  });
}

// All tokens of one head, columns [first, first + columns).
template <typename T>
void RunTile(const LinearAttentionProblem<T>& p, int64_t batch, int64_t head, int64_t first,
             int64_t columns) {
  const int64_t rows = p.key_size;
  const int64_t stride = p.value_size;
  const int64_t group = p.query_heads / p.heads;
  T* const state = p.state + (batch * p.heads + head) * rows * stride + first;
  T change[kColumns];
  for (int64_t token = batch * p.tokens; token < (batch + 1) * p.tokens; ++token) {
    const T* const key = p.key + (token * p.heads + head) * rows;
    const T* const value = p.value + (token * p.heads + head) * stride + first;
    const T* const decay =
        p.decay_size == 0 ? nullptr : p.decay + (token * p.heads + head) * p.decay_size;
    const int64_t decay_step = p.decay_size > 1 ? 1 : 0;
    if (decay != nullptr || p.delta) {
      std::fill_n(change, columns, T{0});
      int64_t r = 0;
      for (; r + 4 <= rows; r += 4) {
        Decay<4>(columns, stride, decay == nullptr ? decay : decay + r * decay_step, decay_step,
                 key + r, state + r * stride, change);
      }
      for (; r < rows; ++r) {
        Decay<1>(columns, stride, decay == nullptr ? decay : decay + r * decay_step, decay_step,
                 key + r, state + r * stride, change);
      }
    }
    if (p.delta) {
      const T beta = p.beta[token * p.beta_heads + (p.beta_heads > 1 ? head : 0)];
      for (int64_t j = 0; j < columns; ++j) change[j] = beta * (value[j] - change[j]);
    } else {
      std::copy_n(value, columns, change);
    }
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4) Update<4>(columns, stride, key + r, change, state + r * stride);
    for (; r < rows; ++r) Update<1>(columns, stride, key + r, change, state + r * stride);
    for (int64_t i = head * group; i < (head + 1) * group; ++i) {
      const T* const query = p.query + (token * p.query_heads + i) * rows;
      T* const out = p.out + (token * p.query_heads + i) * stride + first;
      std::fill_n(out, columns, T{0});
      for (r = 0; r + 4 <= rows; r += 4)
        Read<4>(columns, stride, query + r, state + r * stride, out);
      for (; r < rows; ++r) Read<1>(columns, stride, query + r, state + r * stride, out);
      for (int64_t j = 0; j < columns; ++j) out[j] *= p.scale;
    }
  }
}

template <typename T>
void Run(const LinearAttentionProblem<T>& p, Parallel& parallel) {
  constexpr int64_t kChunkElements = 16 * 1024;  // of the state, over all tokens
  const int64_t tiles = (p.value_size + kColumns - 1) / kColumns;
  const int64_t work =
      std::max<int64_t>(p.tokens * p.key_size * std::min(p.value_size, kColumns), 1);
  const int64_t chunk = std::max<int64_t>(kChunkElements / work, 1);
  parallel.For(p.batch * p.heads * tiles, chunk, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % tiles * kColumns;
      const int64_t head = i / tiles;
      RunTile(p, head / p.heads, head % p.heads, first, std::min(kColumns, p.value_size - first));
    }
  });
}

void RunFloat(const LinearAttentionProblem<float>& problem, Parallel& parallel) {
  Run(problem, parallel);
}
void RunDouble(const LinearAttentionProblem<double>& problem, Parallel& parallel) {
  Run(problem, parallel);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif

#if HWY_ONCE
namespace mullion::cpu {

void RunLinearAttention(const LinearAttentionProblem<float>& problem, Parallel& parallel) {
  const auto run =
      CurrentIsa() >= Isa::kAvx2 ? MULLION_SIMD_AVX2(RunFloat) : MULLION_SIMD_SCALAR(RunFloat);
  run(problem, parallel);
}
void RunLinearAttention(const LinearAttentionProblem<double>& problem, Parallel& parallel) {
  const auto run =
      CurrentIsa() >= Isa::kAvx2 ? MULLION_SIMD_AVX2(RunDouble) : MULLION_SIMD_SCALAR(RunDouble);
  run(problem, parallel);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
