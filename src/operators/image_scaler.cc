// SPDX-License-Identifier: MIT
// ImageScaler of opset 1: input * scale + bias[c]. It was experimental and is gone from the
// standard, but converters of their time wrote it. It becomes Mul and Add, which fuse with their
// neighbours.
#include "base/str_cat.h"
#include "operators/legacy_affine.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status UpgradeImageScaler(Node& node) {
  const std::span<const float> bias = node.FloatsAttribute("bias");
  const Value& input = *node.input(0);
  if (input.type.has_shape && input.type.shape.rank() != 4) {
    return node.Error(StatusCode::kInvalidModel, "input 0 is ", input.type.ToString(),
                      " but must have rank 4");
  }
  const int64_t channels = input.type.has_shape ? input.type.shape[1] : kUnknownDim;
  const auto count = static_cast<int64_t>(bias.size());
  if (count != 0 && channels >= 0 && count != channels) {
    return node.Error(StatusCode::kInvalidModel, "attribute 'bias' has ", count,
                      " elements but input 0 has ", channels, " channels");
  }
  const float scale = node.FloatAttribute("scale", 1.0f);
  // One bias for each channel of [N, C, H, W].
  const Tensor shift =
      count == 0 ? Tensor::Scalar(0.0f) : Tensor::FromSpan<float>(Shape{count, 1, 1}, bias);
  node.RemoveAttribute("bias");
  node.RemoveAttribute("scale");
  return BecomeMulAdd(node, scale, shift);
}

}  // namespace

void RegisterImageScaler(OperatorRegistry& registry) {
  registry.Add({.name = "ImageScaler",
                .inputs = {1, 1},
                .types = types::kAllFloats,
                .upgrade = UpgradeImageScaler});
}

}  // namespace mullion::operators
