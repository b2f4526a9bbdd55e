// SPDX-License-Identifier: MIT
#include <cmath>

#include "devices/cpu/kernels/elementwise/double_function.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/double_power.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/elementwise/double_math-inl.h"
#include "devices/cpu/kernels/simd/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

#if HWY_HAVE_FLOAT64 && HWY_TARGET != HWY_SCALAR

namespace {

using namespace double_math;

// x^exponent where `power` is that of |x|: what the signs, whole exponents, 1 and NaN make of it.
HWY_INLINE V PowerOfSign(V x, V exponent, V power) {
  const D d;
  const V infinity = Number(HUGE_VAL);
  const auto usual =
      hn::And(hn::And(hn::Gt(x, Zero()), hn::Lt(x, infinity)), hn::Lt(hn::Abs(exponent), infinity));
  if (HWY_LIKELY(hn::AllTrue(d, usual))) return power;
  const V half = hn::Mul(exponent, Number(0.5));
  const auto whole = hn::Eq(hn::Round(exponent), exponent);
  const auto odd = hn::AndNot(hn::Eq(hn::Round(half), half), whole);
  const V sign = hn::And(x, hn::SignBit(d));
  V y = hn::Xor(hn::IfThenElse(hn::Eq(hn::Abs(x), Number(1)), Number(1), power),
                hn::IfThenElseZero(odd, sign));
  const auto below = hn::And(hn::Lt(x, Zero()), hn::Gt(x, Number(-HUGE_VAL)));
  const auto number = hn::And(hn::Eq(x, x), hn::Eq(exponent, exponent));
  y = hn::IfThenElse(hn::AndNot(hn::AndNot(whole, below), number), y, Number(NAN));
  return hn::IfThenElse(hn::Or(hn::Eq(exponent, Zero()), hn::Eq(x, Number(1))), Number(1), y);
}

// Logarithms that are 0, infinite or none.
HWY_INLINE V LimitOfLog(V a, V log) {
  log = hn::IfThenElse(hn::Eq(a, Number(HUGE_VAL)), a, log);
  return hn::IfThenElse(hn::Eq(a, Zero()), Number(-HUGE_VAL), log);
}

// Calls power(x, exponent) for each vector of x and exponent, both of T.
template <typename T, class Function>
HWY_INLINE void EachPower(Operand<T> x, Operand<T> exponent, T* y, size_t count, Function power) {
  const D d;
  const hn::Rebind<T, D> dt;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < count; i += lanes) {
    const size_t n = HWY_MIN(lanes, count - i);
    const auto read = [&](Operand<T> operand) HWY_ATTR {
      if (operand.step == 0) return hn::Set(dt, *operand.data);
      return LoadFirstOr(dt, operand.data + i, n, hn::Set(dt, T{1}));
    };
    StoreFirst(power(read(x), read(exponent)), dt, y + i, n);
  }
}

}  // namespace

// In doubles, of which 2^-46 of the result is lost at most. The logarithm of 1 is 0, and that of
// another float at least 2^-25, so that no product of it is NaN that is wanted.
bool RunFloatPower(Operand<float> x, Operand<float> exponent, float* y, size_t count) {
  using F = hn::Vec<hn::Rebind<float, D>>;
  EachPower(x, exponent, y, count, [](F base, F by) HWY_ATTR {
    const V b = hn::PromoteTo(D(), base);
    const V e = hn::PromoteTo(D(), by);
    const V a = hn::Abs(b);
    const V power = Exp(hn::Mul(e, LimitOfLog(a, LogOfNormal(a))));
    return hn::DemoteTo(hn::Rebind<float, D>(), PowerOfSign(b, e, power));
  });
  return true;
}

#else

bool RunFloatPower(Operand<float> /*x*/, Operand<float> /*exponent*/, float* /*y*/,
                   size_t /*count*/) {
  return false;
}

#endif

#if HWY_HAVE_FLOAT64 && HWY_TARGET != HWY_SCALAR && HWY_NATIVE_FMA

namespace {

// A sum of two numbers, the second what the first lacks.
struct Pair {
  V high;
  V low;
};

// a + b, exactly where |a| is not below |b| or is 0.
HWY_INLINE Pair SumOf(V a, V b) {
  const V high = hn::Add(a, b);
  return {high, hn::Sub(b, hn::Sub(high, a))};
}

// a b, without the product of both low parts.
HWY_INLINE Pair ProductOf(Pair a, Pair b) {
  const V high = hn::Mul(a.high, b.high);
  const V low = hn::MulSub(a.high, b.high, high);
  return {high, hn::MulAdd(a.high, b.low, hn::MulAdd(a.low, b.high, low))};
}

// log(x) of positive numbers to 2^-64 of it, as LogOfNormal does it: 2 s + s^3 (2/3 + s^2 (...)),
// in pairs but for what is in brackets behind 2/3, at most 2^-12 of the whole.
HWY_INLINE Pair PairOfLog(V x) {
  constexpr double kSeries[] = {2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11, 2.0 / 13,
                                2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23};
  const V one = Number(1);
  const auto tiny = hn::Lt(x, Number(0x1p-1022));
  const Binary parts = PartsOfNormal(hn::IfThenElse(tiny, hn::Mul(x, Number(0x1p54)), x));
  const V e = hn::IfThenElse(tiny, hn::Sub(parts.exponent, Number(54)), parts.exponent);
  const V less = hn::Sub(parts.m, one);
  const Pair more = SumOf(one, parts.m);
  const V reciprocal = hn::Div(one, more.high);
  const V quotient = hn::Mul(less, reciprocal);
  V rest = hn::NegMulAdd(quotient, more.high, less);
  rest = hn::NegMulAdd(quotient, more.low, rest);
  const Pair s = {quotient, hn::Mul(rest, reciprocal)};
  const Pair square = ProductOf(s, s);
  Pair series = SumOf(Number(2.0 / 3), hn::Mul(square.high, Polynomial(square.high, kSeries)));
  series.low = hn::Add(series.low, Number(0x1.5555555555555p-55));  // of 2/3
  const Pair cube = ProductOf(s, ProductOf(square, series));
  const Pair first = SumOf(hn::Mul(e, Number(kLogTwoHigh)), hn::Add(s.high, s.high));
  const Pair sum = SumOf(first.high, cube.high);
  V low = hn::MulAdd(e, Number(kLogTwoLow), hn::Add(cube.low, hn::Add(s.low, s.low)));
  low = hn::Add(low, hn::Add(first.low, sum.low));
  return SumOf(sum.high, low);
}

// e^(x.high + x.low)
HWY_INLINE V ExpOfPair(Pair x) {
  const V one = Number(1);
  const V n = hn::Round(hn::Mul(x.high, Number(1.4426950408889634)));
  const V part = hn::NegMulAdd(n, Number(kLogTwoHigh), x.high);  // exact
  const V r = hn::NegMulAdd(n, Number(kLogTwoLow), part);
  const V lost = hn::Add(x.low, hn::NegMulAdd(n, Number(kLogTwoLow), hn::Sub(part, r)));
  const Pair first = SumOf(one, r);
  const V others = hn::MulAdd(hn::Mul(r, r), Polynomial(r, kExpSeries), first.low);
  const V power = hn::Add(first.high, others);
  const V y = hn::Add(first.high, hn::MulAdd(lost, power, others));
  const V half = hn::Floor(hn::Mul(n, Number(0.5)));
  return hn::Mul(hn::Mul(y, PowerOfTwo(half)), PowerOfTwo(hn::Sub(n, half)));
}

}  // namespace

// Within one unit in the last place.
bool RunDoublePower(Operand<double> x, Operand<double> exponent, double* y, size_t count) {
  EachPower(x, exponent, y, count, [](V b, V e) HWY_ATTR {
    const V a = hn::Abs(b);
    const Pair log = PairOfLog(a);
    const V high = hn::Mul(e, LimitOfLog(a, log.high));
    const V low = hn::MulAdd(e, log.low, hn::MulSub(e, log.high, high));
    const auto usual = hn::Lt(hn::Abs(high), Number(800));
    const V power = ExpOfPair(
        {hn::Min(hn::Max(high, Number(-800)), Number(800)), hn::IfThenElseZero(usual, low)});
    return PowerOfSign(b, e, power);
  });
  return true;
}

#else

bool RunDoublePower(Operand<double> /*x*/, Operand<double> /*exponent*/, double* /*y*/,
                    size_t /*count*/) {
  return false;
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

bool FloatPower(Operand<float> x, Operand<float> exponent, float* y, size_t count) {
  return MULLION_SIMD_CALL(RunFloatPower)(x, exponent, y, count);
}

bool DoublePower(Operand<double> x, Operand<double> exponent, double* y, size_t count) {
  return MULLION_SIMD_CALL(RunDoublePower)(x, exponent, y, count);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
