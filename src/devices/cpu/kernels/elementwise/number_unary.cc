// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/number_unary.h"

#include <cmath>

#include "devices/cpu/kernels/elementwise/double_function.h"

namespace mullion::cpu {

namespace {

using Op = operators::ElementwiseOp;

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double Softplus(double x) { return std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x))); }

double GeluTanh(double x) {
  constexpr double kSqrtTwoOverPi = 0.79788456080286535588;
  return 0.5 * x * (1 + std::tanh(kSqrtTwoOverPi * (x + 0.044715 * x * x * x)));
}

double Gelu(double x) {
  constexpr double kSqrtHalf = 0.70710678118654752440;
  return 0.5 * x * (1 + std::erf(x * kSqrtHalf));
}

// Comparisons are turned so that NaN stays NaN.
double Clip(double x, double low, double high) {
  const double y = x < low ? low : x;
  return y > high ? high : y;
}

}  // namespace

double PlainUnary(const operators::ElementwiseStep& step, double x) {
  const double alpha = step.alpha;
  const double beta = step.beta;
  switch (step.op) {
    case Op::kAbs:
      return std::fabs(x);
    case Op::kNeg:
      return -x;
    case Op::kSign:
      return x > 0 ? 1.0 : (x < 0 ? -1.0 : x);
    case Op::kCeil:
      return std::ceil(x);
    case Op::kFloor:
      return std::floor(x);
    case Op::kRound:
      return std::nearbyint(x);
    case Op::kSqrt:
      return std::sqrt(x);
    case Op::kReciprocal:
      return 1 / x;
    case Op::kExp:
      return std::exp(x);
    case Op::kLog:
      return std::log(x);
    case Op::kErf:
      return std::erf(x);
    case Op::kTanh:
      return std::tanh(x);
    case Op::kSigmoid:
      return Sigmoid(x);
    case Op::kSin:
      return std::sin(x);
    case Op::kCos:
      return std::cos(x);
    case Op::kTan:
      return std::tan(x);
    case Op::kAsin:
      return std::asin(x);
    case Op::kAcos:
      return std::acos(x);
    case Op::kAtan:
      return std::atan(x);
    case Op::kSinh:
      return std::sinh(x);
    case Op::kCosh:
      return std::cosh(x);
    case Op::kAsinh:
      return std::asinh(x);
    case Op::kAcosh:
      return std::acosh(x);
    case Op::kAtanh:
      return std::atanh(x);
    case Op::kRelu:
      return x < 0 ? 0 : x;
    case Op::kLeakyRelu:
      return x < 0 ? alpha * x : x;
    case Op::kElu:
      return x < 0 ? alpha * std::expm1(x) : x;
    case Op::kSelu:
      return x > 0 ? beta * x : beta * alpha * std::expm1(x);
    case Op::kCelu:
      return x < 0 ? alpha * std::expm1(x / alpha) : x;
    case Op::kGelu:
      return Gelu(x);
    case Op::kGeluTanh:
      return GeluTanh(x);
    case Op::kHardSigmoid:
      return Clip(alpha * x + beta, 0, 1);
    case Op::kHardSwish:
      return x * Clip(x / 6 + 0.5, 0, 1);
    case Op::kMish:
      return x * std::tanh(Softplus(x));
    case Op::kSoftplus:
      return Softplus(x);
    case Op::kSoftsign:
      return x / (1 + std::fabs(x));
    case Op::kThresholdedRelu:
      return x > alpha ? x : 0;
    case Op::kShrink:
      return x < -beta ? x + alpha : (x > beta ? x - alpha : 0);
    case Op::kSwish:
      return x * Sigmoid(alpha * x);
    default:
      return Clip(x, alpha, beta);
  }
}

void DoubleUnary(const operators::ElementwiseStep& step, const double* x, double* y, size_t count) {
  if (DoubleFunction(step, x, y, count)) return;
  for (size_t i = 0; i < count; ++i) y[i] = PlainUnary(step, x[i]);
}

}  // namespace mullion::cpu
