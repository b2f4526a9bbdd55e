// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/element_traits.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/operator_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(const char* name, Tensor input, int64_t axis, bool last) {
  OperatorCase c;
  c.name = name;
  c.opset = 13;
  c.inputs = {std::move(input)};
  c.Set("axis", axis);
  c.Set("select_last_index", int64_t{last ? 1 : 0});
  return c;
}

// Few different values, so that many are equal.
Tensor Ties(const Shape& shape, std::mt19937& random) {
  std::vector<float> values(static_cast<size_t>(shape.ElementCount()));
  for (float& value : values) value = static_cast<float>(random() % 5) - 2;
  return FloatTensor(shape, std::move(values));
}

TEST(ArgReduce, AgreesWithDoubleAndBreaksTies) {
  std::mt19937 random(1);
  for (const char* const name : {"ArgMax", "ArgMin"}) {
    for (const bool last : {false, true}) {
      for (const int64_t n : {1, 2, 7, 16, 33, 1000}) {
        SCOPED_TRACE(testing::Message() << name << " of " << n << (last ? ", last" : ""));
        ExpectAgreement(Case(name, Ties({41, n}, random), 1, last), 0);
        ExpectAgreement(Case(name, Ties({2, n, 37}, random), 1, last), 0);
      }
    }
  }
}

TEST(ArgReduce, PassesOverNaN) {
  const float nan = std::nanf("");
  const OperatorCase c = Case("ArgMax", FloatTensor({2, 3}, {nan, 1, 2, nan, nan, nan}), 1, false);
  const Tensor y = c.Run()[0];
  EXPECT_EQ(y.span<int64_t>()[0], 2);
  EXPECT_EQ(y.span<int64_t>()[1], 0);
}

TEST(ArgReduce, TakesIntegers) {
  const std::vector<uint8_t> values = {3, 200, 7};
  const OperatorCase c = Case("ArgMax", Tensor::FromSpan<uint8_t>({3}, values), 0, false);
  EXPECT_EQ(c.Run()[0].span<int64_t>()[0], 1);
}

template <typename T>
int64_t ByLoop(const std::vector<T>& values, bool minimum, bool last) {
  int64_t best = -1;
  for (size_t i = 0; i < values.size(); ++i) {
    using Number = ComputeType<T>;
    const auto value = static_cast<Number>(values[i]);
    if (value != value) continue;
    const auto least = best < 0 ? value : static_cast<Number>(values[static_cast<size_t>(best)]);
    const bool better = minimum ? value < least : value > least;
    if (best < 0 || better || (last && value == least)) best = static_cast<int64_t>(i);
  }
  return std::max<int64_t>(best, 0);
}

// Along the last and along the first of two axes, with what is special to the type.
template <typename T>
void CheckAgainstLoop(int64_t lines, int64_t n, bool minimum, bool last) {
  SCOPED_TRACE(testing::Message() << ElementTypeName(kElementTypeOf<T>) << " " << lines << "x" << n
                                  << (minimum ? " min" : " max") << (last ? " last" : ""));
  std::mt19937_64 random(static_cast<unsigned>(lines * n));
  std::vector<std::vector<T>> all(static_cast<size_t>(lines));
  for (std::vector<T>& line : all) {
    const bool only_special = random() % 3 == 0;
    for (int64_t i = 0; i < n; ++i) {
      const float special[] = {std::nanf(""), std::numeric_limits<float>::infinity(),
                               -std::numeric_limits<float>::infinity(), -0.0f};
      if constexpr (std::is_integral_v<T>) {
        const T ends[] = {std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max()};
        line.push_back(only_special ? ends[minimum ? 1 : 0] : static_cast<T>(random()));
      } else if (only_special) {  // nothing that is better than the worst number
        line.push_back(static_cast<T>(special[random() % 2 * (minimum ? 1 : 2)]));
      } else {
        line.push_back(static_cast<T>(random() % 9 == 0 ? special[random() % 4]
                                                        : static_cast<float>(random() % 100) - 50));
      }
    }
  }
  for (const int64_t axis : {0, 1}) {
    std::vector<T> values;
    for (int64_t i = 0; i < lines * n; ++i) {
      const int64_t line = axis == 1 ? i / n : i % lines;
      values.push_back(
          all[static_cast<size_t>(line)][static_cast<size_t>(axis == 1 ? i % n : i / lines)]);
    }
    const Shape shape = axis == 1 ? Shape{lines, n} : Shape{n, lines};
    const OperatorCase c = Case(minimum ? "ArgMin" : "ArgMax",
                                Tensor::FromSpan<T>(shape, std::span<const T>(values)), axis, last);
    for (const Isa isa : AvailableIsas()) {
      SetIsaForTest(isa);
      const Tensor y = c.Run()[0];
      ASSERT_EQ(y.count(), lines);
      for (int64_t i = 0; i < lines; ++i) {
        const auto line = static_cast<size_t>(i);
        ASSERT_EQ(y.span<int64_t>()[line], ByLoop(all[line], minimum, last))
            << IsaName(isa) << " axis " << axis << " line " << i;
      }
    }
  }
  SetIsaForTest(AvailableIsas().back());
}

TEST(ArgReduce, TakesEveryTypeAtEveryLevel) {
  constexpr int64_t kSizes[][2] = {{1, 1}, {2, 3}, {3, 17}, {70, 33}, {5, 1024}, {4, 2100}};
  const auto check = [&](auto tag) {
    for (const auto& size : kSizes) {
      for (const bool minimum : {false, true}) {
        for (const bool last : {false, true}) {
          CheckAgainstLoop<typename decltype(tag)::type>(size[0], size[1], minimum, last);
        }
      }
    }
  };
  for (const ElementType type :
       {ElementType::kFloat, ElementType::kDouble, ElementType::kFloat16, ElementType::kBfloat16,
        ElementType::kInt8, ElementType::kInt16, ElementType::kInt32, ElementType::kInt64,
        ElementType::kUint8, ElementType::kUint16, ElementType::kUint32, ElementType::kUint64}) {
    EXPECT_TRUE(DispatchType(NumericTypes{}, type, check));
  }
}

TEST(ArgReduce, DropsTheAxis) {
  OperatorCase c = Case("ArgMin", FloatTensor({2, 2}, {1, 0, 0, 1}), 0, false);
  c.Set("keepdims", int64_t{0});
  EXPECT_EQ(c.Run()[0].shape().ToString(), "[2]");
}

TEST(ArgReduce, RefusesAnEmptyAxis) {
  const OperatorCase c = Case("ArgMax", FloatTensor({2, 0}, {}), 1, false);
  EXPECT_NE(c.RunError().find("no elements along"), std::string::npos);
}

}  // namespace
}  // namespace mullion::cpu
