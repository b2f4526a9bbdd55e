// SPDX-License-Identifier: MIT
// Elementwise operations of integers of every type, and remainders of doubles, on every
// instruction set against whole numbers of 128 bits and the standard library.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/element_traits.h"
#include "devices/cpu/kernels/elementwise/elements.h"
#include "devices/cpu/kernels/simd/isa.h"

namespace mullion {
namespace {

using operators::ElementwiseOp;
using Whole = __int128;

class Numbers : public testing::TestWithParam<cpu::Isa> {
 protected:
  void SetUp() override { cpu::SetIsaForTest(GetParam()); }
  void TearDown() override { cpu::SetIsaForTest(cpu::AvailableIsas().back()); }
};

Whole Exact(ElementwiseOp op, Whole a, Whole b) {
  switch (op) {
    case ElementwiseOp::kAdd:
      return a + b;
    case ElementwiseOp::kSub:
      return a - b;
    case ElementwiseOp::kMul:
      return a * b;
    case ElementwiseOp::kDiv:
      return b == 0 ? 0 : a / b;
    case ElementwiseOp::kFmod:
      return b == 0 ? 0 : a % b;
    case ElementwiseOp::kMod:
      return b == 0 ? 0 : (a % b + b) % b;
    case ElementwiseOp::kMin:
      return a < b ? a : b;
    case ElementwiseOp::kMax:
      return a > b ? a : b;
    case ElementwiseOp::kPRelu:
      return a < 0 ? a * b : a;
    case ElementwiseOp::kAbs:
      return a < 0 ? -a : a;
    case ElementwiseOp::kNeg:
      return -a;
    case ElementwiseOp::kSign:
      return a > 0 ? 1 : a < 0 ? -1 : 0;
    default:  // kRelu
      return a < 0 ? 0 : a;
  }
}

// Small numbers and those at the ends of the type, or up to `most` in size.
template <typename T>
std::vector<T> SomeNumbers(size_t count, std::mt19937_64& random,
                           T most = std::numeric_limits<T>::max()) {
  using Limits = std::numeric_limits<T>;
  const T ends[] = {0, 1, static_cast<T>(-1), Limits::min(), most, 2, 3};
  std::vector<T> numbers(count);
  for (T& v : numbers) {
    const uint64_t bits = random();
    v = bits % 3 == 0 ? ends[bits / 3 % 7] : static_cast<T>(bits >> (bits % 60));
    if (most < Limits::max()) v = static_cast<T>(v % static_cast<T>(most + 1));
  }
  return numbers;
}

template <typename T>
void CheckBinary(ElementwiseOp op, T most = std::numeric_limits<T>::max()) {
  std::mt19937_64 random(7);
  for (const size_t count : {0, 1, 31, 32, 67, 1024, 2500}) {
    for (const int one : {0, 1, 2}) {  // operand of a single element
      const std::vector<T> a = SomeNumbers<T>(one == 1 ? 1 : count, random, most);
      const std::vector<T> b = SomeNumbers<T>(one == 2 ? 1 : count, random, most);
      std::vector<T> y(count);
      cpu::BinaryElements({op}, kElementTypeOf<T>, {a.data(), one != 1}, {b.data(), one != 2},
                          y.data(), count);
      for (size_t i = 0; i < count; ++i) {
        const T p = a[one == 1 ? 0 : i];
        const T q = b[one == 2 ? 0 : i];
        ASSERT_EQ(y[i], static_cast<T>(Exact(op, p, q)))
            << static_cast<int>(op) << " of " << +p << " and " << +q;
      }
    }
  }
}

TEST_P(Numbers, MeetInPairs) {
  for (const ElementwiseOp op : {ElementwiseOp::kAdd, ElementwiseOp::kSub, ElementwiseOp::kMul,
                                 ElementwiseOp::kDiv, ElementwiseOp::kMod, ElementwiseOp::kFmod,
                                 ElementwiseOp::kMin, ElementwiseOp::kMax, ElementwiseOp::kPRelu}) {
    CheckBinary<int8_t>(op);
    CheckBinary<int16_t>(op);
    CheckBinary<int32_t>(op);
    CheckBinary<int64_t>(op);
    CheckBinary<uint8_t>(op);
    CheckBinary<uint16_t>(op);
    CheckBinary<uint32_t>(op);
    CheckBinary<uint64_t>(op);
  }
}

// What doubles hold, what they do not, and quotients just below whole numbers.
TEST_P(Numbers, DivideAroundTheBitsOfDoubles) {
  for (const ElementwiseOp op : {ElementwiseOp::kDiv, ElementwiseOp::kMod, ElementwiseOp::kFmod}) {
    for (const int bits : {7, 51, 52, 53, 54}) {
      CheckBinary<int64_t>(op, (int64_t{1} << bits) - 1);
      CheckBinary<uint64_t>(op, (uint64_t{1} << bits) - 1);
    }
    CheckBinary<uint32_t>(op, 1000);
    std::vector<int64_t> a;
    std::vector<int64_t> b;
    for (int64_t by = 1; by < 100'000'000; by = by * 3 + 1) {
      const int64_t below = ((int64_t{1} << 52) - 1) / by * by - 1;
      a.insert(a.end(), {below, -below, below, -below, below + 1, -below - 1});
      b.insert(b.end(), {by, by, -by, -by, by, -by});
    }
    std::vector<int64_t> y(a.size());
    cpu::BinaryElements({op}, ElementType::kInt64, {a.data(), 1}, {b.data(), 1}, y.data(),
                        y.size());
    for (size_t i = 0; i < y.size(); ++i) {
      ASSERT_EQ(y[i], static_cast<int64_t>(Exact(op, a[i], b[i]))) << a[i] << " by " << b[i];
    }
  }
}

template <typename T>
void CheckUnary(ElementwiseOp op) {
  std::mt19937_64 random(9);
  for (const size_t count : {0, 1, 33, 2500}) {
    std::vector<T> y = SomeNumbers<T>(count, random);
    const std::vector<T> x = y;
    cpu::UnaryElements({op}, kElementTypeOf<T>, y.data(), y.data(), count);
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(y[i], static_cast<T>(Exact(op, x[i], 0))) << static_cast<int>(op) << +x[i];
    }
  }
}

TEST_P(Numbers, ChangeAlone) {
  for (const ElementwiseOp op :
       {ElementwiseOp::kAbs, ElementwiseOp::kNeg, ElementwiseOp::kSign, ElementwiseOp::kRelu}) {
    CheckUnary<int8_t>(op);
    CheckUnary<int16_t>(op);
    CheckUnary<int32_t>(op);
    CheckUnary<int64_t>(op);
    if (op == ElementwiseOp::kNeg) continue;
    CheckUnary<uint8_t>(op);
    CheckUnary<uint64_t>(op);
  }
}

TEST_P(Numbers, RemaindersOfDoublesAreExact) {
  std::mt19937_64 random(3);
  std::vector<double> a;
  std::vector<double> b;
  for (int i = 0; i < 20000; ++i) {
    const auto number = [&] {
      const double v =
          std::ldexp(static_cast<double>(random() >> 11), static_cast<int>(random() % 90) - 90);
      return random() % 2 == 0 ? v : -std::nearbyint(v * 8) / 8;
    };
    a.push_back(number());
    b.push_back(number());
  }
  const double specials[] = {0.0, -0.0, HUGE_VAL, -HUGE_VAL, NAN, 5e-324, 1e308, 3.0, -1e-310};
  for (const double p : specials) {
    for (const double q : specials) {
      a.push_back(p);
      b.push_back(q);
    }
  }
  std::vector<double> y(a.size());
  cpu::BinaryElements({ElementwiseOp::kFmod}, ElementType::kDouble, {a.data(), 1}, {b.data(), 1},
                      y.data(), y.size());
  for (size_t i = 0; i < y.size(); ++i) {
    const double exact = std::fmod(a[i], b[i]);
    if (std::isnan(exact)) {
      ASSERT_TRUE(std::isnan(y[i])) << a[i] << " by " << b[i];
    } else {
      ASSERT_EQ(y[i], exact) << a[i] << " by " << b[i];
      ASSERT_EQ(std::signbit(y[i]), std::signbit(exact)) << a[i] << " by " << b[i];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, Numbers, testing::ValuesIn(cpu::AvailableIsas()),
                         [](const auto& test) { return std::string(cpu::IsaName(test.param)); });

}  // namespace
}  // namespace mullion
