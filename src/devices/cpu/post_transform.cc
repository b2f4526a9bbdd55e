// SPDX-License-Identifier: MIT
#include "devices/cpu/post_transform.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

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

template <typename T>
void Apply(operators::ElementwiseOp op, T* x, int64_t count) {
  UnaryElements({op}, kElementTypeOf<T>, x, x, static_cast<size_t>(count));
}

constexpr int64_t kProbitTile = 128;

// Probits of at most kProbitTile numbers. M. Giles, "Approximating the erfinv function" (GPU
// Computing Gems, 2011), with w = -ln(1 - (2p - 1)^2) and an error of some 4e-7 of the result up to
// w = 16; what lies further out, or nowhere, is worked out in double.
void ProbitTile(float* p, int64_t count) {
  constexpr float kNear[] = {2.81022636e-08f,  3.43273939e-07f, -3.5233877e-06f,
                             -4.39150654e-06f, 0.00021858087f,  -0.00125372503f,
                             -0.00417768164f,  0.246640727f,    1.50140941f};
  constexpr float kFar[] = {-0.000200214257f, 0.000100950558f, 0.00134934322f,
                            -0.00367342844f,  0.00573950773f,  -0.0076224613f,
                            0.00943887047f,   1.00167406f,     2.83297682f};
  float w[kProbitTile];
  float root[kProbitTile];
  for (int64_t i = 0; i < count; ++i) w[i] = 4 * p[i] * (1 - p[i]);
  Apply(operators::ElementwiseOp::kLog, w, count);
  for (int64_t i = 0; i < count; ++i) w[i] = root[i] = -w[i];
  Apply(operators::ElementwiseOp::kSqrt, root, count);
  int32_t outside = 0;
  for (int64_t i = 0; i < count; ++i) {
    // Choices of numbers only, which compilers make vectors of.
    const bool near = w[i] < 5;
    const float t = (near ? w[i] : root[i]) - (near ? 2.5f : 3.0f);
    float sum = near ? kNear[0] : kFar[0];
    for (int k = 1; k < 9; ++k) sum = sum * t + (near ? kNear[k] : kFar[k]);
    const bool inside = w[i] <= 16;
    outside += inside ? 0 : 1;
    root[i] = sum * (2 * p[i] - 1) * 1.41421356f;
  }
  for (int64_t i = 0; outside > 0 && i < count; ++i) {
    if (!(w[i] <= 16)) root[i] = static_cast<float>(Probit(static_cast<double>(p[i])));
  }
  std::copy_n(root, count, p);
}

template <typename T>
void Probits(T* scores, int64_t count) {
  if constexpr (std::is_same_v<T, float>) {
    for (int64_t i = 0; i < count; i += kProbitTile) {
      ProbitTile(scores + i, std::min(kProbitTile, count - i));
    }
  } else {
    std::transform(scores, scores + count, scores, Probit);
  }
}

// SOFTMAX_ZERO leaves scores that are zero at zero. What exporters rely on counts everything below
// 1e-7 as zero.
template <typename T>
void Softmax(T* scores, int64_t rows, int64_t count, bool keep_zeros) {
  if (count == 0) return;
  const T zero = keep_zeros ? T{1e-7f} : T{-1};
  // Zeros stay: the exponential of minus infinity.
  constexpr T kNothing = -std::numeric_limits<T>::infinity();
  for (T* row = scores; row < scores + rows * count; row += count) {
    const T most = *std::max_element(row, row + count);
    for (int64_t i = 0; i < count; ++i) {
      row[i] = std::abs(row[i]) > zero ? row[i] - most : kNothing;
    }
  }
  Apply(operators::ElementwiseOp::kExp, scores, rows * count);
  for (T* row = scores; row < scores + rows * count; row += count) {
    T sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += row[i];
    if (sum == 0) continue;
    for (int64_t i = 0; i < count; ++i) row[i] /= sum;
  }
}

}  // namespace

template <typename T>
T Logistic(T x) {
  const T e = std::exp(-std::abs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

template <typename T>
void ApplyPostTransform(PostTransform transform, T* scores, int64_t rows, int64_t count) {
  switch (transform) {
    case PostTransform::kNone:
      return;
    case PostTransform::kSoftmax:
      return Softmax(scores, rows, count, false);
    case PostTransform::kSoftmaxZero:
      return Softmax(scores, rows, count, true);
    case PostTransform::kLogistic:
      return Apply(operators::ElementwiseOp::kSigmoid, scores, rows * count);
    case PostTransform::kProbit:
      return Probits(scores, rows * count);
  }
}

template float Logistic(float);
template double Logistic(double);
template void ApplyPostTransform(PostTransform, float*, int64_t, int64_t);
template void ApplyPostTransform(PostTransform, double*, int64_t, int64_t);

}  // namespace mullion::cpu
