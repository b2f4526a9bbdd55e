// SPDX-License-Identifier: MIT
#include "devices/cpu/fused_activation.h"

#include "base/str_cat.h"
#include "operators/epilogue.h"

namespace mullion::cpu {

Result<Activation> FusedActivationOf(const Node& node) {
  using Kind = Activation::Kind;
  constexpr struct {
    std::string_view name;
    Kind kind;
  } kKinds[] = {{"", Kind::kNone},
                {"Relu", Kind::kRelu},
                {"LeakyRelu", Kind::kLeakyRelu},
                {"Clip", Kind::kClip},
                {"Sigmoid", Kind::kSigmoid},
                {"Tanh", Kind::kTanh},
                {"Swish", Kind::kSilu},
                {"HardSigmoid", Kind::kHardSigmoid},
                {"HardSwish", Kind::kHardSwish},
                {"Elu", Kind::kElu},
                {"Gelu", Kind::kGelu},
                {"GeluTanh", Kind::kGeluTanh}};
  const operators::FusedActivation fused = operators::FusedActivationOf(node);
  for (const auto& [name, kind] : kKinds) {
    if (name == fused.name) return Activation{kind, fused.alpha, fused.beta};
  }
  return node.Error(StatusCode::kInternal, "the CPU device cannot fuse the activation '",
                    fused.name, "'");
}

}  // namespace mullion::cpu
