// SPDX-License-Identifier: MIT
#include "operators/attention.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "base/str_cat.h"
#include "devices/cpu/integer_operand.h"
#include "devices/cpu/kernels/sequence/attention.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using operators::AttentionShape;
using namespace operators::attention;

struct BoundAttention final : BoundState {
  AttentionShape shape;
  int64_t keys, values, kernel;  // offsets into scratch memory
};

// Rows of an operand as the node has it.
HeadRows RowsOf(const void* data, bool flat, int64_t heads, int64_t tokens, int64_t size) {
  if (flat) return {data, tokens * heads * size, size, heads * size};
  return {data, heads * tokens * size, tokens * size, size};
}

class Attention final : public Executable {
 public:
  explicit Attention(const Node& node)
      : element_(node.input(kQuery)->type.element_type),
        causal_(node.IntAttribute("is_causal", 0) != 0),
        scale_(node.FloatAttribute("scale", 0.0f)),
        has_scale_(node.HasAttribute("scale")),
        softcap_(node.FloatAttribute("softcap", 0.0f)),
        joined_operands_(node.HasAttribute(kJoinedOperands)),
        joined_past_(node.HasAttribute(kJoinedPast)),
        fused_(node.HasAttribute(kFusedFill)),
        without_nan_(node.HasAttribute(kFusedWithoutNan)),
        fill_(node.FloatAttribute(kFusedFill, 0.0f)),
        scores_after_(
            static_cast<AttentionProblem::Scores>(node.IntAttribute("qk_matmul_output_mode", 0))) {}

  Status Bind(BindContext& context) const override {
    auto bound = std::make_unique<BoundAttention>();
    const BindContext::Port* const past = context.input(kPastKey);
    MULLION_ASSIGN_OR_RETURN(
        bound->shape, AttentionShape::FromShapes(
                          context.node(), context.input(kQuery)->shape, context.input(kKey)->shape,
                          context.input(kValue)->shape, past != nullptr ? &past->shape : nullptr));
    const AttentionShape& s = bound->shape;
    MULLION_RETURN_IF_ERROR(CheckFusedMask(context, s, kMask));
    MULLION_RETURN_IF_ERROR(CheckFusedMask(context, s, kCondition));
    // With a past, keys and values lie together: in the outputs if these are wanted.
    const auto bytes = [&](int output, int64_t size) {
      const int there = s.joined_present ? int{kPresentKey} : output;
      const bool needed = past != nullptr && context.output(there) == nullptr;
      return needed ? s.PresentShape(size).ElementCount() * element_bytes() : 0;
    };
    ScratchLayout layout;
    bound->keys = layout.Take(bytes(kPresentKey, s.size));
    bound->values = layout.Take(bytes(kPresentValue, s.value_size));
    bound->kernel = layout.size();
    const AttentionProblem problem = Sizes(s);
    const int64_t bytes_of_kernel = in_double() ? context.threads() * problem.keys * element_bytes()
                                                : AttentionScratchBytes(problem, context.threads());
    context.RequestScratch(static_cast<size_t>(bound->kernel + bytes_of_kernel));
    context.SetState(std::move(bound));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const auto& bound = *context.state<BoundAttention>();
    const AttentionShape& s = bound.shape;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(kOut, s.OutputShape()));
    AttentionProblem problem = Sizes(s);
    SetOperands(context, s, problem);
    MULLION_RETURN_IF_ERROR(SetCaches(context, bound, problem));
    const HeadRows out = RowsOf(output.data, s.flat_output, s.query_heads, s.queries, s.value_size);
    problem.out = output.data;
    problem.out_batch = out.batch;
    problem.out_head = out.head;
    problem.out_row = out.row;
    MULLION_RETURN_IF_ERROR(SetMask(context, s, problem));
    if (context.WantsOutput(kScores)) {
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView scores,
                               context.AllocateOutput(kScores, s.ScoresShape()));
      problem.scores = scores.data;
      problem.score_keys = s.keys();
      problem.scores_after = scores_after_;
    }
    const auto run = in_double() ? RunAttentionInDouble : RunAttention;
    run(problem, ScratchAt<void*>(context, bound.kernel), context.parallel());
    return OkStatus();
  }

 private:
  bool in_double() const { return element_ == ElementType::kDouble; }
  int64_t element_bytes() const { return static_cast<int64_t>(ByteSize(element_, 1)); }

  AttentionProblem Sizes(const AttentionShape& s) const {
    AttentionProblem problem;
    problem.batch = s.batch;
    problem.query_heads = s.query_heads;
    problem.key_heads = s.key_heads;
    problem.queries = s.queries;
    problem.keys = s.keys();
    problem.new_keys = s.new_keys;
    problem.size = s.size;
    problem.value_size = s.value_size;
    problem.scale =
        has_scale_ ? static_cast<double>(scale_) : 1 / std::sqrt(static_cast<double>(s.size));
    problem.softcap = softcap_;
    problem.causal = causal_;
    problem.offset = problem.past_keys = s.past_keys;
    if (fused_) problem.fill = fill_;
    problem.blind_gives_zeros = !fused_;
    problem.nan_gives_zeros = without_nan_;
    return problem;
  }

  void SetOperands(const RunContext& context, const AttentionShape& s,
                   AttentionProblem& problem) const {
    const void* const query = context.Input(kQuery).data;
    if (joined_operands_) {
      const int64_t width = (s.query_heads + 2 * s.key_heads) * s.size;
      problem.query = {query, s.queries * width, s.size, width};
      problem.key = problem.value = problem.query;
      problem.key.data = Behind(query, s.query_heads * s.size);
      problem.value.data = Behind(query, (s.query_heads + s.key_heads) * s.size);
      return;
    }
    problem.query = RowsOf(query, s.flat_query, s.query_heads, s.queries, s.size);
    problem.key = RowsOf(context.Input(kKey).data, s.flat_key, s.key_heads, s.new_keys, s.size);
    problem.value =
        RowsOf(context.Input(kValue).data, s.flat_value, s.key_heads, s.new_keys, s.value_size);
  }

  // Where keys and values of past and present come together: in the outputs that are wanted.
  Status SetCaches(RunContext& context, const BoundAttention& bound,
                   AttentionProblem& problem) const {
    const AttentionShape& s = bound.shape;
    HeadCache& keys = problem.key_cache;
    HeadCache& values = problem.value_cache;
    if (context.HasInput(kPastKey)) {
      const auto past = [&](const void* data, int64_t size) {
        return RowsOf(data, false, s.key_heads, s.past_keys, size);
      };
      const void* const data = context.Input(kPastKey).data;
      keys = {past(data, s.size), ScratchAt<void*>(context, bound.keys)};
      const void* const value = joined_past_
                                    ? Behind(data, s.batch * s.key_heads * s.past_keys * s.size)
                                    : context.Input(kPastValue).data;
      values = {past(value, s.value_size), ScratchAt<void*>(context, bound.values)};
    }
    if (context.WantsOutput(kPresentKey)) {
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                               context.AllocateOutput(kPresentKey, s.PresentKeyShape()));
      keys.all = output.data;
      if (s.joined_present) {
        values.all = static_cast<std::byte*>(output.data) + output.count() / 2 * element_bytes();
      }
    }
    if (context.WantsOutput(kPresentValue)) {
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                               context.AllocateOutput(kPresentValue, s.PresentShape(s.value_size)));
      values.all = output.data;
    }
    return OkStatus();
  }

  const void* Behind(const void* data, int64_t elements) const {
    return static_cast<const std::byte*>(data) + elements * element_bytes();
  }

  Status SetMask(const RunContext& context, const AttentionShape& s,
                 AttentionProblem& problem) const {
    if (context.HasInput(kLengths)) {
      problem.lengths = context.Input(kLengths).as<int64_t>();
      for (int64_t b = 0; b < s.batch; ++b) {
        if (problem.lengths[b] >= 0 && problem.lengths[b] <= s.keys()) continue;
        return context.Error("input 6 (nonpad_kv_seqlen) holds ", problem.lengths[b],
                             " but there are ", s.keys(), " keys");
      }
      problem.past_offset = context.HasInput(kPastKey);
    }
    problem.mask_keys = s.keys();
    if (context.HasInput(kMask)) {
      const TensorView& mask = context.Input(kMask);
      problem.mask_keys = mask.shape.Back(0);
      if (mask.type == ElementType::kBool) {
        problem.mask = mask.as<bool>();
        problem.mask_strides = StridesOf(mask.shape);
      } else {
        problem.bias = mask.data;
        problem.bias_strides = StridesOf(mask.shape);
      }
    }
    if (context.HasInput(kCondition)) {
      problem.mask = context.Input(kCondition).as<bool>();
      problem.mask_strides = StridesOf(context.Input(kCondition).shape);
    }
    return OkStatus();
  }

  static ScoreStrides StridesOf(const Shape& shape) {
    const auto stride = [&](int back) {
      return shape.rank() > back && shape.Back(back) != 1
                 ? shape.Product(shape.rank() - back, shape.rank())
                 : 0;
    };
    return {stride(3), stride(2), stride(1)};
  }

  // What was written out may have masks of any shape until sizes are known.
  Status CheckFusedMask(const BindContext& context, const AttentionShape& s, int input) const {
    const BindContext::Port* const mask = context.input(input);
    if (!fused_ || mask == nullptr) return OkStatus();
    const Shape scores = s.ScoresShape();
    bool fits = mask->shape.rank() >= 1 && mask->shape.Back(0) == scores.Back(0);
    for (int i = 1; i < mask->shape.rank() && fits; ++i) {
      fits = mask->shape.Back(i) == 1 || mask->shape.Back(i) == scores.Back(i);
    }
    if (fits) return OkStatus();
    return context.node().Error(StatusCode::kUnsupported, "a mask of shape ",
                                mask->shape.ToString(), " meets scores of shape ",
                                scores.ToString(),
                                ", which it must cover; make a session without Optimize");
  }

  ElementType element_;
  bool causal_;
  float scale_;
  bool has_scale_;
  float softcap_;
  bool joined_operands_;
  bool joined_past_;
  bool fused_;
  bool without_nan_;
  float fill_;
  AttentionProblem::Scores scores_after_;
};

Status SupportsAttention(const Node& node) {
  const ElementType element = node.input(kQuery)->type.element_type;
  if (node.input(kValue)->type.element_type != element) {
    return node.Error(StatusCode::kUnsupported,
                      "the CPU device needs values of the same element type as queries and keys");
  }
  const Value* const condition = node.input(kCondition);
  if (condition != nullptr && condition->type.element_type != ElementType::kBool) {
    return node.Error(StatusCode::kUnsupported, "input 7 must be of type bool");
  }
  const Value* const mask = node.input(kMask);
  if (mask == nullptr) return OkStatus();
  const ElementType type = mask->type.element_type;
  if (type == element || type == ElementType::kBool) return OkStatus();
  return node.Error(StatusCode::kUnsupported, "the mask is of type ", ElementTypeName(type),
                    ", but the CPU device takes ", ElementTypeName(element), " or bool");
}

}  // namespace

void RegisterAttention(KernelRegistry& registry) {
  registry.Add({.name = "Attention",
                .since = 23,
                .types = types::kFloatDouble,
                .make = MakeKernel<Attention>,
                .supports = SupportsAttention});
}

}  // namespace mullion::cpu
