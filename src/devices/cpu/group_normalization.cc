// SPDX-License-Identifier: MIT
// GroupNormalization of opset 21, and with one scale a group as opset 18 had it, and
// InstanceNormalization, whose groups are single channels.
#include "devices/cpu/fused_activation.h"
#include "devices/cpu/group_moments.h"
#include "devices/cpu/registry.h"
#include "operators/channel_layout.h"
#include "operators/epilogue.h"

namespace mullion::cpu {

namespace {

class GroupNormalization final : public Executable {
 public:
  GroupNormalization(const Node& node, const Activation& activation)
      : node_(node),
        activation_(activation),
        layout_(node),
        epsilon_(node.FloatAttribute("epsilon", 1e-5f)),
        groups_(node.IntAttribute("num_groups", 0)),
        scale_per_group_(node.IntAttribute("scale_per_group", 0) != 0) {}

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
      const TensorView& residual = context.Input(operators::kResidualInput);
      normalizer.residual = residual.as<float>();
      const auto begin = node_.IntsAttribute(operators::kResidualBegin);
      if (!begin.empty()) {
        const int64_t line = residual.shape[2];
        normalizer.larger = {input.shape[2], line, residual.shape[1] * line,
                             begin[0] * line + begin[1]};
      }
    }
    if (normalizer.groups != 0 && normalizer.channels % normalizer.groups != 0) {
      return context.Error("the channels of input 0 do not divide into 'num_groups' groups");
    }
    const int64_t parameters = scale_per_group_ ? normalizer.groups : normalizer.channels;
    for (int i = 1; i < 3; ++i) {
      if (context.Input(i).count() != parameters) {
        return context.Error("inputs 1 and 2 must have one element for each channel of input 0");
      }
    }
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    if (input.type == ElementType::kDouble) {
      NormalizeGroups(normalizer, input.as<double>(), context.Input(1).as<double>(),
                      context.Input(2).as<double>(), scale_per_group_, output.as<double>());
    } else {
      normalizer.Run(input.as<float>(), context.Input(1).as<float>(), context.Input(2).as<float>(),
                     scale_per_group_, output.as<float>(), context.scratch(), context.parallel());
    }
    return OkStatus();
  }

 private:
  GroupNormalizer NormalizerFor(const Shape& shape) const {
    const int64_t channels = layout_.Channels(shape);
    return {layout_.Batch(shape),   channels,
            layout_.Spatial(shape), groups_ != 0 ? groups_ : channels,
            layout_.last,           epsilon_};
  }

  const Node& node_;
  const Activation activation_;
  const operators::ChannelLayout layout_;
  float epsilon_;
  int64_t groups_;  // 0: as many as channels
  bool scale_per_group_;
};

Result<std::unique_ptr<Executable>> MakeGroupNormalization(const Node& node,
                                                           WeightStore& /*weights*/) {
  MULLION_ASSIGN_OR_RETURN(const Activation activation, FusedActivationOf(node));
  return std::unique_ptr<Executable>(std::make_unique<GroupNormalization>(node, activation));
}

Status SupportsLayout(const Node& node) {
  if (!operators::ChannelLayout(node).last) return OkStatus();
  return node.Error(StatusCode::kUnsupported, "double is supported with channels first only");
}

}  // namespace

void RegisterGroupNormalization(KernelRegistry& registry) {
  for (const char* const name : {"GroupNormalization", "InstanceNormalization"}) {
    registry.Add({.name = name, .types = types::kFloat, .make = MakeGroupNormalization});
    registry.Add({.name = name,
                  .types = SetOf(ElementType::kDouble),
                  .make = MakeGroupNormalization,
                  .supports = SupportsLayout});
  }
}

}  // namespace mullion::cpu
