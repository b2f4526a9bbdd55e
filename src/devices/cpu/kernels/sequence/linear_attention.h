// SPDX-License-Identifier: MIT
// Attention without softmax: each head carries a matrix from token to token.
//
// For each token, with its key k, value v and query q:
//   state = state * decay, by rows
//   change = v, or beta * (v - state^T k) under the delta rule
//   state = state + k change^T
//   out = scale * state^T q
//
// Columns of the state have nothing to do with each other: they are shared out, and a tile of them
// stays in the L1 cache for all tokens.
#ifndef MULLION_DEVICES_CPU_KERNELS_SEQUENCE_LINEAR_ATTENTION_H_
#define MULLION_DEVICES_CPU_KERNELS_SEQUENCE_LINEAR_ATTENTION_H_

#include <cstdint>

#include "base/parallel.h"

namespace mullion::cpu {

template <typename T>
struct LinearAttentionProblem {
  int64_t batch, tokens;
  int64_t query_heads, heads;
  int64_t key_size, value_size;
  int64_t decay_size;  // for each head: 0 (none), 1 or key_size
  int64_t beta_heads;  // 0 (none), 1 or heads
  bool delta;
  T scale;
  const T* query;  // [batch, tokens, query_heads, key_size]
  const T* key;    // [batch, tokens, heads, key_size]
  const T* value;  // [batch, tokens, heads, value_size]
  const T* decay;  // [batch, tokens, heads, decay_size]: factors
  const T* beta;   // [batch, tokens, beta_heads]
  T* state;        // [batch, heads, key_size, value_size], before and after
  T* out;          // [batch, tokens, query_heads, value_size]
};

// What one token does to columns of a head's state: the kernel within.
template <typename T>
struct LinearAttentionStep {
  int64_t rows, stride;
  T* state;
  const T* key;
  const T* value;
  const T* decay;  // or null
  int64_t decay_step;
  const T* beta;  // or null: no delta rule
  const T* query;
  int64_t queries;
  T scale;
  T* out;  // those of further queries are `stride` apart

  void Advance(int64_t columns) {
    state += columns;
    value += columns;
    out += columns;
  }
};

void RunLinearAttention(const LinearAttentionProblem<float>& problem, Parallel& parallel);
void RunLinearAttention(const LinearAttentionProblem<double>& problem, Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_SEQUENCE_LINEAR_ATTENTION_H_
