// SPDX-License-Identifier: MIT
// Functions of doubles on every instruction set against the standard library in long double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "devices/cpu/kernels/elementwise/elements.h"
#include "devices/cpu/kernels/simd/isa.h"

namespace mullion {
namespace {

using operators::ElementwiseOp;
using operators::ElementwiseStep;
using Wide = long double;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr Wide kAlpha = 0.75L;
constexpr Wide kBeta = 1.25L;

Wide Sigmoid(Wide x) { return 1 / (1 + std::exp(-x)); }
Wide Softplus(Wide x) { return std::fmax(x, 0.0L) + std::log1p(std::exp(-std::fabs(x))); }
Wide GeluTanh(Wide x) {
  const Wide inner = 0.79788456080286535588L * (x + 0.044715L * x * x * x);
  return 0.5L * x * (1 + std::tanh(inner));
}

struct Function {
  const char* name;
  ElementwiseOp op;
  Wide (*exact)(Wide x);
  // What its terms may reach where they cancel: errors are held against that.
  Wide (*largest)(Wide x);
};

const Function kFunctions[] = {
    {"Exp", ElementwiseOp::kExp, [](Wide x) { return std::exp(x); }, [](Wide) { return 0.0L; }},
    {"Log", ElementwiseOp::kLog, [](Wide x) { return std::log(x); }, [](Wide) { return 0.0L; }},
    {"Tanh", ElementwiseOp::kTanh, [](Wide x) { return std::tanh(x); }, [](Wide) { return 0.0L; }},
    {"Sigmoid", ElementwiseOp::kSigmoid, Sigmoid, [](Wide) { return 0.0L; }},
    {"Softplus", ElementwiseOp::kSoftplus, Softplus, [](Wide) { return 0.0L; }},
    {"Swish", ElementwiseOp::kSwish, [](Wide x) { return x * Sigmoid(kAlpha * x); },
     [](Wide x) { return std::fabs(x) * std::fabs(x) * Sigmoid(kAlpha * x); }},
    {"Mish", ElementwiseOp::kMish, [](Wide x) { return x * std::tanh(Softplus(x)); },
     [](Wide) { return 0.0L; }},
    {"GeluTanh", ElementwiseOp::kGeluTanh, GeluTanh, [](Wide x) { return std::fabs(x); }},
    {"Elu", ElementwiseOp::kElu, [](Wide x) { return x < 0 ? kAlpha * std::expm1(x) : x; },
     [](Wide) { return 0.0L; }},
    {"Selu", ElementwiseOp::kSelu,
     [](Wide x) { return kBeta * (x < 0 ? kAlpha * std::expm1(x) : x); },
     [](Wide) { return 0.0L; }},
    {"Celu", ElementwiseOp::kCelu,
     [](Wide x) { return x < 0 ? kAlpha * std::expm1(x / kAlpha) : x; }, [](Wide) { return 0.0L; }},
    {"Erf", ElementwiseOp::kErf, [](Wide x) { return std::erf(x); }, [](Wide) { return 0.0L; }},
    {"Gelu", ElementwiseOp::kGelu,
     [](Wide x) { return 0.5L * x * (1 + std::erf(x * 0.70710678118654752440084L)); },
     [](Wide x) { return std::fabs(x); }},
    {"Sin", ElementwiseOp::kSin, [](Wide x) { return std::sin(x); }, [](Wide) { return 0.0L; }},
    {"Cos", ElementwiseOp::kCos, [](Wide x) { return std::cos(x); }, [](Wide) { return 0.0L; }},
    {"Tan", ElementwiseOp::kTan, [](Wide x) { return std::tan(x); }, [](Wide) { return 0.0L; }},
    {"Asin", ElementwiseOp::kAsin, [](Wide x) { return std::asin(x); }, [](Wide) { return 0.0L; }},
    {"Acos", ElementwiseOp::kAcos, [](Wide x) { return std::acos(x); }, [](Wide) { return 0.0L; }},
    {"Atan", ElementwiseOp::kAtan, [](Wide x) { return std::atan(x); }, [](Wide) { return 0.0L; }},
    {"Sinh", ElementwiseOp::kSinh, [](Wide x) { return std::sinh(x); }, [](Wide) { return 0.0L; }},
    {"Cosh", ElementwiseOp::kCosh, [](Wide x) { return std::cosh(x); }, [](Wide) { return 0.0L; }},
    {"Asinh", ElementwiseOp::kAsinh, [](Wide x) { return std::asinh(x); },
     [](Wide) { return 0.0L; }},
    {"Acosh", ElementwiseOp::kAcosh, [](Wide x) { return std::acosh(x); },
     [](Wide) { return 0.0L; }},
    {"Atanh", ElementwiseOp::kAtanh, [](Wide x) { return std::atanh(x); },
     [](Wide) { return 0.0L; }},
    {"Abs", ElementwiseOp::kAbs, [](Wide x) { return std::fabs(x); }, [](Wide) { return 0.0L; }},
    {"Neg", ElementwiseOp::kNeg, [](Wide x) { return -x; }, [](Wide) { return 0.0L; }},
    {"Sign", ElementwiseOp::kSign, [](Wide x) { return x > 0   ? 1
                                                       : x < 0 ? -1
                                                               : x; },
     [](Wide) { return 0.0L; }},
    {"Ceil", ElementwiseOp::kCeil, [](Wide x) { return std::ceil(x); }, [](Wide) { return 0.0L; }},
    {"Floor", ElementwiseOp::kFloor, [](Wide x) { return std::floor(x); },
     [](Wide) { return 0.0L; }},
    {"Round", ElementwiseOp::kRound, [](Wide x) { return std::nearbyint(x); },
     [](Wide) { return 0.0L; }},
    {"Sqrt", ElementwiseOp::kSqrt, [](Wide x) { return std::sqrt(x); }, [](Wide) { return 0.0L; }},
    {"Reciprocal", ElementwiseOp::kReciprocal, [](Wide x) { return 1 / x; },
     [](Wide) { return 0.0L; }},
    {"Relu", ElementwiseOp::kRelu, [](Wide x) { return x < 0 ? 0 : x; }, [](Wide) { return 0.0L; }},
    {"LeakyRelu", ElementwiseOp::kLeakyRelu, [](Wide x) { return x < 0 ? kAlpha * x : x; },
     [](Wide) { return 0.0L; }},
    {"HardSigmoid", ElementwiseOp::kHardSigmoid,
     [](Wide x) { return x != x ? x : std::clamp<Wide>(kAlpha * x + kBeta, 0, 1); },
     [](Wide x) { return std::fabs(x); }},
    {"HardSwish", ElementwiseOp::kHardSwish,
     [](Wide x) { return x != x ? x : x * std::clamp<Wide>(x / 6 + 0.5L, 0, 1); },
     [](Wide x) { return std::fabs(x); }},
    {"Softsign", ElementwiseOp::kSoftsign, [](Wide x) { return x / (1 + std::fabs(x)); },
     [](Wide) { return 0.0L; }},
    {"ThresholdedRelu", ElementwiseOp::kThresholdedRelu, [](Wide x) { return x > kAlpha ? x : 0; },
     [](Wide) { return 0.0L; }},
    {"Shrink", ElementwiseOp::kShrink,
     [](Wide x) { return x < -kBeta  ? x + kAlpha
                         : x > kBeta ? x - kAlpha
                                     : 0; },
     [](Wide) { return 0.0L; }},
    {"Clip", ElementwiseOp::kClip, [](Wide x) { return x != x ? x : std::clamp(x, kAlpha, kBeta); },
     [](Wide) { return 0.0L; }},
};

class DoubleFunctions : public testing::TestWithParam<cpu::Isa> {
 protected:
  void SetUp() override { cpu::SetIsaForTest(GetParam()); }
  void TearDown() override { cpu::SetIsaForTest(cpu::AvailableIsas().back()); }

  static std::vector<double> Values() {
    std::vector<double> x;
    std::mt19937_64 random(5);
    for (const double range : {1e-300, 1e-9, 0.3, 1.5, 20.0, 700.0, 1e300}) {
      std::uniform_real_distribution<double> value(-range, range);
      for (int i = 0; i < 401; ++i) x.push_back(value(random));
    }
    for (int exponent = -1074; exponent < 1024; exponent += 7)
      x.push_back(std::ldexp(1.3, exponent));
    for (const double v : {1.0, -1.0, 0.5, 709.78, -708.39, -745.13, std::nextafter(1.0, 0.0)}) {
      x.push_back(v);
    }
    return x;
  }
};

TEST_P(DoubleFunctions, AreWithinFourUnits) {
  const std::vector<double> x = Values();
  for (const Function& function : kFunctions) {
    std::vector<double> y(x.size());
    const ElementwiseStep step{function.op, static_cast<float>(kAlpha), static_cast<float>(kBeta)};
    cpu::UnaryElements(step, ElementType::kDouble, x.data(), y.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      const Wide exact = function.exact(x[i]);
      if (std::isnan(exact)) {
        EXPECT_TRUE(std::isnan(y[i])) << function.name << " of " << x[i];
        continue;
      }
      const auto rounded = static_cast<double>(exact);
      if (std::isinf(rounded) || std::isinf(y[i])) {
        EXPECT_EQ(rounded, y[i]) << function.name << " of " << x[i];
        continue;
      }
      const Wide unit = std::numeric_limits<double>::epsilon();
      const Wide scale = std::max(std::fabs(exact), function.largest(x[i]));
      // A power below the normal numbers is off by half of the smallest, and then x times that.
      const Wide lost = 0x1p-1074L * std::max(1.0L, std::min<Wide>(std::fabs(x[i]), 800));
      EXPECT_LE(std::fabs(y[i] - exact), 4 * unit * scale + lost)
          << function.name << " of " << x[i] << " is " << y[i] << ", exact " << rounded;
      if (HasFailure()) return;
    }
  }
}

// Near multiples of pi/2 the result is what is left of the angle after 60 bits cancelled.
TEST_P(DoubleFunctions, AnglesNearQuarterTurns) {
  std::vector<double> x;
  for (int n = 1; n < 1100000; n = n < 3000 ? n + 1 : n + 997) {
    const Wide quarter = 1.57079632679489661923132L * n;
    x.push_back(static_cast<double>(quarter));
    x.push_back(-std::nextafter(static_cast<double>(quarter), 0.0));
  }
  x.push_back(6381956970095103.0 * 0x1p797);  // the closest of all doubles
  for (const ElementwiseOp op : {ElementwiseOp::kSin, ElementwiseOp::kCos}) {
    std::vector<double> y(x.size());
    cpu::UnaryElements({op}, ElementType::kDouble, x.data(), y.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      // The standard library is within one unit.
      const double exact = op == ElementwiseOp::kSin ? std::sin(x[i]) : std::cos(x[i]);
      ASSERT_NEAR(y[i], exact, 4 * std::numeric_limits<double>::epsilon() * std::fabs(exact))
          << "of " << x[i];
    }
  }
}

TEST_P(DoubleFunctions, TakeSpecialNumbersAndShortRows) {
  const std::vector<double> x = {kNaN, kInfinity, -kInfinity, 0.0, -0.0, 5e-324, 1.0};
  for (const Function& function : kFunctions) {
    const ElementwiseStep step{function.op, static_cast<float>(kAlpha), static_cast<float>(kBeta)};
    for (size_t count = 0; count <= x.size(); ++count) {
      std::vector<double> y(x.begin(), x.end());
      cpu::UnaryElements(step, ElementType::kDouble, y.data(), y.data(), count);
      for (size_t i = 0; i < x.size(); ++i) {
        const auto exact = i < count ? static_cast<double>(function.exact(x[i])) : x[i];
        SCOPED_TRACE(testing::Message() << function.name << " of " << x[i] << ", " << count);
        if (std::isnan(exact)) {
          EXPECT_TRUE(std::isnan(y[i]));
        } else {
          EXPECT_DOUBLE_EQ(exact, y[i]);
        }
      }
    }
  }
}

// Whether `power` is base^exponent within `units` units in the last place, or half of the smallest
// number.
bool IsPower(double power, double base, double exponent, Wide units) {
  const Wide exact = std::pow(static_cast<Wide>(base), static_cast<Wide>(exponent));
  const auto rounded = static_cast<double>(exact);
  if (std::isnan(rounded)) return std::isnan(power);
  if (std::isinf(rounded) || std::isinf(power) || rounded == 0) {
    return power == rounded && std::signbit(power) == std::signbit(rounded);
  }
  const Wide unit = std::ldexp(1.0L, std::max(std::ilogb(rounded) - 52, -1074));
  return std::fabs(power - exact) <= units * unit;
}

void RaiseDoubles(const std::vector<double>& base, const std::vector<double>& exponent,
                  std::vector<double>& power) {
  power.resize(base.size());
  cpu::BinaryElements({ElementwiseOp::kPow}, ElementType::kDouble, {base.data(), 1},
                      {exponent.data(), 1}, power.data(), base.size());
}

TEST_P(DoubleFunctions, PowersAreWithinOneUnit) {
  std::vector<double> base;
  std::vector<double> exponent;
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> share(-1, 1);
  const auto add = [&](double x, double y) {
    base.push_back(x);
    exponent.push_back(y);
  };
  for (int i = 0; i < 60000; ++i) {
    // Any positive base, also below the normal numbers, and any result, near 1 and at the ends.
    const double any =
        std::ldexp(1 + std::fabs(share(random)), static_cast<int>(random() % 2098) - 1074);
    add(any, share(random) * 760 / std::log(any));
    const double near = 1 + share(random) * std::ldexp(1.0, -static_cast<int>(random() % 52));
    add(near, share(random) * 760 / std::log(near));
    add(1 + share(random) / 2, share(random) * 20);
    add(share(random) * 10, static_cast<double>(static_cast<int>(random() % 41) - 20));
  }
  std::vector<double> power;
  RaiseDoubles(base, exponent, power);
  for (size_t i = 0; i < base.size(); ++i) {
    ASSERT_TRUE(IsPower(power[i], base[i], exponent[i], 0.9L))
        << base[i] << "^" << exponent[i] << " is " << power[i];
  }
}

TEST_P(DoubleFunctions, PowersOfSpecialNumbers) {
  const double odd = 0x1p53 - 1;  // the largest of them
  const std::vector<double> some = {0.0,
                                    0.5,
                                    1.0,
                                    2.0,
                                    3.0,
                                    1.5,
                                    2.5,
                                    odd,
                                    1e10,
                                    1e300,
                                    5e-324,
                                    0x1p-1022,
                                    kInfinity,
                                    std::nextafter(1.0, 0.0),
                                    std::nextafter(1.0, 2.0),
                                    1023,
                                    1024,
                                    1074,
                                    std::numeric_limits<double>::max()};
  std::vector<double> values = {kNaN};
  for (const double v : some) values.insert(values.end(), {v, -v});
  std::vector<double> base;
  std::vector<double> exponent;
  for (const double x : values) {
    for (const double y : values) {
      base.push_back(x);
      exponent.push_back(y);
    }
  }
  std::vector<double> power;
  RaiseDoubles(base, exponent, power);
  std::vector<float> floats(base.size());
  const std::vector<float> float_base(base.begin(), base.end());
  const std::vector<float> float_exponent(exponent.begin(), exponent.end());
  cpu::BinaryElements({ElementwiseOp::kPow}, ElementType::kFloat, {float_base.data(), 1},
                      {float_exponent.data(), 1}, floats.data(), floats.size());
  for (size_t i = 0; i < base.size(); ++i) {
    SCOPED_TRACE(testing::Message() << base[i] << "^" << exponent[i]);
    EXPECT_TRUE(IsPower(power[i], base[i], exponent[i], 0.9L)) << power[i];
    const float expected = std::pow(float_base[i], float_exponent[i]);
    EXPECT_EQ(std::isnan(floats[i]), std::isnan(expected)) << floats[i];
    if (std::isnan(expected)) continue;
    EXPECT_EQ(std::signbit(floats[i]), std::signbit(expected));
    EXPECT_FLOAT_EQ(floats[i], expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, DoubleFunctions, testing::ValuesIn(cpu::AvailableIsas()),
                         [](const auto& test) { return std::string(cpu::IsaName(test.param)); });

}  // namespace
}  // namespace mullion
