// SPDX-License-Identifier: MIT
// Functions of doubles on every instruction set against the standard library in long double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "devices/cpu/kernels/elements.h"
#include "devices/cpu/kernels/isa.h"

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

INSTANTIATE_TEST_SUITE_P(Isas, DoubleFunctions, testing::ValuesIn(cpu::AvailableIsas()),
                         [](const auto& test) { return std::string(cpu::IsaName(test.param)); });

}  // namespace
}  // namespace mullion
