// SPDX-License-Identifier: MIT
// Attention that reads heads by strides and appends new keys and values to a cache: in the memory
// of the past where present and past are one.
#include "operators/group_query_attention.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "base/str_cat.h"
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
  int64_t begins, keys, values, kernel;  // offsets into scratch memory
};

class GroupQueryAttention final : public Executable {
 public:
  explicit GroupQueryAttention(const Node& node)
      : scale_(node.FloatAttribute("scale", 0.0f)),
        softcap_(node.FloatAttribute("softcap", 0.0f)),
        window_(std::max<int64_t>(node.IntAttribute("local_window_size", -1), 0)),
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
    if (past != nullptr) s.capacity += s.tokens;
    for (const int i : {kPresentKey, kPresentValue}) {
      if (context.output(i) != nullptr) s.capacity = context.output(i)->shape[2];
    }
    const auto bytes = [&](int output) {
      const bool needed = past != nullptr && context.output(output) == nullptr;
      return needed ? s.PresentShape().ElementCount() * int64_t{sizeof(float)} : 0;
    };
    ScratchLayout layout;
    bound->begins = layout.Take(s.batch * int64_t{sizeof(int64_t)});
    bound->keys = layout.Take(bytes(kPresentKey));
    bound->values = layout.Take(bytes(kPresentValue));
    bound->kernel = layout.size();
    context.RequestScratch(
        static_cast<size_t>(bound->kernel + AttentionScratchBytes(Sizes(s), context.threads())));
    context.AllowInPlace(kPresentKey, kPastKey);
    context.AllowInPlace(kPresentValue, kPastValue);
    context.SetState(std::move(bound));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const auto& bound = *context.state<BoundGroupQuery>();
    const GroupQueryShape& s = bound.shape;
    AttentionProblem problem = Sizes(s);
    auto* const begins = ScratchAt<int64_t>(context, bound.begins);
    MULLION_RETURN_IF_ERROR(ReadBegins(context, s, begins));
    problem.begins = begins;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(kOut, s.OutputShape()));
    const auto flat = [&](int i, int64_t heads) {
      return HeadRows{context.Input(i).as<float>(), s.tokens * heads * s.size, s.size,
                      heads * s.size};
    };
    problem.query = flat(kQuery, s.heads);
    problem.key = flat(kKey, s.key_heads);
    problem.value = flat(kValue, s.key_heads);
    MULLION_ASSIGN_OR_RETURN(problem.key_cache, CacheOf(context, s, kPastKey, kPresentKey,
                                                        ScratchAt<float>(context, bound.keys)));
    MULLION_ASSIGN_OR_RETURN(problem.value_cache, CacheOf(context, s, kPastValue, kPresentValue,
                                                          ScratchAt<float>(context, bound.values)));
    problem.out = output.as<float>();
    problem.out_batch = s.tokens * s.heads * s.size;
    problem.out_head = s.size;
    problem.out_row = s.heads * s.size;
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
    RunAttention(problem, ScratchAt<void*>(context, bound.kernel), context.parallel());
    return OkStatus();
  }

 private:
  AttentionProblem Sizes(const GroupQueryShape& s) const {
    AttentionProblem problem;
    problem.batch = s.batch;
    problem.query_heads = s.heads;
    problem.key_heads = s.key_heads;
    problem.queries = problem.new_keys = s.tokens;
    problem.keys = s.capacity;
    problem.size = problem.value_size = s.size;
    problem.scale =
        scale_ != 0 ? static_cast<double>(scale_) : 1 / std::sqrt(static_cast<double>(s.size));
    problem.softcap = softcap_;
    problem.causal = true;
    problem.window = window_;
    return problem;
  }

  // How many keys each row has in its cache: none where all its tokens are new.
  static Status ReadBegins(const RunContext& context, const GroupQueryShape& s, int64_t* begins) {
    const auto* const lengths = context.Input(kLengths).as<int32_t>();
    const int64_t held = context.HasInput(kPastKey) ? context.Input(kPastKey).shape[2] : 0;
    for (int64_t b = 0; b < s.batch; ++b) {
      begins[b] = std::max<int64_t>(int64_t{lengths[b]} + 1 - s.tokens, 0);
      if (begins[b] <= held && begins[b] + s.tokens <= s.capacity) continue;
      return context.Error(StrCat("input 5 (seqlens_k) says that row ", b, " has ", lengths[b],
                                  " keys before the last one, but the cache holds ", held,
                                  " and has room for ", s.capacity));
    }
    return OkStatus();
  }

  // Where keys or values of past and present come together: in output `present` if it is wanted.
  static Result<HeadCache> CacheOf(RunContext& context, const GroupQueryShape& s, int past,
                                   int present, float* scratch) {
    HeadCache cache;
    if (context.HasInput(past)) {
      const TensorView& held = context.Input(past);
      const int64_t head = held.shape[2] * s.size;
      cache.past = {held.as<float>(), s.key_heads * head, head, s.size};
      cache.all = scratch;
    }
    if (context.WantsOutput(present)) {
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                               context.AllocateOutput(present, s.PresentShape()));
      cache.all = output.as<float>();
    }
    return cache;
  }

  float scale_;
  float softcap_;
  int64_t window_;
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
