// SPDX-License-Identifier: MIT
// Reductions of double, integers and bool: plain loops that compilers turn into vectors.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/element_traits.h"
#include "devices/cpu/kernels/elementwise/number_unary.h"
#include "devices/cpu/kernels/reduction/reduce.h"
#include "devices/cpu/kernels/simd/for_elements.h"

#define MULLION_SCALAR_IN_USE
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/reduction/number_reduce.cc"
#include "devices/cpu/kernels/simd/simd.h"
#include "devices/cpu/kernels/simd/two_copies.h"

// Accumulators are as many in both copies, so that results are the same.
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

// Accumulators side by side, in vectors of the compiler's.
template <typename Op, size_t kBytes = 32>
struct LaneGroup {
  using Number = typename Op::Accumulator;
  static constexpr size_t kVectorBytes = std::min<size_t>(kBytes, HWY_TARGET == HWY_AVX2 ? 32 : 16);
  static constexpr size_t kVectors = kBytes / kVectorBytes;
  static constexpr size_t kLanes = kBytes / sizeof(Number);
  typedef Number Vector __attribute__((vector_size(kVectorBytes)));

  LaneGroup() {
#pragma GCC unroll 2
    for (Vector& vector : vectors) vector = Vector{} + Op::Neutral();
  }
  template <typename T>
  void Take(const T* x) {
    static_assert(sizeof(T) == sizeof(Number));
#pragma GCC unroll 2
    for (size_t i = 0; i < kVectors; ++i) {
      Vector bits;
      std::memcpy(&bits, x + i * (kLanes / kVectors), sizeof(bits));
      vectors[i] = Op::Take(vectors[i], bits);
    }
  }
  void Merge(const LaneGroup& other) {
#pragma GCC unroll 2
    for (size_t i = 0; i < kVectors; ++i) vectors[i] = Op::Merge(vectors[i], other.vectors[i]);
  }
  Number Across() const {
    Number lanes[kLanes];
    std::memcpy(lanes, vectors, sizeof(lanes));
    MergeHalves<kLanes / 2>(lanes);
    return lanes[0];
  }

 private:
  template <size_t kHalf>
  static void MergeHalves(Number* lanes) {
    for (size_t j = 0; j < kHalf; ++j) lanes[j] = Op::Merge(lanes[j], lanes[j + kHalf]);
    if constexpr (kHalf > 1) MergeHalves<kHalf / 2>(lanes);
  }

  Vector vectors[kVectors];
};

template <typename Op>
struct Functions {
  using T = typename Op::Element;
  using Accumulator = typename Op::Accumulator;
  using Taken = std::conditional_t<std::is_arithmetic_v<Accumulator>, Accumulator, T>;
  // Where a call for each short run would be felt.
  static constexpr bool kHasRuns = std::is_same_v<Accumulator, double>;

  static void Init(void* accumulators, size_t n) {
    Accumulator* const a = static_cast<Accumulator*>(accumulators);
    ForEachPlainly(0, n, [=](size_t j) { a[j] = Op::Neutral(); });
  }
  static void Rows(const void* from, size_t rows, size_t stride, size_t n, void* to) {
    const T* x = static_cast<const T*>(from);
    Accumulator* const a = static_cast<Accumulator*>(to);
    if constexpr (std::is_same_v<Op, LogSumExp>) return Op::TakeRows(x, rows, stride, n, a);
    for (size_t r = 0; r < rows; ++r, x += stride) {
      ForElements(n, [=](size_t j) { a[j] = Op::Take(a[j], static_cast<Taken>(x[j])); });
    }
  }
  // From kBytes on to twice as many.
  template <size_t kBytes>
  static Accumulator BothEnds(const T* x, size_t count) {
    LaneGroup<Op, kBytes> group;
    group.Take(x);
    group.Take(x + count - kBytes);
    return group.Across();
  }
  // Four groups of accumulators in registers, whatever the length of vectors, so that results are
  // the same.
  [[gnu::always_inline]] static void TakeOne(const T* x, size_t count, Accumulator* a) {
    if constexpr (requires { Op::TakeRun(x, count, a); }) {
      return Op::TakeRun(x, count, a);
    } else {
      using Group = LaneGroup<Op>;
      constexpr size_t kLanes = Group::kLanes;
      Accumulator last = *a;
      size_t i = 0;
      if (count >= kLanes) {
        Group g0, g1, g2, g3;  // not an array, which compilers would keep in memory
        for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
          g0.Take(x + i);
          g1.Take(x + i + kLanes);
          g2.Take(x + i + 2 * kLanes);
          g3.Take(x + i + 3 * kLanes);
        }
        for (; i + kLanes <= count; i += kLanes) g0.Take(x + i);
        if (Op::kTakesTwice && i < count) {
          g1.Take(x + count - kLanes);
          i = count;
        }
        g0.Merge(g1);
        g2.Merge(g3);
        g0.Merge(g2);
        last = Op::Merge(last, g0.Across());
      } else if (sizeof(T) == 1 && count >= 8) {
        last = Op::Merge(last, count < 16 ? BothEnds<8>(x, count) : BothEnds<16>(x, count));
        i = count;
      }
      ForEachPlainly(i, count, [&](size_t j) { last = Op::Take(last, static_cast<Taken>(x[j])); });
      *a = last;
    }
  }
  static void Runs(const void* from, size_t rows, size_t count, void* to) {
    const T* const x = static_cast<const T*>(from);
    Accumulator* const a = static_cast<Accumulator*>(to);
    for (size_t r = 0; r < rows; ++r) {
      a[r] = Op::Neutral();
      TakeOne(x + r * count, count, a + r);
    }
  }
  static void Run(const void* from, size_t count, void* to) {
    if constexpr (kHasRuns) {
      Accumulator fresh;
      Runs(from, 1, count, &fresh);
      Merge(&fresh, 1, to);
    } else {
      TakeOne(static_cast<const T*>(from), count, static_cast<Accumulator*>(to));
    }
  }
  static void Merge(const void* others, size_t n, void* to) {
    Accumulator* const a = static_cast<Accumulator*>(to);
    const Accumulator* const b = static_cast<const Accumulator*>(others);
    ForEachPlainly(0, n, [=](size_t j) { a[j] = Op::Merge(a[j], b[j]); });
  }
  static void Finish(const void* from, size_t n, int64_t count, void* y) {
    const Accumulator* const a = static_cast<const Accumulator*>(from);
    T* const to = static_cast<T*>(y);
    if constexpr (requires { Op::FinishAll(a, n, to); }) {
      Op::FinishAll(a, n, to);
    } else {
      ForEachPlainly(0, n, [=](size_t j) { to[j] = Op::Finish(a[j], count); });
    }
  }
};

// By measurement on a Zen 5.
template <typename Accumulator>
constexpr int64_t kLongestTurned = !std::is_arithmetic_v<Accumulator> ? 32
                                   : sizeof(Accumulator) == 1         ? 7
                                   : sizeof(Accumulator) == 4         ? 12
                                                                      : 8;

template <typename Functions>
constexpr auto RunsOf() -> decltype(ReduceFunctions::runs) {
  if constexpr (Functions::kHasRuns) return &Functions::Runs;
  return nullptr;
}

template <typename Op>
constexpr ReduceFunctions FunctionsOf() {
  using F = Functions<Op>;
  using L = Functions<typename Op::Loops>;
  return {.accumulator_bytes = sizeof(typename Op::Accumulator),
          .init = &F::Init,
          .rows = &L::Rows,
          .run = &L::Run,
          .runs = RunsOf<L>(),
          .longest_turned = kLongestTurned<typename Op::Accumulator>,
          .merge = &L::Merge,
          .finish = &F::Finish};
}

// Elements that are widened to double at once.
constexpr size_t kReduceTile = 1024;

// What integers compute in double.
template <typename T>
struct WidenedLoops {
  // Of 8 bytes by halves in the lowest bits of 2^84 and 2^52, as only AVX-512 has instructions: the
  // last sum rounds like a conversion.
  static double Wide(T x) {
    if constexpr (sizeof(T) < 8) return static_cast<double>(x);
    constexpr uint64_t kSign = std::is_signed_v<T> ? uint64_t{1} << 63 : 0;
    const uint64_t bits = static_cast<uint64_t>(x) ^ kSign;
    const uint64_t high = bits >> 32 | 0x4530000000000000;
    const uint64_t low = (bits & 0xffffffff) | 0x4330000000000000;
    double parts[2];
    std::memcpy(&parts[0], &high, sizeof(high));
    std::memcpy(&parts[1], &low, sizeof(low));
    return (parts[0] - (0x1p84 + 0x1p52 + static_cast<double>(kSign))) + parts[1];
  }
  static void Widen(const T* x, size_t count, double* wide) {
    ForElements(count, [=](size_t i) { wide[i] = Wide(x[i]); });
  }
  static void Rows(const ReduceFunctions& of, const T* x, size_t rows, size_t stride, size_t n,
                   char* accumulators) {
    double wide[kReduceTile];
    for (size_t r = 0; r < rows; ++r) {
      for (size_t begin = 0; begin < n; begin += kReduceTile) {
        const size_t count = std::min(kReduceTile, n - begin);
        Widen(x + r * stride + begin, count, wide);
        of.rows(wide, 1, 0, count, accumulators + begin * of.accumulator_bytes);
      }
    }
  }
  static void Run(const ReduceFunctions& of, const T* x, size_t n, void* accumulator) {
    double wide[kReduceTile];
    for (size_t begin = 0; begin < n; begin += kReduceTile) {
      const size_t count = std::min(kReduceTile, n - begin);
      Widen(x + begin, count, wide);
      of.run(wide, count, accumulator);
    }
  }
  static void Runs(const ReduceFunctions& of, const T* x, size_t rows, size_t n,
                   char* accumulators) {
    static_assert(kReduceTile >= kLongestOfRuns);
    double wide[kReduceTile];
    const size_t some = std::max<size_t>(kReduceTile / std::max<size_t>(n, 1), 1);
    for (size_t r = 0; r < rows; r += some) {
      const size_t count = std::min(some, rows - r);
      Widen(x + r * n, count * n, wide);
      for (size_t i = 0; i < count; ++i, accumulators += of.accumulator_bytes) {
        of.run(wide + i * n, n, accumulators);
      }
    }
  }
  static void Finish(const ReduceFunctions& of, const char* accumulators, size_t n, int64_t total,
                     T* y) {
    double wide[kReduceTile];
    for (size_t begin = 0; begin < n; begin += kReduceTile) {
      const size_t count = std::min(kReduceTile, n - begin);
      of.finish(accumulators + begin * of.accumulator_bytes, count, total, wide);
      for (size_t i = 0; i < count; ++i) y[begin + i] = FromDouble<T>(wide[i]);
    }
  }
};

template <typename Op, typename T>
ReduceFunctions WidenedFunctionsOf() {
  if constexpr (std::is_same_v<T, double>) {
    return FunctionsOf<Op>();
  } else {
    static constexpr ReduceFunctions kOf = FunctionsOf<Op>();
    ReduceFunctions functions = kOf;
    functions.runs = [](const void* from, size_t rows, size_t n, void* to) {
      WidenedLoops<T>::Runs(kOf, static_cast<const T*>(from), rows, n, static_cast<char*>(to));
    };
    functions.rows = [](const void* from, size_t rows, size_t stride, size_t n, void* to) {
      WidenedLoops<T>::Rows(kOf, static_cast<const T*>(from), rows, stride, n,
                            static_cast<char*>(to));
    };
    functions.run = [](const void* from, size_t n, void* to) {
      WidenedLoops<T>::Run(kOf, static_cast<const T*>(from), n, to);
    };
    functions.finish = [](const void* from, size_t n, int64_t total, void* y) {
      WidenedLoops<T>::Finish(kOf, static_cast<const char*>(from), n, total, static_cast<T*>(y));
    };
    return functions;
  }
}

template <typename T>
ReduceFunctions NumberFunctions(ReduceKind kind) {
  using Bits = Wrapping<T>;  // sums and products of signed numbers have the bits of unsigned ones
  switch (kind) {
    case ReduceKind::kSum:
      return FunctionsOf<Sum<Bits>>();
    case ReduceKind::kMean:
      return WidenedFunctionsOf<Mean, T>();
    case ReduceKind::kMax:
      return FunctionsOf<Max<T>>();
    case ReduceKind::kMin:
      return FunctionsOf<Min<T>>();
    case ReduceKind::kProduct:
      return FunctionsOf<Product<Bits>>();
    case ReduceKind::kL1:
      return FunctionsOf<L1<T>>();
    case ReduceKind::kL2:
      return WidenedFunctionsOf<L2, T>();
    case ReduceKind::kSumSquare:
      return FunctionsOf<SumSquare<Bits>>();
    case ReduceKind::kLogSum:
      return WidenedFunctionsOf<LogSum, T>();
    default:
      if constexpr (std::is_signed_v<T> && std::is_integral_v<T>) {
        return FunctionsOf<IntegerLogSumExp<T>>();
      } else {
        return WidenedFunctionsOf<LogSumExp, T>();
      }
  }
}

// bool is stored as 0 and 1: its maximum is "any", its minimum "all".
struct Any : Max<uint8_t> {};
struct All : Min<uint8_t> {
  static uint8_t Neutral() { return 1; }
};

}  // namespace

ReduceFunctions FunctionsFor(ReduceKind kind, ElementType type) {
  const bool is_max = kind == ReduceKind::kMax;
  if (type == ElementType::kBool) return is_max ? FunctionsOf<Any>() : FunctionsOf<All>();
  if (type == ElementType::kInt8) {
    return is_max ? FunctionsOf<OfSignedBytes<Max>>() : FunctionsOf<OfSignedBytes<Min>>();
  }
  if (type == ElementType::kUint8) {
    return is_max ? FunctionsOf<Max<uint8_t>>() : FunctionsOf<Min<uint8_t>>();
  }
  ReduceFunctions functions;
  DispatchType(TypeList<double, int32_t, int64_t, uint32_t, uint64_t>{}, type,
               [&](auto tag) { functions = NumberFunctions<typename decltype(tag)::type>(kind); });
  return functions;
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif

#if HWY_ONCE
namespace mullion::cpu {

ReduceFunctions NumberReduceFunctions(ReduceKind kind, ElementType type) {
  return MULLION_TWO_COPIES_CALL(FunctionsFor)(kind, type);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
