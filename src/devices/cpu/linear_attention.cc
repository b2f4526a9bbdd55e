// SPDX-License-Identifier: MIT
#include "operators/linear_attention.h"

#include <algorithm>
#include <cmath>

#include "base/str_cat.h"
#include "devices/cpu/kernels/elementwise/elements.h"
#include "devices/cpu/kernels/sequence/linear_attention.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using operators::LinearAttentionShape;
using namespace operators::linear_attention;

struct BoundShape final : BoundState {
  LinearAttentionShape shape;
  int64_t decays = 0;  // elements of the decay factors, the first in scratch memory
};

template <typename T>
class LinearAttention final : public Executable {
 public:
  explicit LinearAttention(const Node& node) : scale_(node.FloatAttribute("scale", 0.0f)) {}

  Status Bind(BindContext& context) const override {
    const Shape* shapes[kInputs] = {};
    for (int i = 0; i < kInputs; ++i) {
      if (context.input(i) != nullptr) shapes[i] = &context.input(i)->shape;
    }
    auto bound = std::make_unique<BoundShape>();
    const auto shape = LinearAttentionShape::FromShapes(context.node(), shapes);
    if (!shape.ok()) {
      return context.node().Error(StatusCode::kInvalidModel, shape.status().message());
    }
    bound->shape = *shape;
    // The factors lie on whole cache lines, so that what follows them is aligned.
    constexpr int64_t kLine = 64 / sizeof(T);
    if (shape->gated) bound->decays = (shapes[kDecay]->ElementCount() + kLine - 1) / kLine * kLine;
    const auto state_elements = shape->StateShape().CheckedElementCount();
    if (!state_elements.has_value()) {
      return context.node().Error(StatusCode::kInvalidModel, "a state of ",
                                  shape->StateShape().ToString(), " is too large");
    }
    context.RequestScratch(static_cast<size_t>(bound->decays + *state_elements) * sizeof(T));
    context.SetState(std::move(bound));
    if (context.input(kPastState) != nullptr) context.AllowInPlace(kPresentState, kPastState);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const auto& bound = *context.state<BoundShape>();
    const LinearAttentionShape& s = bound.shape;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView out,
                             context.AllocateOutput(kOut, s.OutputShape()));
    T* state = static_cast<T*>(context.scratch()) + bound.decays;
    if (context.WantsOutput(kPresentState)) {
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView present,
                               context.AllocateOutput(kPresentState, s.StateShape()));
      state = present.as<T>();
    }
    const int64_t elements = s.StateShape().ElementCount();
    if (context.HasInput(kPastState)) {
      std::copy_n(context.Input(kPastState).as<T>(), elements, state);
    } else {
      std::fill_n(state, elements, T{0});
    }
    if (out.count() == 0) return OkStatus();

    LinearAttentionProblem<T> problem = {};
    problem.batch = s.batch;
    problem.tokens = s.tokens;
    problem.query_heads = s.query_heads;
    problem.heads = s.heads;
    problem.key_size = s.key_size;
    problem.value_size = s.value_size;
    problem.decay_size = s.decay_size;
    problem.beta_heads = s.beta_heads;
    problem.delta = s.delta;
    problem.scale =
        scale_ != 0.0f ? static_cast<T>(scale_) : T{1} / std::sqrt(static_cast<T>(s.key_size));
    problem.query = context.Input(kQuery).as<T>();
    problem.key = context.Input(kKey).as<T>();
    problem.value = context.Input(kValue).as<T>();
    if (s.gated) problem.decay = DecayFactors(context);
    if (s.delta) problem.beta = context.Input(kBeta).as<T>();
    problem.state = state;
    problem.out = out.as<T>();
    RunLinearAttention(problem, context.parallel());
    return OkStatus();
  }

  static Status Supports(const Node& node) {
    for (const Value* const input : node.inputs()) {
      if (input != nullptr && input->type.element_type != kElementTypeOf<T>) {
        return node.Error(StatusCode::kUnsupported,
                          "the CPU device needs all inputs in one type, float or double; put a "
                          "Cast before the others");
      }
    }
    return OkStatus();
  }

 private:
  // The input 'decay' holds logarithms.
  static const T* DecayFactors(RunContext& context) {
    const TensorView& decay = context.Input(kDecay);
    T* const factors = static_cast<T*>(context.scratch());
    constexpr int64_t kChunk = 4096;
    context.parallel().For(decay.count(), kChunk, [&](int64_t begin, int64_t end, int) {
      UnaryElements({operators::ElementwiseOp::kExp}, decay.type, decay.as<T>() + begin,
                    factors + begin, static_cast<size_t>(end - begin));
    });
    return factors;
  }

  float scale_;  // 0: 1 / sqrt(size of a key)
};

}  // namespace

void RegisterLinearAttention(KernelRegistry& registry) {
  registry.Add({.name = "LinearAttention",
                .types = types::kFloat,
                .make = MakeKernel<LinearAttention<float>>,
                .supports = LinearAttention<float>::Supports});
  registry.Add({.name = "LinearAttention",
                .types = SetOf(ElementType::kDouble),
                .make = MakeKernel<LinearAttention<double>>,
                .supports = LinearAttention<double>::Supports});
}

}  // namespace mullion::cpu
