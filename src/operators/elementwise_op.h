// SPDX-License-Identifier: MIT
// The arithmetic of elementwise operators, named apart from operator names and versions: kernels
// dispatch on it, and fused chains are made of it.
#ifndef MULLION_OPERATORS_ELEMENTWISE_OP_H_
#define MULLION_OPERATORS_ELEMENTWISE_OP_H_

#include <cstdint>
#include <optional>

#include "graph/graph.h"

namespace mullion::operators {

// Fused nodes store these numbers: only within one process, so they may change.
enum class ElementwiseOp : uint8_t {
  // One operand.
  kAbs,
  kNeg,
  kSign,
  kCeil,
  kFloor,
  kRound,  // half to even
  kSqrt,
  kReciprocal,
  kExp,
  kLog,
  kErf,
  kTanh,
  kSigmoid,
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kSinh,
  kCosh,
  kAsinh,
  kAcosh,
  kAtanh,
  kRelu,             // max(x, 0)
  kLeakyRelu,        // x < 0 ? alpha x : x
  kElu,              // x < 0 ? alpha (e^x - 1) : x
  kSelu,             // x > 0 ? beta x : beta alpha (e^x - 1)
  kCelu,             // x < 0 ? alpha (e^(x / alpha) - 1) : x
  kGelu,             // x/2 (1 + erf(x / sqrt(2)))
  kGeluTanh,         // x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
  kHardSigmoid,      // min(max(alpha x + beta, 0), 1)
  kHardSwish,        // x min(max(x / 6 + 1/2, 0), 1)
  kMish,             // x tanh(log(1 + e^x))
  kSoftplus,         // log(1 + e^x)
  kSoftsign,         // x / (1 + |x|)
  kThresholdedRelu,  // x > alpha ? x : 0
  kShrink,           // x < -beta ? x + alpha : x > beta ? x - alpha : 0
  kSwish,            // x sigmoid(alpha x)
  kClip,             // min(max(x, alpha), beta)
  // Two operands.
  kAdd,
  kSub,
  kMul,
  kDiv,
  kPow,
  kMod,   // the remainder that has the divisor's sign
  kFmod,  // the remainder that has the dividend's sign
  kMin,
  kMax,
  kPRelu,   // x < 0 ? slope x : x
  kSwiGlu,  // x sigmoid(alpha x) y
};

constexpr bool IsBinary(ElementwiseOp op) { return op >= ElementwiseOp::kAdd; }

// An operation with the numbers that its formula above calls alpha and beta.
struct ElementwiseStep {
  ElementwiseOp op;
  float alpha = 0.0f;
  float beta = 0.0f;
};

// What a node of the newest form of an ai.onnx operator computes for each element, or nothing when
// it is not such an operator. Clip counts only when its bounds are constant or left out; Mean and
// Sum, Min and Max of other than two inputs do not.
std::optional<ElementwiseStep> ElementwiseStepOf(const Node& node);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_ELEMENTWISE_OP_H_
