// SPDX-License-Identifier: MIT
// Holds the vector functions to their stated errors, on every instruction set, over all exponents.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/devices/cpu/vector_math_test.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Applies `function` to `count` floats, a multiple of the vector length.
template <class Function>
void Apply(const float* x, float* y, size_t count, Function function) {
  const hn::ScalableTag<float> d;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::StoreU(function(d, hn::LoadU(d, x + i)), d, y + i);
  }
}

void ApplyExp(const float* x, float* y, size_t n) {
  Apply(x, y, n, [](auto d, auto v) { return Exp(d, v); });
}
void ApplyExpm1(const float* x, float* y, size_t n) {
  Apply(x, y, n, [](auto d, auto v) { return Expm1(d, v); });
}
void ApplyLog(const float* x, float* y, size_t n) {
  Apply(x, y, n, [](auto d, auto v) { return Log(d, v); });
}
void ApplyLog1p(const float* x, float* y, size_t n) {
  Apply(x, y, n, [](auto d, auto v) { return Log1p(d, v); });
}
void ApplySigmoid(const float* x, float* y, size_t n) {
  Apply(x, y, n, [](auto d, auto v) { return Sigmoid(d, v); });
}
void ApplySilu(const float* x, float* y, size_t n) {
  namespace hn = hwy::HWY_NAMESPACE;
  Apply(x, y, n, [](auto d, auto v) {
    const auto one = hn::Set(d, 1.0f);
    const auto z = Silu(d, v, one);
    // Very small results may be 0.
    return hn::IfThenElse(hn::Lt(v, hn::Set(d, -88.0f)), hn::Add(z, one), z);
  });
}
void ApplyTanh(const float* x, float* y, size_t n) {
  Apply(x, y, n, [](auto d, auto v) { return Tanh(d, v); });
}
void ApplyDecay(const float* x, float* y, size_t n) {
  namespace hn = hwy::HWY_NAMESPACE;
  Apply(x, y, n, [](auto d, auto v) { return Decay(d, hn::Neg(hn::Abs(v))); });
}
void ApplyErf(const float* x, float* y, size_t n) {
  Apply(x, y, n, [](auto d, auto v) { return Erf(d, v); });
}
void ApplyGeluTanh(const float* x, float* y, size_t n) {
  Apply(x, y, n, [](auto d, auto v) { return GeluTanh(d, v); });
}
void ApplyGelu(const float* x, float* y, size_t n) {
  Apply(x, y, n, [](auto d, auto v) { return Gelu(d, v); });
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/small_float.h"

namespace mullion::cpu {
namespace {

using VectorFunction = void (*)(const float*, float*, size_t);

struct Case {
  const char* name;
  VectorFunction (*function)();  // the variant for the level in use
  double (*reference)(double);
  double largest_error;  // units in the last place
};

const Case kCases[] = {
    {"Exp", [] { return MULLION_SIMD_CALL(ApplyExp); }, [](double x) { return std::exp(x); }, 1},
    {"Expm1", [] { return MULLION_SIMD_CALL(ApplyExpm1); }, [](double x) { return std::expm1(x); },
     2},
    {"Log", [] { return MULLION_SIMD_CALL(ApplyLog); }, [](double x) { return std::log(x); }, 1},
    {"Log1p", [] { return MULLION_SIMD_CALL(ApplyLog1p); }, [](double x) { return std::log1p(x); },
     2},
    {"Sigmoid", [] { return MULLION_SIMD_CALL(ApplySigmoid); },
     [](double x) { return 1 / (1 + std::exp(-x)); }, 3},
    {"Silu", [] { return MULLION_SIMD_CALL(ApplySilu); },
     [](double x) { return x < -88 ? 1 : x / (1 + std::exp(-x)); }, 4},
    {"Tanh", [] { return MULLION_SIMD_CALL(ApplyTanh); }, [](double x) { return std::tanh(x); }, 3},
    {"Erf", [] { return MULLION_SIMD_CALL(ApplyErf); }, [](double x) { return std::erf(x); }, 2},
    // Of -|x|.
    {"Decay", [] { return MULLION_SIMD_CALL(ApplyDecay); },
     [](double x) { return std::abs(x) > 87 ? 0 : std::exp(-std::abs(x)); }, 1},
};

// Every exponent with both signs: the edges of its range and random mantissas between.
std::vector<float> Samples() {
  constexpr uint32_t kMantissas = 1024;
  std::mt19937 random(1);
  std::vector<float> samples;
  for (uint32_t exponent = 0; exponent < 256; ++exponent) {
    for (uint32_t i = 0; i < kMantissas; ++i) {
      uint32_t mantissa = static_cast<uint32_t>(random()) & 0x7fffff;
      if (i < 2) mantissa = i;
      if (i == 2) mantissa = 0x7fffff;
      const uint32_t bits = (exponent << 23) | mantissa;
      samples.push_back(BitCast<float>(bits));
      samples.push_back(BitCast<float>(bits | 0x80000000u));
    }
  }
  // The ranges where the functions do something, densely.
  for (float limit : {0.5f, 2.0f, 10.0f, 110.0f}) {
    std::uniform_real_distribution<float> range(-limit, limit);
    for (int i = 0; i < 32768; ++i) samples.push_back(range(random));
  }
  return samples;
}

// The distance of `actual` from `expected` in units of the last place of a float of that size.
double UlpError(float actual, double expected) {
  const float rounded = static_cast<float>(expected);
  if (std::isnan(expected)) return std::isnan(actual) ? 0 : 1e9;
  if (std::isinf(rounded) || std::isinf(actual)) {
    // Just below the overflow, the next float up is infinite: one step apart.
    return rounded == actual ? 0 : std::nextafter(rounded, actual) == actual ? 1 : 1e9;
  }
  if (expected == 0) return actual == 0 && std::signbit(actual) == std::signbit(expected) ? 0 : 1e9;
  int exponent = 0;
  std::frexp(expected, &exponent);
  const double ulp = std::ldexp(1.0, std::max(exponent - 24, -149));
  return std::abs(static_cast<double>(actual) - expected) / ulp;
}

class VectorMath : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { SetIsaForTest(GetParam()); }
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }
};

TEST_P(VectorMath, StaysWithinStatedErrors) {
  const std::vector<float> x = Samples();
  ASSERT_EQ(x.size() % 64, 0u);
  std::vector<float> y(x.size());
  for (const Case& c : kCases) {
    c.function()(x.data(), y.data(), x.size());
    double worst = 0;
    size_t where = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double error = UlpError(y[i], c.reference(static_cast<double>(x[i])));
      if (error > worst) {
        worst = error;
        where = i;
      }
    }
    EXPECT_LE(worst, c.largest_error) << c.name << "(" << x[where] << ") = " << y[where];
    RecordProperty(c.name, std::to_string(worst));
  }
}

// As a sum of halves it is as exact as its argument, not as its result.
TEST_P(VectorMath, KeepsGeluAsExactAsItsArgument) {
  std::vector<float> x = Samples();
  std::vector<float> y(x.size());
  MULLION_SIMD_CALL(ApplyGelu)(x.data(), y.data(), x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const auto v = static_cast<double>(x[i]);
    if (!std::isfinite(x[i])) {
      EXPECT_TRUE(x[i] > 0 ? std::isinf(y[i]) : std::isnan(y[i])) << x[i];
      continue;
    }
    const double expected = v / 2 * std::erfc(-v / std::sqrt(2.0));
    ASSERT_NEAR(y[i], expected, 2e-7 * std::abs(v) + 1e-45) << x[i];
    EXPECT_TRUE(v > -6 || y[i] == 0.0f) << x[i];
  }
}

TEST_P(VectorMath, KeepsGeluByTanhAsExactAsItsArgument) {
  std::vector<float> x = Samples();
  std::vector<float> y(x.size());
  MULLION_SIMD_CALL(ApplyGeluTanh)(x.data(), y.data(), x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const auto v = static_cast<double>(x[i]);
    if (!std::isfinite(x[i])) {
      EXPECT_TRUE(x[i] > 0 ? std::isinf(y[i]) : std::isnan(y[i])) << x[i];
      continue;
    }
    const double inner = std::sqrt(2 / std::acos(-1.0)) * (v + 0.044715 * v * v * v);
    const double expected = v / (1 + std::exp(-2 * inner));
    ASSERT_NEAR(y[i], expected, 2e-7 * std::abs(v) + 1e-45) << x[i];
    EXPECT_TRUE(v > -20 || y[i] == 0.0f) << x[i];
  }
}

TEST_P(VectorMath, GivesTheLimits) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> x(64, 0.0f);
  x[0] = infinity;
  x[1] = -infinity;
  x[2] = nan;
  x[3] = 0.0f;
  x[4] = -0.0f;
  struct {
    const char* name;
    float at_infinity, at_minus_infinity, at_zero, at_minus_zero;
  } const expected[] = {
      {"Exp", infinity, 0, 1, 1},
      {"Expm1", infinity, -1, 0.0f, -0.0f},
      {"Log", infinity, nan, -infinity, -infinity},
      {"Log1p", infinity, nan, 0.0f, -0.0f},
      {"Sigmoid", 1, 0, 0.5f, 0.5f},
      {"Silu", infinity, nan, 0.0f, -0.0f},
      {"Tanh", 1, -1, 0.0f, -0.0f},
      {"Erf", 1, -1, 0.0f, -0.0f},
      {"Decay", 0, 0, 1, 1},
  };
  std::vector<float> y(x.size());
  for (size_t i = 0; i < std::size(kCases); ++i) {
    kCases[i].function()(x.data(), y.data(), x.size());
    const float limits[] = {expected[i].at_infinity, expected[i].at_minus_infinity, nan,
                            expected[i].at_zero, expected[i].at_minus_zero};
    for (size_t j = 0; j < std::size(limits); ++j) {
      SCOPED_TRACE(testing::Message() << kCases[i].name << "(" << x[j] << ")");
      if (std::isnan(limits[j])) {
        EXPECT_TRUE(std::isnan(y[j])) << y[j];
      } else {
        EXPECT_EQ(y[j], limits[j]);
        EXPECT_EQ(std::signbit(y[j]), std::signbit(limits[j]));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllLevels, VectorMath, testing::ValuesIn(AvailableIsas()),
                         [](const auto& test) { return std::string(IsaName(test.param)); });

}  // namespace
}  // namespace mullion::cpu

#endif  // HWY_ONCE
