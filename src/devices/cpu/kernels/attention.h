// SPDX-License-Identifier: MIT
// Scaled dot-product attention: softmax(query x key') x value for every head, without a matrix of
// all scores in memory.
#ifndef MULLION_DEVICES_CPU_KERNELS_ATTENTION_H_
#define MULLION_DEVICES_CPU_KERNELS_ATTENTION_H_

#include <cstdint>

#include "base/parallel.h"

namespace mullion::cpu {

// A tensor of rows: row t of head h of batch b is at data + b * batch + h * head + t * row.
struct HeadRows {
  const float* data = nullptr;
  int64_t batch = 0;
  int64_t head = 0;
  int64_t row = 0;
};

struct AttentionProblem {
  int64_t batch = 0;
  int64_t query_heads = 0;
  int64_t key_heads = 0;  // divides query_heads; each serves as many neighbouring query heads
  int64_t queries = 0;
  int64_t keys = 0;
  int64_t size = 0;        // floats of a query and a key
  int64_t value_size = 0;  // floats of a value
  HeadRows query;
  HeadRows key;
  HeadRows value;
  float* out = nullptr;
  int64_t out_batch = 0;
  int64_t out_head = 0;
  int64_t out_row = 0;

  float scale = 1;
  float softcap = 0;  // c tanh(score / c) when not 0
  // Added to scores, or 0 and 1 for keys that are left out or stay; one of the two or neither.
  // Strides may be 0. Keys from `mask_keys` on are left out.
  const float* bias = nullptr;
  const bool* mask = nullptr;
  int64_t mask_batch = 0;
  int64_t mask_head = 0;
  int64_t mask_row = 0;
  int64_t mask_keys = 0;
  // Query i sees keys up to i + offset when causal. With `lengths`, one per batch, only that many
  // keys exist, and the offset is that number less `queries`, unless `past_offset` says otherwise.
  bool causal = false;
  bool past_offset = true;
  int64_t offset = 0;
  const int64_t* lengths = nullptr;

  // Also wanted: scores, dense [batch, query_heads, queries, keys], after a step of their making.
  enum class Scores { kScaled, kCapped, kBiased, kSoftmax };
  float* scores = nullptr;
  Scores scores_after = Scores::kScaled;
};

int64_t AttentionScratchBytes(const AttentionProblem& problem, int threads);

// A query that sees no key gives zeros.
void RunAttention(const AttentionProblem& problem, void* scratch, Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ATTENTION_H_
