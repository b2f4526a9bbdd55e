// SPDX-License-Identifier: MIT
// Blocks of queries of one head take three steps while their scores are in the second-level cache:
// product with all keys, softmax, product with the values. Keys are packed once per head; values
// are used as they lie where their rows are whole groups of 16 floats.
#include "devices/cpu/kernels/sequence/attention.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "base/rounding.h"
#include "devices/cpu/kernels/matrix/panel_product.h"
#include "devices/cpu/kernels/matrix/row_dot.h"
#include "devices/cpu/kernels/matrix/transpose_tile.h"
#include "devices/cpu/kernels/sequence/score_row.h"

namespace mullion::cpu {

namespace {

// Floats of scores of a block: half of a small second-level cache.
constexpr int64_t kScoreFloats = 64 * 1024;
constexpr int64_t kMostRows = 48;  // eight tiles of the product
// Up to so many rows share a head's keys at the price of reading these as they lie.
constexpr int64_t kFewRows = 4;
// Multiply-adds that are worth a task.
constexpr int64_t kLeastWork = 200'000;

// What moving a float of keys or values costs, in multiply-adds.
constexpr int64_t kPreparing = 8;

// Sizes that hang on the problem's sizes only.
struct Plan {
  explicit Plan(const AttentionProblem& p)
      : heads(p.batch * p.key_heads),
        group(p.query_heads / std::max<int64_t>(p.key_heads, 1)),
        rows(p.queries * group),
        padded_keys(RoundUpToPanelGroup(p.keys)),
        padded_values(RoundUpToPanelGroup(p.value_size)),
        packs_keys(rows > kFewRows),
        packs_values(p.value_size % kPanelGroup != 0) {
    const int64_t fitting = kScoreFloats / std::max<int64_t>(padded_keys, 1) / 6 * 6;
    block_rows = std::min(std::clamp<int64_t>(fitting, 6, kMostRows), rows);
    blocks = block_rows == 0 ? 0 : DivideUp(rows, block_rows);
  }

  int64_t heads;  // of keys, in the whole batch
  int64_t group;  // query heads that share one
  int64_t rows;   // queries of such a group
  int64_t padded_keys;
  int64_t padded_values;
  bool packs_keys;
  bool packs_values;
  int64_t block_rows;
  int64_t blocks;

  // Floats in scratch memory.
  int64_t KeyFloats(const AttentionProblem& p) const {
    return packs_keys ? padded_keys * p.size : 0;
  }
  int64_t ValueFloats(const AttentionProblem& p) const {
    return packs_values ? padded_values * p.keys : 0;
  }
  int64_t ZeroFloats() const { return std::max(padded_keys, padded_values); }
  int64_t WorkerFloats(const AttentionProblem& p) const {
    const int64_t pointers = block_rows * static_cast<int64_t>(sizeof(void*) / sizeof(float));
    return block_rows * (padded_keys + padded_values + RoundUpToPanelGroup(p.size)) +
           RoundUpToPanelGroup(2 * pointers);
  }
};

const float* RowOf(const HeadRows& rows, int64_t batch, int64_t head, int64_t row) {
  return static_cast<const float*>(rows.data) + batch * rows.batch + head * rows.head +
         row * rows.row;
}

// Where keys or values of all tokens are, once those of the past are joined with the new ones.
HeadRows AllRows(const AttentionProblem& p, const HeadRows& now, const HeadCache& cache,
                 int64_t size) {
  if (cache.all == nullptr) return now;
  return {cache.all, p.key_heads * p.keys * size, p.keys * size, size};
}

// A call of memmove takes longer than to copy a short row.
void CopyRow(const float* from, int64_t count, float* to) {
  constexpr int64_t kShort = 64;
  constexpr int64_t kPart = 4;
  if (count > kShort) {
    std::copy_n(from, count, to);
    return;
  }
  for (; count >= kPart; count -= kPart, from += kPart, to += kPart) {
    std::memcpy(to, from, kPart * sizeof(float));
  }
  for (; count > 0; --count) *to++ = *from++;
}

int64_t PastKeys(const AttentionProblem& p, int64_t batch) {
  return p.begins == nullptr ? p.past_keys : p.begins[batch];
}

void Join(const AttentionProblem& p, const HeadRows& now, const HeadCache& cache, int64_t size,
          int64_t batch, int64_t head) {
  if (cache.all == nullptr) return;
  float* const all = static_cast<float*>(cache.all) + (batch * p.key_heads + head) * p.keys * size;
  const float* const before =
      cache.past.data == nullptr ? nullptr : RowOf(cache.past, batch, head, 0);
  const int64_t past = PastKeys(p, batch);
  float* to = all + past * size;
  if (past > 0 && before != all) std::copy_n(before, past * size, all);
  for (int64_t t = 0; t < p.new_keys; ++t, to += size) {
    CopyRow(RowOf(now, batch, head, t), size, to);
  }
  if (before != all) std::fill(to, all + p.keys * size, 0.0f);
}

// Keys become columns: panels of [size][64 keys].
void PackKeys(const AttentionProblem& p, const HeadRows& keys, int64_t batch, int64_t head,
              float* packed) {
  const int64_t padded = RoundUpToPanelGroup(p.keys);
  const int64_t filled = PastKeys(p, batch) + p.new_keys;
  for (int64_t first = 0; first < filled; first += kPanelWidth) {
    const int64_t width = std::min(kPanelWidth, padded - first);
    const int64_t count = std::min(width, filled - first);
    float* const panel = packed + first * p.size;
    // Tiles of 64 x 32 floats and their transposes fit the first-level cache.
    constexpr int64_t kTile = 32;
    for (int64_t k = 0; k < p.size; k += kTile) {
      const int64_t depth = std::min(kTile, p.size - k);
      const float* const from = RowOf(keys, batch, head, first) + k;
      float* const to = panel + k * width;
      TransposeTile(sizeof(float), reinterpret_cast<const uint8_t*>(from),
                    keys.row * static_cast<int64_t>(sizeof(float)), reinterpret_cast<uint8_t*>(to),
                    width * static_cast<int64_t>(sizeof(float)), static_cast<size_t>(count),
                    static_cast<size_t>(depth));
      if (count == width) continue;
      for (int64_t i = 0; i < depth; ++i) {
        std::fill(to + i * width + count, to + (i + 1) * width, 0.0f);
      }
    }
  }
}

void PackValues(const AttentionProblem& p, const HeadRows& values, int64_t batch, int64_t head,
                float* packed) {
  const int64_t columns = RoundUpToPanelGroup(p.value_size);
  for (int64_t first = 0; first < columns; first += kPanelWidth) {
    const int64_t width = std::min(kPanelWidth, columns - first);
    const int64_t count = std::min(width, p.value_size - first);
    float* to = packed + first * p.keys;
    for (int64_t row = 0; row < PastKeys(p, batch) + p.new_keys; ++row, to += width) {
      CopyRow(RowOf(values, batch, head, row) + first, count, to);
      for (int64_t i = count; i < width; ++i) to[i] = 0.0f;
    }
  }
}

// What all tasks share.
struct Shared {
  const AttentionProblem& problem;
  const Plan& plan;
  HeadRows all_keys;
  HeadRows all_values;
  float* keys;  // packed
  float* values;
  const float* zeros;
  float* workers;

  // What the blocks of a head read.
  void Prepare(int64_t index) const {
    const AttentionProblem& p = problem;
    const int64_t batch = index / p.key_heads;
    const int64_t head = index % p.key_heads;
    Join(p, p.key, p.key_cache, p.size, batch, head);
    if (plan.packs_keys) PackKeys(p, all_keys, batch, head, keys + index * plan.KeyFloats(p));
    Join(p, p.value, p.value_cache, p.value_size, batch, head);
    if (plan.packs_values) {
      PackValues(p, all_values, batch, head, values + index * plan.ValueFloats(p));
    }
  }
};

// Rows [first, first + count) of the queries of one group of heads.
class BlockTask {
 public:
  BlockTask(const Shared& shared, int64_t head, int64_t first, int64_t count, int worker)
      : p_(shared.problem),
        plan_(shared.plan),
        shared_(shared),
        index_(head),
        batch_(head / p_.key_heads),
        head_(head % p_.key_heads),
        first_(first),
        count_(count) {
    float* at = shared.workers + worker * plan_.WorkerFloats(p_);
    scores_ = at;
    at += plan_.block_rows * plan_.padded_keys;
    results_ = at;
    at += plan_.block_rows * plan_.padded_values;
    queries_ = at;
    at += plan_.block_rows * RoundUpToPanelGroup(p_.size);
    rows_ = reinterpret_cast<const float**>(at);
  }

  void Run() {
    int64_t seen = 0;  // keys that any of the rows sees
    for (int64_t r = 0; r < count_; ++r) {
      const int64_t visible = VisibleKeys(p_, batch_, Query(r));
      visible_[static_cast<size_t>(r)] = visible;
      seen = std::max(seen, visible);
    }
    const int64_t columns =
        p_.scores != nullptr && p_.first_columns == nullptr ? p_.score_keys : seen;
    if (columns > 0) {
      Multiply(columns);
      Weigh(columns);
    }
    MultiplyValues(seen);
    if (writes_out()) return;
    for (int64_t r = 0; r < count_; ++r) {
      CopyRow(results_ + r * plan_.padded_values, p_.value_size, OutOf(r));
    }
  }

 private:
  // Divisions only where a head of keys serves several of queries.
  int64_t QueryHead(int64_t r) const {
    return plan_.group == 1 ? head_ : head_ * plan_.group + (first_ + r) / p_.queries;
  }
  int64_t Query(int64_t r) const {
    return plan_.group == 1 ? first_ + r : (first_ + r) % p_.queries;
  }

  float* OutOf(int64_t r) const {
    return static_cast<float*>(p_.out) + batch_ * p_.out_batch + QueryHead(r) * p_.out_head +
           Query(r) * p_.out_row;
  }
  // Whether rows are as wide as what the product writes, and at equal distances.
  bool writes_out() const { return plan_.group == 1 && plan_.padded_values == p_.value_size; }

  void Multiply(int64_t seen) {
    const auto query = [&](int64_t r) { return RowOf(p_.query, batch_, QueryHead(r), Query(r)); };
    if (!plan_.packs_keys) {
      RowDotArguments dot{};
      dot.left = query(0);
      dot.left_stride = p_.query.row;
      // Rows of several heads may lie at other distances.
      if (plan_.group > 1) {
        for (int64_t r = 0; r < count_; ++r) CopyRow(query(r), p_.size, queries_ + r * p_.size);
        dot.left = queries_;
        dot.left_stride = p_.size;
      }
      dot.rows = count_;
      dot.right = RowOf(shared_.all_keys, batch_, head_, 0);
      dot.right_stride = shared_.all_keys.row;
      dot.depth = p_.size;
      dot.out = scores_;
      dot.out_stride = plan_.padded_keys;
      RowDot(dot, 0, seen);
      return;
    }
    for (int64_t r = 0; r < count_; ++r) rows_[r] = query(r);
    PanelProductArguments<float> product;
    product.rows = rows_;
    product.row_count = count_;
    product.depth = p_.size;
    product.packed = shared_.keys + index_ * plan_.KeyFloats(p_);
    product.columns = plan_.padded_keys;
    product.init = shared_.zeros;
    product.out = scores_;
    product.out_stride = plan_.padded_keys;
    PanelProduct(product, 0,
                 std::min(plan_.padded_keys, DivideUp(seen, kPanelWidth) * kPanelWidth));
  }

  // Rows of one head of queries after the other.
  void Weigh(int64_t seen) {
    for (int64_t first = 0; first < count_;) {
      const int64_t count = std::min(p_.queries - Query(first), count_ - first);
      WeighScores(ScoresOf(first, count, seen));
      first += count;
    }
  }

  ScoreRows ScoresOf(int64_t r, int64_t count, int64_t seen) const {
    ScoreRows rows;
    rows.x = scores_ + r * plan_.padded_keys;
    rows.stride = plan_.padded_keys;
    rows.count = count;
    rows.keys = seen;
    rows.visible = visible_.data() + r;
    rows.window = p_.window;
    if (p_.sinks != nullptr) rows.sink = p_.sinks + QueryHead(r) * p_.sink_step;
    rows.scale = static_cast<float>(p_.scale);
    rows.softcap = p_.softcap;
    const auto offset = [&](const ScoreStrides& strides) {
      return batch_ * strides.batch + QueryHead(r) * strides.head + Query(r) * strides.row;
    };
    if (p_.mask != nullptr) rows.mask = p_.mask + offset(p_.mask_strides);
    rows.mask_step = p_.mask_strides.row;
    const int64_t column = p_.first_columns == nullptr ? 0 : p_.first_columns[batch_];
    if (p_.bias != nullptr) {
      rows.bias = static_cast<const float*>(p_.bias) + offset(p_.bias_strides) + column;
    }
    rows.bias_step = p_.bias_strides.row;
    rows.fill = p_.fill;
    rows.blind_gives_zeros = p_.blind_gives_zeros;
    rows.nan_gives_zeros = p_.nan_gives_zeros;
    if (p_.scores != nullptr) {
      const int64_t at = (batch_ * p_.query_heads + QueryHead(r)) * p_.queries + Query(r);
      rows.scores = static_cast<float*>(p_.scores) + at * p_.score_keys + column;
      rows.scores_step = p_.score_keys;
      rows.scores_after = p_.scores_after;
    }
    return rows;
  }

  void MultiplyValues(int64_t seen) {
    for (int64_t r = 0; r < count_; ++r) rows_[r] = scores_ + r * plan_.padded_keys;
    PanelProductArguments<float> product;
    product.rows = rows_;
    product.row_count = count_;
    product.columns = plan_.padded_values;
    product.init = shared_.zeros;
    product.out = writes_out() ? OutOf(0) : results_;
    product.out_stride = writes_out() ? p_.out_row : plan_.padded_values;
    product.depth = seen;
    if (plan_.packs_values) {
      // Packed panels have as many rows as there are keys, of which the first ones matter.
      const float* const packed = shared_.values + index_ * plan_.ValueFloats(p_);
      for (int64_t first = 0; first < plan_.padded_values; first += kPanelWidth) {
        PanelProductArguments<float> panel = product;
        panel.packed = packed + first * p_.keys;
        panel.columns = std::min(kPanelWidth, plan_.padded_values - first);
        panel.out = results_ + first;
        PanelProduct(panel, 0, panel.columns);
      }
      return;
    }
    product.packed = RowOf(shared_.all_values, batch_, head_, 0);
    product.row_major_stride = shared_.all_values.row;
    PanelProduct(product, 0, product.columns);
  }

  const AttentionProblem& p_;
  const Plan& plan_;
  const Shared& shared_;
  const int64_t index_;
  const int64_t batch_;
  const int64_t head_;
  const int64_t first_;
  const int64_t count_;
  float* scores_;
  float* results_;
  float* queries_;
  const float** rows_;
  std::array<int64_t, kMostRows> visible_;  // keys that each row sees
};

}  // namespace

int64_t VisibleKeys(const AttentionProblem& p, int64_t batch, int64_t query) {
  int64_t visible = PastKeys(p, batch) + p.new_keys;
  const int64_t* const offsets = p.offsets != nullptr ? p.offsets : p.begins;
  int64_t offset = offsets == nullptr ? p.offset : offsets[batch];
  if (p.lengths != nullptr) {
    const int64_t length = std::clamp<int64_t>(p.lengths[batch], 0, p.keys);
    visible = length;
    if (!p.past_offset) offset = length - p.queries;
  }
  if (p.bias != nullptr || p.mask != nullptr) {
    visible = std::min(visible, p.mask_keys - (p.first_columns ? p.first_columns[batch] : 0));
  }
  if (p.causal) visible = std::clamp<int64_t>(query + offset + 1, 0, visible);
  return visible;
}

int64_t AttentionScratchBytes(const AttentionProblem& problem, int threads) {
  const Plan plan(problem);
  const int64_t shared =
      plan.heads * (plan.KeyFloats(problem) + plan.ValueFloats(problem)) + plan.ZeroFloats();
  return (shared + threads * plan.WorkerFloats(problem)) * static_cast<int64_t>(sizeof(float));
}

void RunAttention(const AttentionProblem& problem, void* scratch, Parallel& parallel) {
  const Plan plan(problem);
  if (plan.heads == 0) return;
  auto* const memory = static_cast<float*>(scratch);
  // Pointers of a worker need alignment, which whole groups of floats before them keep.
  float* const keys = memory;
  float* const values = keys + plan.heads * plan.KeyFloats(problem);
  float* const zeros = values + plan.heads * plan.ValueFloats(problem);
  float* const workers = zeros + plan.ZeroFloats();
  std::fill(zeros, workers, 0.0f);
  const Shared shared{problem,
                      plan,
                      AllRows(problem, problem.key, problem.key_cache, problem.size),
                      AllRows(problem, problem.value, problem.value_cache, problem.value_size),
                      keys,
                      values,
                      zeros,
                      workers};
  // A head of one block is prepared right before that, while it is in the cache.
  const int64_t key_floats =
      std::max<int64_t>(problem.keys * (problem.size + problem.value_size), 1);
  const int64_t preparing = kPreparing * key_floats;
  if (plan.blocks != 1) {
    parallel.For(plan.heads, DivideUp(kLeastWork, preparing), [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) shared.Prepare(i);
    });
  }
  const int64_t work = plan.block_rows * key_floats + (plan.blocks == 1 ? preparing : 0);
  const int64_t tasks = plan.heads * plan.blocks;
  parallel.For(tasks, DivideUp(kLeastWork, work), [&](int64_t begin, int64_t end, int worker) {
    for (int64_t i = begin; i < end; ++i) {
      if (plan.blocks == 1) shared.Prepare(i);
      const int64_t first = i % plan.blocks * plan.block_rows;
      BlockTask(shared, i / plan.blocks, first, std::min(plan.block_rows, plan.rows - first),
                worker)
          .Run();
    }
  });
}

}  // namespace mullion::cpu
