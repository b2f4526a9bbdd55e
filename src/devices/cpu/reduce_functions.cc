// SPDX-License-Identifier: MIT
#include "devices/cpu/reduce_functions.h"

#include <cmath>
#include <cstring>

#include "devices/cpu/kernels/elementwise/float_unary.h"

namespace mullion::cpu {

namespace {

struct FloatFinish {
  static void Identity(const void* from, size_t n, int64_t /*count*/, void* y) {
    std::memcpy(y, from, n * sizeof(float));
  }
  static void Mean(const void* from, size_t n, int64_t count, void* y) {
    const float divisor = static_cast<float>(count);
    for (size_t j = 0; j < n; ++j) {
      static_cast<float*>(y)[j] = static_cast<const float*>(from)[j] / divisor;
    }
  }
  static void Root(const void* from, size_t n, int64_t /*count*/, void* y) {
    for (size_t j = 0; j < n; ++j) {
      static_cast<float*>(y)[j] = std::sqrt(static_cast<const float*>(from)[j]);
    }
  }
  static void Log(const void* from, size_t n, int64_t /*count*/, void* y) {
    FloatUnary({operators::ElementwiseOp::kLog}, static_cast<const float*>(from),
               static_cast<float*>(y), n);
  }
  // Two planes: maxima, and sums of exp(x - maximum); see FloatReduction::kLogSumExp.
  static void LogSumExp(const void* from, size_t n, int64_t /*count*/, void* y) {
    const float* const maxima = static_cast<const float*>(from);
    float* const to = static_cast<float*>(y);
    if (n == 1) {  // of a run by itself
      to[0] = std::log(maxima[1]);
    } else {
      Log(maxima + n, n, 0, y);
    }
    for (size_t j = 0; j < n; ++j) to[j] += std::isfinite(maxima[j]) ? maxima[j] : 0.0f;
  }
};

ReduceFunctions FloatFunctions(ReduceKind kind) {
  const auto make = [](FloatReduction reduction, auto finish) {
    ReduceFunctions functions = FloatReduceFunctions(reduction);
    functions.finish = finish;
    return functions;
  };
  switch (kind) {
    case ReduceKind::kSum:
      return make(FloatReduction::kSum, &FloatFinish::Identity);
    case ReduceKind::kMean:
      return make(FloatReduction::kSum, &FloatFinish::Mean);
    case ReduceKind::kMax:
      return make(FloatReduction::kMax, &FloatFinish::Identity);
    case ReduceKind::kMin:
      return make(FloatReduction::kMin, &FloatFinish::Identity);
    case ReduceKind::kProduct:
      return make(FloatReduction::kProduct, &FloatFinish::Identity);
    case ReduceKind::kL1:
      return make(FloatReduction::kSumAbs, &FloatFinish::Identity);
    case ReduceKind::kL2:
      return make(FloatReduction::kSumSquare, &FloatFinish::Root);
    case ReduceKind::kSumSquare:
      return make(FloatReduction::kSumSquare, &FloatFinish::Identity);
    case ReduceKind::kLogSum:
      return make(FloatReduction::kSum, &FloatFinish::Log);
    default:
      return make(FloatReduction::kLogSumExp, &FloatFinish::LogSumExp);
  }
}

}  // namespace

ReduceFunctions FindReduceFunctions(ReduceKind kind, ElementType type) {
  return type == ElementType::kFloat ? FloatFunctions(kind) : NumberReduceFunctions(kind, type);
}

}  // namespace mullion::cpu
