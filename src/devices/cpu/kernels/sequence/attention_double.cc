// SPDX-License-Identifier: MIT
// Attention of doubles, query by query: it is rare, and wanted for its digits.
#include <algorithm>
#include <limits>

#include "devices/cpu/kernels/elementwise/number_unary.h"
#include "devices/cpu/kernels/sequence/attention.h"

namespace mullion::cpu {

namespace {

constexpr int64_t kWorkOfTask = 100'000;  // multiply-adds that are worth one

const double* RowAt(const HeadRows& rows, int64_t batch, int64_t head, int64_t row) {
  return static_cast<const double*>(rows.data) + batch * rows.batch + head * rows.head +
         row * rows.row;
}

// Brings the rows of the past and the new ones of a head together, and says where all rows are.
HeadRows Joined(const AttentionProblem& p, const HeadRows& now, const HeadCache& cache,
                int64_t size, Parallel& parallel) {
  if (cache.all == nullptr) return now;
  const HeadRows all = {cache.all, p.key_heads * p.keys * size, p.keys * size, size};
  parallel.For(p.batch * p.key_heads, 1, [&](int64_t begin, int64_t end, int /*worker*/) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t batch = i / p.key_heads, head = i % p.key_heads;
      for (int64_t t = 0; t < p.keys; ++t) {
        const double* const from = t < p.past_keys ? RowAt(cache.past, batch, head, t)
                                                   : RowAt(now, batch, head, t - p.past_keys);
        std::copy_n(from, size, const_cast<double*>(RowAt(all, batch, head, t)));
      }
    }
  });
  return all;
}

// Sums in four lanes, which do not wait for each other.
double Dot(const double* a, const double* b, int64_t count) {
  double lanes[4] = {};
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (int64_t k = 0; k < 4; ++k) lanes[k] += a[i + k] * b[i + k];
  }
  for (; i < count; ++i) lanes[0] += a[i] * b[i];
  return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

struct Query {
  int64_t batch, head, row;

  int64_t At(const ScoreStrides& strides) const {
    return batch * strides.batch + head * strides.head + row * strides.row;
  }
};

// `x` has room for the scores, which become weights, of which the first `count` are needed.
void Weigh(const AttentionProblem& p, const Query& query, double* x, int64_t count) {
  constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();
  const auto give = [&](AttentionProblem::Scores after) {
    if (p.scores == nullptr || p.scores_after != after) return;
    const int64_t row = (query.batch * p.query_heads + query.head) * p.queries + query.row;
    std::copy_n(x, count, static_cast<double*>(p.scores) + row * p.keys);
  };
  const auto apply = [&](operators::ElementwiseOp op) {
    DoubleUnary({op}, x, x, static_cast<size_t>(count));
  };
  give(AttentionProblem::Scores::kScaled);
  if (p.softcap != 0) {
    const auto cap = static_cast<double>(p.softcap);
    for (int64_t t = 0; t < count; ++t) x[t] /= cap;
    apply(operators::ElementwiseOp::kTanh);
    for (int64_t t = 0; t < count; ++t) x[t] *= cap;
  }
  give(AttentionProblem::Scores::kCapped);
  const int64_t visible = VisibleKeys(p, query.batch, query.row);
  const bool* const mask = p.mask + query.At(p.mask_strides);
  const double* const bias = static_cast<const double*>(p.bias) + query.At(p.bias_strides);
  double most = kMinusInfinity;
  for (int64_t t = 0; t < count; ++t) {
    if (t >= visible || (p.mask != nullptr && !mask[t])) x[t] = kMinusInfinity;
    if (t < visible && p.bias != nullptr) x[t] += bias[t];
    most = std::max(most, x[t]);
  }
  give(AttentionProblem::Scores::kBiased);
  // What sees nothing has weights of 0.
  if (most == kMinusInfinity) most = 0;
  for (int64_t t = 0; t < count; ++t) x[t] -= most;
  apply(operators::ElementwiseOp::kExp);
  double sum = 0;
  for (int64_t t = 0; t < count; ++t) sum += x[t];
  for (int64_t t = 0; t < count && sum != 0; ++t) x[t] /= sum;
  give(AttentionProblem::Scores::kSoftmax);
}

}  // namespace

void RunAttentionInDouble(const AttentionProblem& p, void* scratch, Parallel& parallel) {
  if (p.batch * p.key_heads == 0) return;
  const HeadRows keys = Joined(p, p.key, p.key_cache, p.size, parallel);
  const HeadRows values = Joined(p, p.value, p.value_cache, p.value_size, parallel);
  const int64_t work = std::max<int64_t>(p.keys * (p.size + p.value_size), 1);
  parallel.For(p.batch * p.query_heads * p.queries, std::max<int64_t>(kWorkOfTask / work, 1),
               [&](int64_t begin, int64_t end, int worker) {
                 double* const x = static_cast<double*>(scratch) + worker * p.keys;
                 for (int64_t i = begin; i < end; ++i) {
                   const Query query = {i / p.queries / p.query_heads,
                                        i / p.queries % p.query_heads, i % p.queries};
                   const int64_t head = query.head / (p.query_heads / p.key_heads);
                   const int64_t count =
                       p.scores != nullptr ? p.keys : VisibleKeys(p, query.batch, query.row);
                   const double* const q = RowAt(p.query, query.batch, query.head, query.row);
                   for (int64_t t = 0; t < count; ++t) {
                     x[t] = p.scale * Dot(q, RowAt(keys, query.batch, head, t), p.size);
                   }
                   Weigh(p, query, x, count);
                   double* const out = static_cast<double*>(p.out) + query.batch * p.out_batch +
                                       query.head * p.out_head + query.row * p.out_row;
                   std::fill_n(out, p.value_size, 0.0);
                   for (int64_t t = 0; t < count; ++t) {
                     const double* const value = RowAt(values, query.batch, head, t);
                     for (int64_t k = 0; k < p.value_size; ++k) out[k] += x[t] * value[k];
                   }
                 }
               });
}

}  // namespace mullion::cpu
