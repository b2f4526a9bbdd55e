// SPDX-License-Identifier: MIT
// Scaled dot-product attention: softmax(query x key') x value for every head, without a matrix of
// all scores in memory.
#ifndef MULLION_DEVICES_CPU_KERNELS_SEQUENCE_ATTENTION_H_
#define MULLION_DEVICES_CPU_KERNELS_SEQUENCE_ATTENTION_H_

#include <cstdint>
#include <limits>

#include "base/parallel.h"

namespace mullion::cpu {

// Pointers without a type are to floats, or to doubles for RunAttentionInDouble; sizes and strides
// count such elements.

// A tensor of rows: row t of head h of batch b is at data + b * batch + h * head + t * row.
struct HeadRows {
  const void* data = nullptr;
  int64_t batch = 0;
  int64_t head = 0;
  int64_t row = 0;
};

// Past rows and behind them new ones: dense [batch, heads, keys, size] in `all`, which the kernel
// writes. Null when all rows are where the operand says. `all` may be the memory of the past rows,
// which then stay.
struct HeadCache {
  HeadRows past;
  void* all = nullptr;
};

// Strides, which may be 0, of what is shaped like the scores.
struct ScoreStrides {
  int64_t batch = 0;
  int64_t head = 0;
  int64_t row = 0;
};

struct AttentionProblem {
  int64_t batch = 0;
  int64_t query_heads = 0;
  int64_t key_heads = 0;  // divides query_heads; each serves as many neighbouring query heads
  int64_t queries = 0;
  int64_t keys = 0;        // of past and present; with `begins` the most that there is room for
  int64_t past_keys = 0;   // those in the caches
  int64_t new_keys = 0;    // those behind them
  int64_t size = 0;        // of a query and a key
  int64_t value_size = 0;  // of a value
  HeadRows query;
  HeadRows key;  // the new ones
  HeadRows value;
  HeadCache key_cache;
  HeadCache value_cache;
  void* out = nullptr;
  int64_t out_batch = 0;
  int64_t out_head = 0;
  int64_t out_row = 0;

  double scale = 1;
  float softcap = 0;  // c tanh(score / c) when not 0
  // 0 for keys whose scores become `fill`, and what is added to scores after that. Keys from
  // `mask_keys` on are left out if there is one of the two.
  const bool* mask = nullptr;
  ScoreStrides mask_strides;
  float fill = -std::numeric_limits<float>::infinity();
  const void* bias = nullptr;
  ScoreStrides bias_strides;
  int64_t mask_keys = 0;
  // Of rows that have no score above -infinity: zeros, or NaN as the equations say.
  bool blind_gives_zeros = true;
  // Weights that are NaN, which those of a row are all or none, become zeros.
  bool nan_gives_zeros = false;
  // Query i sees keys up to i + offset when causal. With `lengths`, one per batch, only that many
  // keys exist, and the offset is that number less `queries`, unless `past_offset` says otherwise.
  bool causal = false;
  bool past_offset = true;
  int64_t offset = 0;
  const int64_t* lengths = nullptr;
  // Not null: keys of the past differ, one number per batch; when causal, query i sees keys up to i
  // plus that, or plus the number in `offsets`. In the caches zeros come behind the last key,
  // unless the past is there already.
  const int64_t* begins = nullptr;
  const int64_t* offsets = nullptr;
  // Not null: the columns of key 0 in what is added to scores and in those that are wanted, one per
  // batch; of the latter only those of visible keys are written. Needs `causal`.
  const int64_t* first_columns = nullptr;
  int64_t window = 0;  // not 0: of those keys a query sees only so many, the last ones
  // Not null: one more score for each query head (or all, where sink_step is 0), of no value.
  const float* sinks = nullptr;
  int64_t sink_step = 0;

  // Also wanted: scores, dense [batch, query_heads, queries, score_keys], after a step of their
  // making; no query sees more keys than these.
  enum class Scores { kScaled, kCapped, kBiased, kSoftmax };
  void* scores = nullptr;
  int64_t score_keys = 0;
  Scores scores_after = Scores::kScaled;
};

// How many keys the query may see, masks aside.
int64_t VisibleKeys(const AttentionProblem& problem, int64_t batch, int64_t query);

int64_t AttentionScratchBytes(const AttentionProblem& problem, int threads);

void RunAttention(const AttentionProblem& problem, void* scratch, Parallel& parallel);

// The same in double, of problems without `begins`, `sinks`, `first_columns` and `fill`; rows that
// see nothing are zeros. Scratch memory is `keys` doubles a thread.
void RunAttentionInDouble(const AttentionProblem& problem, void* scratch, Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_SEQUENCE_ATTENTION_H_
