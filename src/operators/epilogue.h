// SPDX-License-Identifier: MIT
// What the optimizer folds into a convolution or matrix product: a residual and an activation.
//
// Conv, ConvTranspose, Gemm and MatMul nodes, and InstanceNormalization and GroupNormalization but
// for the bias, which they have, may carry beyond what ONNX gives them:
//   input 2            bias: Conv's B, Gemm's C; for MatMul a vector of one float per column
//   input 3            residual Z, shaped like the output, added before the activation
//   fused_activation   the ONNX name of an activation: Relu, LeakyRelu, Clip, Sigmoid, Tanh, Swish,
//                      HardSigmoid, HardSwish, Elu, Gelu, or GeluTanh (Gelu with approximate=tanh)
//   fused_alpha, fused_beta   its parameters; of Clip the lower and the upper bound
//   residual_begin   of normalizations of images with channels last: line and pixel of a larger
//                      residual at which what is added begins
// so that output = activation(product + bias + residual). Only float nodes get them.
#ifndef MULLION_OPERATORS_EPILOGUE_H_
#define MULLION_OPERATORS_EPILOGUE_H_

#include <string_view>

#include "operators/inference.h"

namespace mullion::operators {

inline constexpr int kBiasInput = 2;
inline constexpr int kResidualInput = 3;
inline constexpr std::string_view kFusedActivation = "fused_activation";
inline constexpr std::string_view kFusedAlpha = "fused_alpha";
inline constexpr std::string_view kFusedBeta = "fused_beta";
inline constexpr std::string_view kResidualBegin = "residual_begin";

struct FusedActivation {
  std::string_view name;  // empty when there is none; owned by the node
  float alpha = 0;
  float beta = 0;
};

inline FusedActivation FusedActivationOf(const Node& node) {
  return {node.StringAttribute(kFusedActivation, ""), node.FloatAttribute(kFusedAlpha, 0),
          node.FloatAttribute(kFusedBeta, 0)};
}

// Whether the residual, which is input `input` where there is one, has the output's shape, or
// reaches as far as `residual_begin` says. It was fused as the names of the dimensions said so, to
// which nobody holds the graph's inputs.
Status CheckResidual(const InferenceContext& context, int input, const Shape& output);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_EPILOGUE_H_
