// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/number_unary.h"

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "devices/cpu/kernels/double_function.h"

namespace mullion::cpu {

namespace {

using Op = operators::ElementwiseOp;

template <typename T, typename Function>
void Row(const T* x, T* y, size_t count, Function function) {
  for (size_t i = 0; i < count; ++i) y[i] = function(x[i]);
}

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

double Sign(double x) { return x > 0 ? 1.0 : (x < 0 ? -1.0 : x); }

// What one double becomes; a switch for each element, which the functions' own cost hides.
double Activation(const operators::ElementwiseStep& step, double x) {
  const double alpha = step.alpha;
  const double beta = step.beta;
  switch (step.op) {
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

// Twelve functions of the standard library by one name for both widths.
template <typename T>
void TrigonometryRow(Op op, const T* x, T* y, size_t count) {
  switch (op) {
    case Op::kSin:
      return Row(x, y, count, [](T v) { return std::sin(v); });
    case Op::kCos:
      return Row(x, y, count, [](T v) { return std::cos(v); });
    case Op::kTan:
      return Row(x, y, count, [](T v) { return std::tan(v); });
    case Op::kAsin:
      return Row(x, y, count, [](T v) { return std::asin(v); });
    case Op::kAcos:
      return Row(x, y, count, [](T v) { return std::acos(v); });
    case Op::kAtan:
      return Row(x, y, count, [](T v) { return std::atan(v); });
    case Op::kSinh:
      return Row(x, y, count, [](T v) { return std::sinh(v); });
    case Op::kCosh:
      return Row(x, y, count, [](T v) { return std::cosh(v); });
    case Op::kAsinh:
      return Row(x, y, count, [](T v) { return std::asinh(v); });
    case Op::kAcosh:
      return Row(x, y, count, [](T v) { return std::acosh(v); });
    case Op::kAtanh:
      return Row(x, y, count, [](T v) { return std::atanh(v); });
    default:
      return;
  }
}

}  // namespace

void PlainTrigonometry(Op op, const float* x, float* y, size_t count) {
  TrigonometryRow(op, x, y, count);
}

void PlainTrigonometry(Op op, const double* x, double* y, size_t count) {
  TrigonometryRow(op, x, y, count);
}

void DoubleUnary(const operators::ElementwiseStep& step, const double* x, double* y, size_t count) {
  if (DoubleFunction(step, x, y, count)) return;
  switch (step.op) {
    case Op::kAbs:
      return Row(x, y, count, [](double v) { return std::fabs(v); });
    case Op::kNeg:
      return Row(x, y, count, [](double v) { return -v; });
    case Op::kSign:
      return Row(x, y, count, Sign);
    case Op::kCeil:
      return Row(x, y, count, [](double v) { return std::ceil(v); });
    case Op::kFloor:
      return Row(x, y, count, [](double v) { return std::floor(v); });
    case Op::kRound:
      return Row(x, y, count, [](double v) { return std::nearbyint(v); });
    case Op::kSqrt:
      return Row(x, y, count, [](double v) { return std::sqrt(v); });
    case Op::kReciprocal:
      return Row(x, y, count, [](double v) { return 1 / v; });
    case Op::kExp:
      return Row(x, y, count, [](double v) { return std::exp(v); });
    case Op::kLog:
      return Row(x, y, count, [](double v) { return std::log(v); });
    case Op::kErf:
      return Row(x, y, count, [](double v) { return std::erf(v); });
    case Op::kTanh:
      return Row(x, y, count, [](double v) { return std::tanh(v); });
    case Op::kSigmoid:
      return Row(x, y, count, Sigmoid);
    default:
      if (step.op <= Op::kAtanh) return PlainTrigonometry(step.op, x, y, count);
      return Row(x, y, count, [&step](double v) { return Activation(step, v); });
  }
}

template <typename T>
void IntegerUnary(const operators::ElementwiseStep& step, const T* x, T* y, size_t count) {
  using U = std::make_unsigned_t<T>;
  const auto negate = [](T v) { return static_cast<T>(U{0} - static_cast<U>(v)); };
  switch (step.op) {
    case Op::kAbs:
      return Row(x, y, count, [&negate](T v) { return v < 0 ? negate(v) : v; });
    case Op::kNeg:
      return Row(x, y, count, negate);
    case Op::kSign:
      return Row(x, y, count, [](T v) { return static_cast<T>((v > 0) - (v < 0)); });
    case Op::kRelu:
      return Row(x, y, count, [](T v) { return v < 0 ? T{0} : v; });
    case Op::kErf:
      return Row(x, y, count, [](T v) { return static_cast<T>(std::erf(static_cast<double>(v))); });
    case Op::kShrink:
      // The bias is at most as large as the values that matter; what leaves the range wraps.
      return Row(x, y, count, [&step](T v) {
        const double shrunk = Activation(step, static_cast<double>(v));
        return static_cast<T>(static_cast<int64_t>(Clip(shrunk, -9.2e18, 9.2e18)));
      });
    default:
      return;
  }
}

template void IntegerUnary(const operators::ElementwiseStep&, const int8_t*, int8_t*, size_t);
template void IntegerUnary(const operators::ElementwiseStep&, const int16_t*, int16_t*, size_t);
template void IntegerUnary(const operators::ElementwiseStep&, const int32_t*, int32_t*, size_t);
template void IntegerUnary(const operators::ElementwiseStep&, const int64_t*, int64_t*, size_t);
template void IntegerUnary(const operators::ElementwiseStep&, const uint8_t*, uint8_t*, size_t);
template void IntegerUnary(const operators::ElementwiseStep&, const uint16_t*, uint16_t*, size_t);
template void IntegerUnary(const operators::ElementwiseStep&, const uint32_t*, uint32_t*, size_t);
template void IntegerUnary(const operators::ElementwiseStep&, const uint64_t*, uint64_t*, size_t);

}  // namespace mullion::cpu
