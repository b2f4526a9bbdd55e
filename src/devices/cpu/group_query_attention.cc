// SPDX-License-Identifier: MIT
// Attention that reads heads by strides and appends new keys and values to a cache: in the memory
// of the past where present and past are one.
#include "operators/group_query_attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "base/rounding.h"
#include "base/str_cat.h"
#include "devices/cpu/cached_rows.h"
#include "devices/cpu/integer_operand.h"
#include "devices/cpu/kernels/sequence/attention.h"
#include "devices/cpu/registry.h"
#include "operators/registry.h"

namespace mullion::cpu {

namespace {

using operators::GroupQueryShape;
using namespace operators::group_query;

struct BoundGroupQuery final : BoundState {
  GroupQueryShape shape;
  bool gathers = false;                   // keys and values come together outside the caches
  int64_t rows = 0;                       // that these have room for where attention reads them
  int64_t score_keys = 0;                 // columns of the output of scores
  int64_t numbers, keys, values, kernel;  // offsets into scratch memory
};

// Behind how many keys the next one stands in a cache of the last ones. Once it is full, as many go
// at a time as it has room for beyond the window, so that not each step moves all.
int64_t SlidingEnd(int64_t tokens, int64_t capacity, int64_t window) {
  if (tokens <= capacity) return tokens;
  const int64_t portion = capacity - window + 1;
  return tokens - DivideUp(tokens - capacity, portion) * portion;
}

class GroupQueryAttention final : public Executable {
 public:
  explicit GroupQueryAttention(const Node& node)
      : scale_(node.FloatAttribute("scale", 0.0f)),
        softcap_(node.FloatAttribute("softcap", 0.0f)),
        window_(std::max<int64_t>(node.IntAttribute("local_window_size", -1), 0)),
        causal_(node.IntAttribute("causal", 1) != 0),
        scores_after_softmax_(node.IntAttribute("qk_output", 0) == 2),
        smooth_(node.IntAttribute("smooth_softmax", 0) > 0) {}

  Status Bind(BindContext& context) const override {
    auto bound = std::make_unique<BoundGroupQuery>();
    const BindContext::Port* const past = context.input(kPastKey);
    MULLION_ASSIGN_OR_RETURN(
        bound->shape, GroupQueryShape::FromShapes(context.node(), context.input(kQuery)->shape,
                                                  context.input(kKey)->shape,
                                                  past != nullptr ? &past->shape : nullptr, 0));
    GroupQueryShape& s = bound->shape;
    // Where nobody wants the present there is room for what can follow the past.
    if (past != nullptr && !s.sliding) s.capacity += s.tokens;
    for (const int i : {kPresentKey, kPresentValue}) {
      if (context.output(i) != nullptr) s.capacity = context.output(i)->shape[2];
    }
    if (context.output(kScores) != nullptr) bound->score_keys = context.output(kScores)->shape[3];
    const BindContext::Port* const origins = context.input(kOrigins);
    const bool gathers = bound->gathers =
        Gathers(s, origins != nullptr ? &origins->shape : nullptr);
    // Until a step of many tokens ends, what it moves out of the window is needed.
    bound->rows = s.sliding && gathers ? s.capacity + s.tokens : s.capacity;
    const auto bytes = [&](int output) {
      const bool needed = gathers || (past != nullptr && context.output(output) == nullptr);
      return needed ? s.batch * s.key_heads * bound->rows * s.size * int64_t{sizeof(float)} : 0;
    };
    ScratchLayout layout;
    bound->numbers = layout.Take(kNumbers * s.batch * int64_t{sizeof(int64_t)});
    bound->keys = layout.Take(bytes(kPresentKey));
    bound->values = layout.Take(bytes(kPresentValue));
    bound->kernel = layout.size();
    context.RequestScratch(static_cast<size_t>(
        bound->kernel + AttentionScratchBytes(Sizes(*bound), context.threads())));
    context.AllowInPlace(kPresentKey, kPastKey);
    context.AllowInPlace(kPresentValue, kPastValue);
    context.SetState(std::move(bound));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const auto& bound = *context.state<BoundGroupQuery>();
    const GroupQueryShape& s = bound.shape;
    AttentionProblem problem = Sizes(bound);
    auto* const numbers = ScratchAt<int64_t>(context, bound.numbers);
    Rows rows{numbers, numbers + s.batch, numbers + 2 * s.batch, numbers + 3 * s.batch,
              numbers + 4 * s.batch};
    MULLION_RETURN_IF_ERROR(ReadLengths(context, bound, rows));
    problem.begins = rows.held;
    problem.lengths = rows.lengths;
    problem.offsets = rows.offsets;
    if (s.sliding) problem.first_columns = rows.gone;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(kOut, s.OutputShape()));
    const auto flat = [&](int i, int64_t heads, int64_t tokens) {
      return HeadRows{context.Input(i).as<float>(), tokens * heads * s.size, s.size,
                      heads * s.size};
    };
    problem.query = flat(kQuery, s.heads, s.tokens);
    problem.key = flat(kKey, s.key_heads, s.new_keys);
    problem.value = flat(kValue, s.key_heads, s.new_keys);
    CachedRows keys = CacheOf(context, s, kPastKey, kKeyScale);
    CachedRows values = CacheOf(context, s, kPastValue, kValueScale);
    MULLION_RETURN_IF_ERROR(GivePresent(context, s, kPresentKey, keys));
    MULLION_RETURN_IF_ERROR(GivePresent(context, s, kPresentValue, values));
    auto* const all_keys = ScratchAt<float>(context, bound.keys);
    auto* const all_values = ScratchAt<float>(context, bound.values);
    if (bound.gathers) {
      MULLION_RETURN_IF_ERROR(Gather(context, bound, rows, keys, values, problem));
    } else {
      if (s.sliding) Slide(context, s, rows, keys, values, all_keys, all_values);
      problem.key_cache = Joined(s, keys, all_keys);
      problem.value_cache = Joined(s, values, all_values);
    }
    problem.out = output.as<float>();
    problem.out_batch = s.tokens * s.heads * s.size;
    problem.out_head = s.size;
    problem.out_row = s.heads * s.size;
    SetScores(context, problem);
    if (context.WantsOutput(kScores)) {
      MULLION_ASSIGN_OR_RETURN(
          const MutableTensorView scores,
          context.AllocateOutput(kScores, {s.batch, s.heads, s.tokens, bound.score_keys}));
      problem.scores = scores.as<float>();
      problem.score_keys = bound.score_keys;
      problem.scores_after = scores_after_softmax_ ? AttentionProblem::Scores::kSoftmax
                                                   : AttentionProblem::Scores::kBiased;
    }
    RunAttention(problem, ScratchAt<void*>(context, bound.kernel), context.parallel());
    if (problem.scores != nullptr && causal_) HideScores(problem);
    return OkStatus();
  }

 private:
  static constexpr int64_t kNumbers = 5;

  // One number for each row of the batch.
  struct Rows {
    int64_t* held;     // keys before the new ones
    int64_t* drops;    // as in CachePlan
    int64_t* lengths;  // keys in all
    int64_t* offsets;  // keys before that of the first query
    int64_t* gone;     // keys before the first one that is held
  };

  // Whether attention cannot read keys and values in the caches. A single beam has all its keys.
  static bool Gathers(const GroupQueryShape& s, const Shape* origins) {
    return s.bits != 0 || TakesOrigins(s, origins) || (s.sliding && s.tokens != 1);
  }
  static bool TakesOrigins(const GroupQueryShape& s, const Shape* origins) {
    return origins != nullptr && (*origins)[1] != 1 && s.tokens == 1;
  }

  AttentionProblem Sizes(const BoundGroupQuery& bound) const {
    const GroupQueryShape& s = bound.shape;
    AttentionProblem problem;
    problem.batch = s.batch;
    problem.query_heads = s.heads;
    problem.key_heads = s.key_heads;
    problem.queries = s.tokens;
    problem.new_keys = s.new_keys;
    problem.keys = bound.rows;
    problem.size = problem.value_size = s.size;
    problem.scale =
        scale_ != 0 ? static_cast<double>(scale_) : 1 / std::sqrt(static_cast<double>(s.size));
    problem.softcap = softcap_;
    problem.causal = causal_;
    problem.window = window_;
    return problem;
  }

  void SetScores(const RunContext& context, AttentionProblem& problem) const {
    if (context.HasInput(kScoreBias)) {
      const TensorView& bias = context.Input(kScoreBias);
      const auto stride = [&](int axis) {
        return bias.shape[axis] == 1 ? 0 : bias.shape.Product(axis + 1, 4);
      };
      problem.bias = bias.as<float>();
      problem.bias_strides = {stride(0), stride(1), stride(2)};
      problem.mask_keys = bias.shape[3];
    }
    static constexpr float kSmooth = 0;
    if (smooth_) problem.sinks = &kSmooth;
    if (context.HasInput(kSinks)) {
      problem.sinks = context.Input(kSinks).as<float>();
      problem.sink_step = 1;
    }
  }

  // What is to be done with the rows of the batch. A row that is shorter than the query, which is
  // padded then, has nothing in the caches.
  Status ReadLengths(const RunContext& context, const BoundGroupQuery& bound, Rows& rows) const {
    const GroupQueryShape& s = bound.shape;
    const auto* const lengths = context.Input(kLengths).as<int32_t>();
    constexpr int64_t kAny = std::numeric_limits<int64_t>::max();
    int64_t most = s.sliding ? kAny : s.new_keys == 0 ? s.held : s.capacity;
    if (context.HasInput(kScoreBias)) most = std::min(most, context.Input(kScoreBias).shape[3]);
    if (context.WantsOutput(kScores)) most = std::min(most, bound.score_keys);
    for (int64_t b = 0; b < s.batch; ++b) {
      const int64_t total = int64_t{lengths[b]} + 1;
      const int64_t before = std::max<int64_t>(total - s.tokens, 0);
      rows.lengths[b] = total;
      rows.offsets[b] = before;
      rows.held[b] = s.new_keys == 0 ? total : before;
      rows.drops[b] = rows.gone[b] = 0;
      const bool seen = total >= 0 && total <= most;
      if (s.sliding && seen && total >= s.tokens) {
        const int64_t held = SlidingEnd(before, s.capacity, window_);
        rows.held[b] = rows.offsets[b] = held;
        rows.lengths[b] = held + s.tokens;
        rows.gone[b] = before - held;
        rows.drops[b] = rows.lengths[b] - SlidingEnd(total, s.capacity, window_);
        continue;
      }
      const bool fits = rows.held[b] <= s.held && rows.held[b] + s.new_keys <= s.capacity;
      if (!s.sliding && seen && fits) continue;
      return context.Error("input 5 (seqlens_k) says that row ", b, " has ", lengths[b],
                           " keys before the last one, but the cache holds ", s.held,
                           ", and caches, bias and scores have room for ",
                           most == kAny ? s.capacity : most);
    }
    return OkStatus();
  }

  static CachedRows CacheOf(const RunContext& context, const GroupQueryShape& s, int past,
                            int scale) {
    CachedRows rows;
    rows.heads = s.key_heads;
    rows.size = s.size;
    rows.bits = s.bits;
    if (s.bits != 0) {
      rows.scale = context.Input(scale).as<float>();
      rows.scale_each = context.Input(scale).count() != 1;
    }
    if (context.HasInput(past)) {
      rows.past = static_cast<const std::byte*>(context.Input(past).data);
      rows.past_rows = s.held;
      rows.float8 = context.Input(past).type == ElementType::kFloat8E4M3FN;
    }
    return rows;
  }

  static Status GivePresent(RunContext& context, const GroupQueryShape& s, int output,
                            CachedRows& rows) {
    if (!context.WantsOutput(output)) return OkStatus();
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView present,
                             context.AllocateOutput(output, s.PresentShape()));
    rows.present = static_cast<std::byte*>(present.data);
    rows.present_rows = s.capacity;
    return OkStatus();
  }

  // Where keys or values of past and present come together: in the present if it is wanted.
  static HeadCache Joined(const GroupQueryShape& s, const CachedRows& rows, float* scratch) {
    HeadCache cache;
    if (rows.past != nullptr) {
      const int64_t head = rows.past_rows * s.size;
      cache.past = {rows.past, s.key_heads * head, head, s.size};
      cache.all = scratch;
    }
    if (rows.present != nullptr) cache.all = rows.present;
    return cache;
  }

  // Calls step(batch, head of keys) for each.
  template <typename Step>
  static void ForHeads(RunContext& context, const GroupQueryShape& s, int64_t rows,
                       const Step& step) {
    constexpr int64_t kNumbersOfTask = 16 * 1024;
    const int64_t chunk = DivideUp(kNumbersOfTask, std::max<int64_t>(rows * s.size, 1));
    context.parallel().For(s.batch * s.key_heads, chunk, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) step(i / s.key_heads, i % s.key_heads);
    });
  }

  // Brings what a step of one token leaves in caches of the last keys to where it appends: from now
  // on that is the past.
  static void Slide(RunContext& context, const GroupQueryShape& s, Rows& rows, CachedRows& keys,
                    CachedRows& values, float* all_keys, float* all_values) {
    const CachePlan plan{rows.held, rows.drops};
    for (const auto& [cache, all] : {std::pair(&keys, all_keys), {&values, all_values}}) {
      if (cache->present != nullptr) continue;
      cache->present = reinterpret_cast<std::byte*>(all);
      cache->present_rows = s.capacity;
    }
    ForHeads(context, s, s.capacity, [&](int64_t batch, int64_t head) {
      keys.Keep(plan, batch, head);
      values.Keep(plan, batch, head);
    });
    keys.past = keys.present;
    values.past = values.present;
    for (int64_t b = 0; b < s.batch; ++b) {
      for (int64_t* const number : {rows.held, rows.offsets, rows.lengths}) {
        number[b] -= rows.drops[b];
      }
      rows.gone[b] += rows.drops[b];
    }
  }

  static Status Gather(RunContext& context, const BoundGroupQuery& bound, Rows& rows,
                       const CachedRows& keys, const CachedRows& values,
                       AttentionProblem& problem) {
    const GroupQueryShape& s = bound.shape;
    CachePlan plan{rows.held, rows.drops};
    if (context.HasInput(kOrigins) && TakesOrigins(s, &context.Input(kOrigins).shape)) {
      MULLION_RETURN_IF_ERROR(ReadOrigins(context, s, rows, plan));
    }
    auto* const all_keys = ScratchAt<float>(context, bound.keys);
    auto* const all_values = ScratchAt<float>(context, bound.values);
    ForHeads(context, s, bound.rows, [&](int64_t batch, int64_t head) {
      keys.Gather(plan, batch, head, problem.key, s.new_keys, all_keys, bound.rows);
      values.Gather(plan, batch, head, problem.value, s.new_keys, all_values, bound.rows);
    });
    // All are in their places now.
    for (int64_t b = 0; b < s.batch; ++b) rows.held[b] += s.new_keys;
    problem.new_keys = 0;
    problem.key = {all_keys, s.key_heads * bound.rows * s.size, bound.rows * s.size, s.size};
    problem.value = problem.key;
    problem.value.data = all_values;
    return OkStatus();
  }

  static Status ReadOrigins(const RunContext& context, const GroupQueryShape& s, const Rows& rows,
                            CachePlan& plan) {
    const TensorView& origins = context.Input(kOrigins);
    plan.origins = origins.as<int32_t>();
    plan.beams = std::max<int64_t>(origins.shape[1], 1);
    plan.columns = origins.shape[2];
    for (int64_t b = 0; b < s.batch; ++b) {
      bool fits = rows.held[b] <= plan.columns;
      for (int64_t t = 0; fits && t < rows.held[b]; ++t) {
        const int64_t beam = plan.origins[b * plan.columns + t];
        fits = beam >= 0 && beam < plan.beams;
      }
      if (fits) continue;
      return context.Error("the cache indirection must name one of ", plan.beams,
                           " beams for each of the ", rows.held[b], " keys of row ", b);
    }
    return OkStatus();
  }

  // Scores that no query sees are zeros, which those after softmax of all keys are anyway.
  static void HideScores(const AttentionProblem& p) {
    if (p.scores_after == AttentionProblem::Scores::kSoftmax && p.first_columns == nullptr) return;
    auto* row = static_cast<float*>(p.scores);
    for (int64_t i = 0; i < p.batch * p.query_heads * p.queries; ++i, row += p.score_keys) {
      const int64_t batch = i / (p.query_heads * p.queries);
      const int64_t gone = p.first_columns == nullptr ? 0 : p.first_columns[batch];
      const int64_t end = gone + VisibleKeys(p, batch, i % p.queries);
      if (p.window > 0) std::fill(row, row + std::max<int64_t>(end - p.window, 0), 0.0f);
      std::fill(row + end, row + p.score_keys, 0.0f);
    }
  }

  float scale_;
  float softcap_;
  int64_t window_;
  bool causal_;
  bool scores_after_softmax_;
  bool smooth_;
};

}  // namespace

void RegisterGroupQueryAttention(KernelRegistry& registry) {
  registry.Add({.name = "GroupQueryAttention",
                .domain = operators::kInternalDomain,
                .types = types::kFloat,
                .make = MakeKernel<GroupQueryAttention>});
}

}  // namespace mullion::cpu
