// SPDX-License-Identifier: MIT
#include "operators/attention.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "base/str_cat.h"
#include "devices/cpu/integer_operand.h"
#include "devices/cpu/kernels/attention.h"
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
HeadRows RowsOf(const float* data, bool flat, int64_t heads, int64_t tokens, int64_t size) {
  if (flat) return {data, tokens * heads * size, size, heads * size};
  return {data, heads * tokens * size, tokens * size, size};
}

class Attention final : public Executable {
 public:
  explicit Attention(const Node& node)
      : causal_(node.IntAttribute("is_causal", 0) != 0),
        scale_(node.FloatAttribute("scale", 0.0f)),
        has_scale_(node.HasAttribute("scale")),
        softcap_(node.FloatAttribute("softcap", 0.0f)),
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
    // With a past, keys and values lie together: in the outputs if these are wanted.
    const int64_t tokens = past != nullptr ? s.batch * s.key_heads * s.keys() : 0;
    constexpr int64_t kFloat = sizeof(float);
    ScratchLayout layout;
    bound->keys = layout.Take(tokens * s.size * kFloat);
    bound->values = layout.Take(tokens * s.value_size * kFloat);
    bound->kernel = layout.size();
    const AttentionProblem problem = Sizes(s);
    context.RequestScratch(
        static_cast<size_t>(bound->kernel + AttentionScratchBytes(problem, context.threads())));
    context.SetState(std::move(bound));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const auto& bound = *context.state<BoundAttention>();
    const AttentionShape& s = bound.shape;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(kOut, s.OutputShape()));
    AttentionProblem problem = Sizes(s);
    problem.query =
        RowsOf(context.Input(kQuery).as<float>(), s.flat, s.query_heads, s.queries, s.size);
    MULLION_ASSIGN_OR_RETURN(
        problem.key, WithPast(context, bound, kKey, kPastKey, kPresentKey, s.size, bound.keys));
    MULLION_ASSIGN_OR_RETURN(problem.value, WithPast(context, bound, kValue, kPastValue,
                                                     kPresentValue, s.value_size, bound.values));
    const HeadRows out = RowsOf(output.as<float>(), s.flat, s.query_heads, s.queries, s.value_size);
    problem.out = output.as<float>();
    problem.out_batch = out.batch;
    problem.out_head = out.head;
    problem.out_row = out.row;
    MULLION_RETURN_IF_ERROR(SetMask(context, s, problem));
    if (context.WantsOutput(kScores)) {
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView scores,
                               context.AllocateOutput(kScores, s.ScoresShape()));
      problem.scores = scores.as<float>();
      problem.scores_after = scores_after_;
    }
    RunAttention(problem, ScratchAt<void*>(context, bound.kernel), context.parallel());
    return OkStatus();
  }

 private:
  AttentionProblem Sizes(const AttentionShape& s) const {
    AttentionProblem problem;
    problem.batch = s.batch;
    problem.query_heads = s.query_heads;
    problem.key_heads = s.key_heads;
    problem.queries = s.queries;
    problem.keys = s.keys();
    problem.size = s.size;
    problem.value_size = s.value_size;
    problem.scale = has_scale_ ? scale_ : 1.0f / std::sqrt(static_cast<float>(s.size));
    problem.softcap = softcap_;
    problem.causal = causal_;
    problem.offset = s.past_keys;
    return problem;
  }

  // Keys or values of past and present in one place, and output `present` if it is wanted.
  static Result<HeadRows> WithPast(RunContext& context, const BoundAttention& bound, int input,
                                   int past, int present, int64_t size, int64_t scratch) {
    const AttentionShape& s = bound.shape;
    const TensorView& now = context.Input(input);
    const HeadRows rows = RowsOf(now.as<float>(), s.flat, s.key_heads, s.new_keys, size);
    const bool has_past = context.HasInput(past);
    float* all = has_past ? ScratchAt<float>(context, scratch) : nullptr;
    if (context.WantsOutput(present)) {
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                               context.AllocateOutput(present, s.PresentShape(size)));
      all = output.as<float>();
    }
    if (all == nullptr) return rows;
    const int64_t past_floats = s.past_keys * size;
    for (int64_t i = 0; i < s.batch * s.key_heads; ++i) {
      float* to = all + i * s.keys() * size;
      if (has_past) {
        std::copy_n(context.Input(past).as<float>() + i * past_floats, past_floats, to);
        to += past_floats;
      }
      const float* const from =
          rows.data + i / s.key_heads * rows.batch + i % s.key_heads * rows.head;
      for (int64_t t = 0; t < s.new_keys; ++t) {
        std::copy_n(from + t * rows.row, size, to + t * size);
      }
    }
    return RowsOf(all, false, s.key_heads, s.keys(), size);
  }

  Status SetMask(const RunContext& context, const AttentionShape& s,
                 AttentionProblem& problem) const {
    if (context.HasInput(kLengths)) {
      problem.lengths = context.Input(kLengths).as<int64_t>();
      for (int64_t b = 0; b < s.batch; ++b) {
        if (problem.lengths[b] >= 0 && problem.lengths[b] <= s.keys()) continue;
        return context.Error(StrCat("input 6 (nonpad_kv_seqlen) holds ", problem.lengths[b],
                                    " but there are ", s.keys(), " keys"));
      }
      problem.past_offset = context.HasInput(kPastKey);
    }
    if (!context.HasInput(kMask)) return OkStatus();
    const TensorView& mask = context.Input(kMask);
    const Shape& shape = mask.shape;
    problem.mask_keys = shape.Back(0);
    const auto stride = [&](int back) {
      return shape.rank() > back && shape.Back(back) != 1
                 ? shape.Product(shape.rank() - back, shape.rank())
                 : 0;
    };
    problem.mask_row = stride(1);
    problem.mask_head = stride(2);
    problem.mask_batch = stride(3);
    if (mask.type == ElementType::kBool) {
      problem.mask = mask.as<bool>();
    } else {
      problem.bias = mask.as<float>();
    }
    return OkStatus();
  }

  bool causal_;
  float scale_;
  bool has_scale_;
  float softcap_;
  AttentionProblem::Scores scores_after_;
};

Status SupportsAttention(const Node& node) {
  const Value* const mask = node.input(kMask);
  if (mask == nullptr) return OkStatus();
  const ElementType type = mask->type.element_type;
  if (type == ElementType::kFloat || type == ElementType::kBool) return OkStatus();
  return node.Error(StatusCode::kUnsupported, StrCat("the mask is of type ", ElementTypeName(type),
                                                     ", but the CPU device takes float or bool"));
}

}  // namespace

void RegisterAttention(KernelRegistry& registry) {
  registry.Add({.name = "Attention",
                .since = 23,
                .types = types::kFloat,
                .make = MakeKernel<Attention>,
                .supports = SupportsAttention});
}

}  // namespace mullion::cpu
