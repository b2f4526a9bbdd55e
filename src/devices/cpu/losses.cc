// SPDX-License-Identifier: MIT
// NegativeLogLikelihoodLoss, and SoftmaxCrossEntropyLoss, which takes the logarithm of the softmax
// first.
#include "operators/losses.h"

#include "base/str_cat.h"
#include "devices/cpu/axis_loops.h"
#include "devices/cpu/index_reader.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/softmax.h"

namespace mullion::cpu {

namespace {

using operators::LossParameters;

template <typename T, bool kSoftmax>
class Loss final : public Executable {
 public:
  explicit Loss(const LossParameters& parameters) : parameters_(parameters) {}

  Status Bind(BindContext& context) const override {
    if (!kSoftmax) return OkStatus();
    // The logarithms of the softmax, when they are not an output.
    context.RequestScratch(static_cast<size_t>(context.input(0)->shape.ElementCount()) * sizeof(T));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& scores = context.Input(0);
    const TensorView& targets = context.Input(1);
    const AxisView view(scores.shape, 1, 2);
    const int64_t count = view.outer * view.inner;
    const bool has_weights = context.HasInput(2);
    if (targets.count() != count || (has_weights && context.Input(2).count() != view.n)) {
      return context.Error(
          "input 1 must have the shape of input 0 without its axis 1, and input 2 "
          "one element for each class");
    }
    const T* logs = scores.as<T>();
    if (kSoftmax) {
      T* to = static_cast<T*>(context.scratch());
      if (context.WantsOutput(1)) {
        MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                                 context.AllocateOutput(1, scores.shape));
        to = output.as<T>();
      }
      LogSoftmax(view, scores.as<T>(), to, context.parallel());
      logs = to;
    }
    const bool reduces = parameters_.reduction != LossParameters::Reduction::kNone;
    MULLION_ASSIGN_OR_RETURN(
        const MutableTensorView output,
        context.AllocateOutput(0, reduces ? Shape{} : operators::LossShape(scores.shape)));
    return Sum(context, view, logs, has_weights ? context.Input(2).as<T>() : nullptr,
               output.as<T>());
  }

 private:
  Status Sum(RunContext& context, const AxisView& view, const T* logs, const T* weights,
             T* out) const {
    const IndexReader targets(context.Input(1));
    const bool reduces = parameters_.reduction != LossParameters::Reduction::kNone;
    double total = 0;
    double total_weight = 0;
    for (int64_t i = 0; i < view.outer * view.inner; ++i) {
      const int64_t target = targets[i];
      double loss = 0;
      if (target != parameters_.ignored) {
        if (target < 0 || target >= view.n) {
          return context.Error("element ", i, " of input 1 is ", target, " but there are ", view.n,
                               " classes");
        }
        const int64_t at = (i / view.inner * view.n + target) * view.inner + i % view.inner;
        const double weight = weights == nullptr ? 1 : static_cast<double>(weights[target]);
        loss = -weight * static_cast<double>(logs[at]);
        total += loss;
        total_weight += weight;
      }
      if (!reduces) out[i] = static_cast<T>(loss);
    }
    if (reduces) {
      const bool mean = parameters_.reduction == LossParameters::Reduction::kMean;
      *out = static_cast<T>(mean ? total / total_weight : total);
    }
    return OkStatus();
  }

  LossParameters parameters_;
};

template <typename T, bool kSoftmax>
Result<std::unique_ptr<Executable>> Make(const Node& node, WeightStore& /*weights*/) {
  MULLION_ASSIGN_OR_RETURN(const LossParameters parameters, LossParameters::FromNode(node));
  return std::unique_ptr<Executable>(std::make_unique<Loss<T, kSoftmax>>(parameters));
}

}  // namespace

void RegisterLosses(KernelRegistry& registry) {
  constexpr ElementTypeSet kDouble = SetOf(ElementType::kDouble);
  const std::string_view likelihood = "NegativeLogLikelihoodLoss";
  const std::string_view entropy = "SoftmaxCrossEntropyLoss";
  registry.Add({.name = likelihood, .types = types::kFloat, .make = Make<float, false>});
  registry.Add({.name = likelihood, .types = kDouble, .make = Make<double, false>});
  registry.Add({.name = entropy, .types = types::kFloat, .make = Make<float, true>});
  registry.Add({.name = entropy, .types = kDouble, .make = Make<double, true>});
}

}  // namespace mullion::cpu
