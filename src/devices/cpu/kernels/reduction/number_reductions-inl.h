// SPDX-License-Identifier: MIT
// What reductions of double and integers do with a number: how accumulators begin, take in, merge
// and end. The loops are in number_reduce.cc (see simd.h for the layout of such files).

#if defined(MULLION_DEVICES_CPU_KERNELS_REDUCTION_NUMBER_REDUCTIONS_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef MULLION_DEVICES_CPU_KERNELS_REDUCTION_NUMBER_REDUCTIONS_INL_H_
#undef MULLION_DEVICES_CPU_KERNELS_REDUCTION_NUMBER_REDUCTIONS_INL_H_
#else
#define MULLION_DEVICES_CPU_KERNELS_REDUCTION_NUMBER_REDUCTIONS_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include "base/element_traits.h"
#include "devices/cpu/kernels/elementwise/number_unary.h"

#if MULLION_IS_OF_TWO_COPIES

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace {

// Integers add and multiply modulo 2^bits without undefined behaviour.
template <typename T>
struct WrappingOf {
  using type = std::make_unsigned_t<T>;
};
template <>
struct WrappingOf<double> {
  using type = double;
};
template <typename T>
using Wrapping = typename WrappingOf<T>::type;

// Operations differ in how accumulators begin and how they end; those with equal Loops share the
// code between. They take in and merge numbers N of the accumulators' type, or vectors of them.
template <typename T>
struct Sum {
  using Loops = Sum;
  using Element = T;
  using Accumulator = Wrapping<T>;
  static constexpr bool kTakesTwice = false;  // whether that changes nothing
  static Accumulator Neutral() { return 0; }
  template <typename N>
  static N Take(N a, N x) {
    return a + x;
  }
  template <typename N>
  static N Merge(N a, N b) {
    return a + b;
  }
  static T Finish(Accumulator a, int64_t /*count*/) { return static_cast<T>(a); }
};

template <typename T>
struct Max {
  using Loops = Max;
  using Element = T;
  using Accumulator = T;
  static constexpr bool kTakesTwice = true;
  static T Neutral() {
    if constexpr (std::is_floating_point_v<T>) return -std::numeric_limits<T>::infinity();
    return std::numeric_limits<T>::lowest();
  }
  template <typename N>
  static N Take(N a, N x) {
    return x > a ? x : a;
  }
  template <typename N>
  static N Merge(N a, N b) {
    return Take(a, b);
  }
  static T Finish(T a, int64_t /*count*/) { return a; }
};

template <typename T>
struct Min : Max<T> {
  using Loops = Min;
  static T Neutral() {
    if constexpr (std::is_floating_point_v<T>) return std::numeric_limits<T>::infinity();
    return std::numeric_limits<T>::max();
  }
  template <typename N>
  static N Take(N a, N x) {
    return x < a ? x : a;
  }
  template <typename N>
  static N Merge(N a, N b) {
    return Take(a, b);
  }
};

// Of signed bytes as of unsigned ones with their sign turned, for which SSE2 has instructions.
template <template <typename> class Of>
struct OfSignedBytes : Of<uint8_t> {
  using Loops = OfSignedBytes;
  using Element = int8_t;
  template <typename N>
  static N Take(N a, N x) {
    return Of<uint8_t>::Take(a, static_cast<N>(x ^ 0x80));
  }
  static int8_t Finish(uint8_t a, int64_t /*count*/) { return static_cast<int8_t>(a ^ 0x80); }
};

template <typename T>
struct Product : Sum<T> {
  using Loops = Product;
  using Accumulator = Wrapping<T>;
  static Accumulator Neutral() { return 1; }
  template <typename N>
  static N Take(N a, N x) {
    return a * x;
  }
  template <typename N>
  static N Merge(N a, N b) {
    return a * b;
  }
};

template <typename T>
struct L1 : Sum<T> {
  using Loops = std::conditional_t<std::is_unsigned_v<T>, Sum<T>, L1>;
  template <typename N>
  static N Take(N a, N x) {
    if constexpr (std::is_floating_point_v<T>) {
      return x < 0 ? a - x : a + x;
    } else if constexpr (std::is_unsigned_v<T>) {
      return a + x;
    } else {
      const N below = 0 - (x >> (8 * sizeof(T) - 1));  // all bits of negative numbers
      return a + ((x ^ below) - below);
    }
  }
};

template <typename T>
struct SumSquare : Sum<T> {
  using Loops = SumSquare;
  template <typename N>
  static N Take(N a, N x) {
    return a + x * x;
  }
};

struct Mean : Sum<double> {
  static double Finish(double a, int64_t count) { return a / static_cast<double>(count); }
};

struct L2 : SumSquare<double> {
  static double Finish(double a, int64_t /*count*/) { return std::sqrt(a); }
};

constexpr operators::ElementwiseStep kLog = {operators::ElementwiseOp::kLog};

struct LogSum : Sum<double> {
  static void FinishAll(const double* a, size_t n, double* y) { DoubleUnary(kLog, a, y, n); }
};

struct ScaledSum {
  double maximum;
  double sum;  // of exp(x - maximum), or of exp(x) when the maximum is infinite
};

struct LogSumExp {
  using Loops = LogSumExp;
  using Element = double;
  using Accumulator = ScaledSum;
  static double Shift(double maximum) { return std::isfinite(maximum) ? maximum : 0; }
  static ScaledSum Neutral() { return {-std::numeric_limits<double>::infinity(), 0}; }
  static ScaledSum Take(ScaledSum a, double x) {
    if (!(x > a.maximum)) return {a.maximum, a.sum + std::exp(x - Shift(a.maximum))};  // NaN too
    return {x, Scaled(a, Shift(x)) + std::exp(x - Shift(x))};
  }
  static ScaledSum Merge(ScaledSum a, ScaledSum b) {
    const double maximum = std::max(a.maximum, b.maximum);
    const double shift = Shift(maximum);
    return {maximum, Scaled(a, shift) + Scaled(b, shift)};
  }
  static void FinishAll(const ScaledSum* a, size_t n, double* y) {
    for (size_t j = 0; j < n; ++j) y[j] = a[j].sum;
    DoubleUnary(kLog, y, y, n);
    for (size_t j = 0; j < n; ++j) y[j] += Shift(a[j].maximum);
  }

  // `count` elements side by side.
  static void TakeRun(const double* x, size_t count, ScaledSum* a) {
    constexpr size_t kTile = 256;
    double tile[kTile];
    for (size_t begin = 0; begin < count; begin += kTile, x += kTile) {
      const size_t n = std::min(kTile, count - begin);
      double maximum = a->maximum;
      for (size_t i = 0; i < n; ++i) maximum = x[i] > maximum ? x[i] : maximum;
      const double shift = Shift(maximum);
      for (size_t i = 0; i < n; ++i) tile[i] = x[i] - shift;
      DoubleUnary({operators::ElementwiseOp::kExp}, tile, tile, n);
      double sum = 0;
      for (size_t i = 0; i < n; ++i) sum += tile[i];
      *a = {maximum, Scaled(*a, shift) + sum};
    }
  }
  // `n` columns of `rows` rows, some of each at a time: one more exponential for each column scales
  // what there is of its sum.
  static void TakeRows(const double* x, size_t rows, size_t stride, size_t n, ScaledSum* a) {
    constexpr size_t kColumns = 32;
    constexpr size_t kRows = 8;
    for (size_t begin = 0; begin < n; begin += kColumns, x += kColumns, a += kColumns) {
      const size_t columns = std::min(kColumns, n - begin);
      for (size_t row = 0; row < rows; row += kRows) {
        TakeBlock(x + row * stride, std::min(kRows, rows - row), stride, columns, a);
      }
    }
  }

 private:
  static double Scaled(ScaledSum a, double shift) {
    return a.sum == 0 ? 0 : a.sum * std::exp(Shift(a.maximum) - shift);
  }
  static void TakeBlock(const double* x, size_t rows, size_t stride, size_t columns, ScaledSum* a) {
    double powers[9 * 32];  // of the sums before, and of each row
    double maxima[32];
    for (size_t j = 0; j < columns; ++j) maxima[j] = a[j].maximum;
    for (size_t r = 0; r < rows; ++r) {
      const double* const row = x + r * stride;
      for (size_t j = 0; j < columns; ++j) maxima[j] = row[j] > maxima[j] ? row[j] : maxima[j];
    }
    for (size_t j = 0; j < columns; ++j) {
      const double shift = Shift(maxima[j]);
      powers[j] = Shift(a[j].maximum) - shift;
      for (size_t r = 0; r < rows; ++r) powers[(r + 1) * columns + j] = x[r * stride + j] - shift;
    }
    DoubleUnary({operators::ElementwiseOp::kExp}, powers, powers, (rows + 1) * columns);
    for (size_t j = 0; j < columns; ++j) {
      double sum = a[j].sum == 0 ? 0 : a[j].sum * powers[j];
      for (size_t r = 1; r <= rows; ++r) sum += powers[r * columns + j];
      a[j] = {maxima[j], sum};
    }
  }
};

template <typename T>
T FromDouble(double value) {
  if constexpr (std::is_same_v<T, double>) {
    return value;
  } else {
    // NaN and what does not fit would be undefined behaviour.
    constexpr double kLow = static_cast<double>(std::numeric_limits<T>::min());
    constexpr double kHigh = static_cast<double>(std::numeric_limits<T>::max());
    if (!(value > kLow)) return std::numeric_limits<T>::min();
    return value < kHigh ? static_cast<T>(value) : std::numeric_limits<T>::max();
  }
}

// e^-d of whole d. What is further below the maximum vanishes beside its 1, even 2^63 times.
constexpr std::array<double, 128> MakePowersOfE() {
  std::array<double, 128> powers{};
  double power = 1;  // each is off by as many roundings as it is e times smaller
  for (double& p : powers) {
    p = power;
    power *= 0.36787944117144233;
  }
  return powers;
}
constexpr std::array<double, 128> kPowersOfE = MakePowersOfE();

template <typename Op>
struct Functions;

// Differences of integers are whole: their exponentials are in a table.
template <typename T>
struct IntegerLogSumExp {
  struct Scaled {
    T maximum;
    double sum;  // of exp(x - maximum)
  };
  using Loops = IntegerLogSumExp;
  using Element = T;
  using Accumulator = Scaled;
  static double Power(T maximum, T x) {
    const auto distance = static_cast<Wrapping<T>>(maximum) - static_cast<Wrapping<T>>(x);
    return kPowersOfE[std::min<Wrapping<T>>(distance, kPowersOfE.size() - 1)];
  }
  static Scaled Neutral() { return {std::numeric_limits<T>::lowest(), 0}; }
  static Scaled Take(Scaled a, T x) { return Merge(a, {x, 1}); }
  static Scaled Merge(Scaled a, Scaled b) {
    const T maximum = std::max(a.maximum, b.maximum);
    return {maximum, a.sum * Power(maximum, a.maximum) + b.sum * Power(maximum, b.maximum)};
  }
  static T Finish(Scaled a, int64_t /*count*/) {
    return FromDouble<T>(static_cast<double>(a.maximum) + std::log(a.sum));
  }
  static void TakeRun(const T* x, size_t count, Scaled* a) {
    constexpr size_t kTile = 1024;
    for (size_t begin = 0; begin < count; begin += kTile, x += kTile) {
      const size_t n = std::min(kTile, count - begin);
      T maximum = a->maximum;
      Functions<Max<T>>::Run(x, n, &maximum);
      double sums[4] = {a->sum * Power(maximum, a->maximum)};
      size_t i = 0;
      for (; i + 4 <= n; i += 4) {
#pragma GCC unroll 4
        for (size_t k = 0; k < 4; ++k) sums[k] += Power(maximum, x[i + k]);
      }
      for (; i < n; ++i) sums[0] += Power(maximum, x[i]);
      *a = {maximum, (sums[0] + sums[1]) + (sums[2] + sums[3])};
    }
  }
};

}  // namespace

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif  // of two copies

#endif  // MULLION_DEVICES_CPU_KERNELS_REDUCTION_NUMBER_REDUCTIONS_INL_H_
