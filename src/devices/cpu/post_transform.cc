// SPDX-License-Identifier: MIT
#include "devices/cpu/post_transform.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/element_traits.h"
#include "devices/cpu/kernels/elementwise/elements.h"

namespace mullion::cpu {

namespace {

using operators::PostTransform;

// The inverse of the error function: Winitzki's approximation (relative error 2e-3), then Newton's
// method, which doubles the digits each time.
double InverseErf(double y) {
  if (!(y > -1 && y < 1)) {
    return std::isnan(y) || std::abs(y) > 1 ? std::numeric_limits<double>::quiet_NaN()
                                            : y * std::numeric_limits<double>::infinity();
  }
  constexpr double kPi = 3.14159265358979323846;
  constexpr double kA = 0.147;
  const double log = std::log1p(-y * y);
  const double half = 2 / (kPi * kA) + log / 2;
  double x = std::copysign(std::sqrt(std::sqrt(half * half - log / kA) - half), y);
  for (int i = 0; i < 3; ++i) {
    x -= (std::erf(x) - y) / (2 / std::sqrt(kPi) * std::exp(-x * x));
  }
  return x;
}

// The quantile function of the normal distribution.
double Probit(double p) { return std::sqrt(2.0) * InverseErf(2 * p - 1); }

// SOFTMAX_ZERO leaves scores that are zero at zero. What exporters rely on counts everything below
// 1e-7 as zero.
template <typename T>
void Softmax(T* scores, int64_t count, bool keep_zeros) {
  if (count == 0) return;
  const T most = *std::max_element(scores, scores + count);
  const T zero = keep_zeros ? T{1e-7f} : T{-1};
  T sum = 0;
  // Zeros stay: the exponential of minus infinity.
  constexpr T kNothing = -std::numeric_limits<T>::infinity();
  for (int64_t i = 0; i < count; ++i) {
    scores[i] = std::abs(scores[i]) > zero ? scores[i] - most : kNothing;
  }
  UnaryElements({operators::ElementwiseOp::kExp}, kElementTypeOf<T>, scores, scores,
                static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) sum += scores[i];
  if (sum == 0) return;
  for (int64_t i = 0; i < count; ++i) scores[i] /= sum;
}

}  // namespace

template <typename T>
T Logistic(T x) {
  const T e = std::exp(-std::abs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

template <typename T>
void ApplyPostTransform(PostTransform transform, T* scores, int64_t count) {
  switch (transform) {
    case PostTransform::kNone:
      return;
    case PostTransform::kSoftmax:
      return Softmax(scores, count, false);
    case PostTransform::kSoftmaxZero:
      return Softmax(scores, count, true);
    case PostTransform::kLogistic:
      return UnaryElements({operators::ElementwiseOp::kSigmoid}, kElementTypeOf<T>, scores, scores,
                           static_cast<size_t>(count));
    case PostTransform::kProbit:
      std::transform(scores, scores + count, scores,
                     [](T x) { return static_cast<T>(Probit(static_cast<double>(x))); });
      return;
  }
}

template float Logistic(float);
template double Logistic(double);
template void ApplyPostTransform(PostTransform, float*, int64_t);
template void ApplyPostTransform(PostTransform, double*, int64_t);

}  // namespace mullion::cpu
