// SPDX-License-Identifier: MIT
#include "operators/image_operators.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "operators/epilogue.h"
#include "operators/registry.h"
#include "operators/rescaled_conv.h"
#include "operators/scaled_conv.h"

namespace mullion::operators {

namespace {

constexpr auto kSpatial = std::to_array<std::string_view>({
    "AveragePool",
    "BatchNormalization",
    "Conv",
    "ConvInteger",
    "ConvTranspose",
    "DepthToSpace",
    "GlobalAveragePool",
    "GlobalLpPool",
    "GlobalMaxPool",
    "GroupNormalization",
    "InstanceNormalization",
    "LRN",
    "LpPool",
    "MaxPool",
    "QLinearAveragePool",
    "QLinearConv",
    "QLinearGlobalAveragePool",
    "RescaledConv",
    "Resize",
    "ScaledConv",
    "SpaceToDepth",
});

// Those whose input 3 is a residual (see epilogue.h).
constexpr auto kWithResidual = std::to_array<std::string_view>({
    "Conv",
    "ConvTranspose",
    "GroupNormalization",
    "InstanceNormalization",
});

constexpr auto kElementwise = std::to_array<std::string_view>({
    "Abs",
    "Add",
    "And",
    "ByteTable",
    "Cast",
    "Ceil",
    "Celu",
    "Clip",
    "Div",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Floor",
    "FusedElementwise",
    "Gelu",
    "Greater",
    "GreaterOrEqual",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LeakyRelu",
    "Less",
    "LessOrEqual",
    "Log",
    "Max",
    "Mean",
    "Min",
    "Mish",
    "Mod",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "PRelu",
    "Pow",
    "QLinearAdd",
    "QLinearMul",
    "Reciprocal",
    "Relu",
    "Round",
    "Selu",
    "Sigmoid",
    "Sign",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Sub",
    "Sum",
    "Swish",
    "Tanh",
    "ThresholdedRelu",
    "Where",
    "Xor",
});

template <size_t N>
bool IsAmong(const Node& node, const std::array<std::string_view, N>& names) {
  return std::binary_search(names.begin(), names.end(), std::string_view(node.operator_name()));
}

}  // namespace

bool IsKnownDomain(const Node& node) {
  return node.domain().empty() || node.domain() == kInternalDomain ||
         node.domain() == "com.microsoft";
}

bool IsSpatial(const Node& node) { return IsAmong(node, kSpatial); }

bool IsElementwise(const Node& node) { return IsAmong(node, kElementwise); }

int ResidualInput(const Node& node) {
  if (node.operator_name() == kScaledConv) return scaled_conv::kResidual;
  if (node.operator_name() == kRescaledConv) return rescaled_conv::kResidual;
  return node.domain().empty() && IsAmong(node, kWithResidual) ? kResidualInput : -1;
}

}  // namespace mullion::operators
