// SPDX-License-Identifier: MIT
// InstanceNormalization: group normalization with one channel a group.
#include "devices/cpu/fused_activation.h"
#include "devices/cpu/group_moments.h"
#include "devices/cpu/registry.h"
#include "operators/channel_layout.h"
#include "operators/epilogue.h"

namespace mullion::cpu {

namespace {

class InstanceNormalization final : public Executable {
 public:
  InstanceNormalization(const Node& node, const Activation& activation)
      : node_(node),
        activation_(activation),
        layout_(node),
        epsilon_(node.FloatAttribute("epsilon", 1e-5f)) {}

  Status Bind(BindContext& context) const override {
    // Unless what is normalized is added again.
    if (node_.input(0) != node_.input(operators::kResidualInput)) context.AllowInPlace(0, 0);
    context.RequestScratch(NormalizerFor(context.input(0)->shape).ScratchBytes());
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    GroupNormalizer normalizer = NormalizerFor(input.shape);
    normalizer.activation = activation_;
    if (context.HasInput(operators::kResidualInput)) {
      normalizer.residual = context.Input(operators::kResidualInput).as<float>();
    }
    for (int i = 1; i < 3; ++i) {
      if (context.Input(i).count() != normalizer.channels) {
        return context.Error("inputs 1 and 2 must have one element for each channel of input 0");
      }
    }
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    if (input.type == ElementType::kDouble) {
      NormalizeGroups(normalizer, input.as<double>(), context.Input(1).as<double>(),
                      context.Input(2).as<double>(), false, output.as<double>());
    } else {
      normalizer.Run(input.as<float>(), context.Input(1).as<float>(), context.Input(2).as<float>(),
                     false, output.as<float>(), context.scratch(), context.parallel());
    }
    return OkStatus();
  }

 private:
  GroupNormalizer NormalizerFor(const Shape& shape) const {
    const int64_t channels = layout_.Channels(shape);
    return {layout_.Batch(shape), channels, layout_.Spatial(shape), channels,
            layout_.last,         epsilon_};
  }

  const Node& node_;
  const Activation activation_;
  const operators::ChannelLayout layout_;
  float epsilon_;
};

Result<std::unique_ptr<Executable>> MakeInstanceNormalization(const Node& node,
                                                              WeightStore& /*weights*/) {
  MULLION_ASSIGN_OR_RETURN(const Activation activation, FusedActivationOf(node));
  return std::unique_ptr<Executable>(std::make_unique<InstanceNormalization>(node, activation));
}

Status SupportsLayout(const Node& node) {
  if (!operators::ChannelLayout(node).last) return OkStatus();
  return node.Error(StatusCode::kUnsupported, "double is supported with channels first only");
}

}  // namespace

void RegisterInstanceNormalization(KernelRegistry& registry) {
  registry.Add(
      {.name = "InstanceNormalization", .types = types::kFloat, .make = MakeInstanceNormalization});
  registry.Add({.name = "InstanceNormalization",
                .types = SetOf(ElementType::kDouble),
                .make = MakeInstanceNormalization,
                .supports = SupportsLayout});
}

}  // namespace mullion::cpu
