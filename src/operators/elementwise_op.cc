// SPDX-License-Identifier: MIT
#include "operators/elementwise_op.h"

#include <limits>
#include <string_view>

namespace mullion::operators {

namespace {

using Op = ElementwiseOp;

struct Entry {
  std::string_view name;
  Op op;
  // Attributes that give alpha and beta, with their defaults; an empty name means the default.
  std::string_view alpha_name = "";
  float alpha = 0.0f;
  std::string_view beta_name = "";
  float beta = 0.0f;
};

constexpr Entry kEntries[] = {
    {"Abs", Op::kAbs},
    {"Neg", Op::kNeg},
    {"Sign", Op::kSign},
    {"Ceil", Op::kCeil},
    {"Floor", Op::kFloor},
    {"Round", Op::kRound},
    {"Sqrt", Op::kSqrt},
    {"Reciprocal", Op::kReciprocal},
    {"Exp", Op::kExp},
    {"Log", Op::kLog},
    {"Erf", Op::kErf},
    {"Tanh", Op::kTanh},
    {"Sigmoid", Op::kSigmoid},
    {"Sin", Op::kSin},
    {"Cos", Op::kCos},
    {"Tan", Op::kTan},
    {"Asin", Op::kAsin},
    {"Acos", Op::kAcos},
    {"Atan", Op::kAtan},
    {"Sinh", Op::kSinh},
    {"Cosh", Op::kCosh},
    {"Asinh", Op::kAsinh},
    {"Acosh", Op::kAcosh},
    {"Atanh", Op::kAtanh},
    {"Relu", Op::kRelu},
    {"LeakyRelu", Op::kLeakyRelu, "alpha", 0.01f},
    {"Elu", Op::kElu, "alpha", 1.0f},
    {"Selu", Op::kSelu, "alpha", 1.67326319217681884765625f, "gamma", 1.05070102214813232421875f},
    {"Celu", Op::kCelu, "alpha", 1.0f},
    {"Gelu", Op::kGelu},
    {"HardSigmoid", Op::kHardSigmoid, "alpha", 0.2f, "beta", 0.5f},
    {"HardSwish", Op::kHardSwish},
    {"Mish", Op::kMish},
    {"Softplus", Op::kSoftplus},
    {"Softsign", Op::kSoftsign},
    {"ThresholdedRelu", Op::kThresholdedRelu, "alpha", 1.0f},
    {"Shrink", Op::kShrink, "bias", 0.0f, "lambd", 0.5f},
    {"Swish", Op::kSwish, "alpha", 1.0f},
    {"Clip", Op::kClip},
    {"Add", Op::kAdd},
    {"Sub", Op::kSub},
    {"Mul", Op::kMul},
    {"Div", Op::kDiv},
    {"Pow", Op::kPow},
    {"Mod", Op::kMod},
    {"Min", Op::kMin},
    {"Max", Op::kMax},
    {"Sum", Op::kAdd},
    {"PRelu", Op::kPRelu},
    {"SwiGLU", Op::kSwiGlu, "alpha", 1.0f},
};

// A bound of Clip: a constant float scalar, or the fallback when left out.
std::optional<float> ClipBound(const Node& node, int input, float fallback) {
  const Value* const bound = node.input(input);
  if (bound == nullptr) return fallback;
  if (!bound->IsConstant() || bound->constant.type() != ElementType::kFloat ||
      bound->constant.count() != 1) {
    return std::nullopt;
  }
  return bound->constant.span<float>()[0];
}

std::optional<ElementwiseStep> ClipStep(const Node& node) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::optional<float> low = ClipBound(node, 1, -kInfinity);
  const std::optional<float> high = ClipBound(node, 2, kInfinity);
  if (!low.has_value() || !high.has_value()) return std::nullopt;
  return ElementwiseStep{Op::kClip, *low, *high};
}

}  // namespace

std::optional<ElementwiseStep> ElementwiseStepOf(const Node& node) {
  if (!node.domain().empty()) return std::nullopt;
  for (const Entry& entry : kEntries) {
    if (entry.name != node.operator_name()) continue;
    if (entry.op == Op::kClip) return ClipStep(node);
    if (IsBinary(entry.op) && node.input_count() != 2) return std::nullopt;
    ElementwiseStep step{entry.op, entry.alpha, entry.beta};
    if (!entry.alpha_name.empty()) step.alpha = node.FloatAttribute(entry.alpha_name, step.alpha);
    if (!entry.beta_name.empty()) step.beta = node.FloatAttribute(entry.beta_name, step.beta);
    if (entry.op == Op::kMod && node.IntAttribute("fmod", 0) != 0) step.op = Op::kFmod;
    if (entry.op == Op::kGelu && node.StringAttribute("approximate", "none") == "tanh") {
      step.op = Op::kGeluTanh;
    }
    return step;
  }
  return std::nullopt;
}

}  // namespace mullion::operators
