// SPDX-License-Identifier: MIT
// QLinearAdd and QLinearMul.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

#include "devices/cpu/kernels/simd/isa.h"
#include "tests/kernel_tester.h"

namespace mullion::cpu {
namespace {

struct Scaled {
  float scale;
  int zero;
};

// The operator in double, element by element.
double Exact(const std::string& name, const Scaled& a, int x, const Scaled& b, int y,
             const Scaled& c) {
  const double left = static_cast<double>(a.scale) * (x - a.zero);
  const double right = static_cast<double>(b.scale) * (y - b.zero);
  return (name == "QLinearAdd" ? left + right : left * right) / c.scale;
}

template <typename T>
int Expected(double exact, int zero) {
  const double q = std::nearbyint(exact + zero);
  return static_cast<int>(
      std::fmin(std::fmax(q, std::numeric_limits<T>::min()), std::numeric_limits<T>::max()));
}

template <typename T>
void AddInputs(const Shape& x_shape, const std::vector<T>& x, const Scaled& a, const Shape& y_shape,
               const std::vector<T>& y, const Scaled& b, const Scaled& c, KernelTester& tester) {
  tester.AddInput<T>(x_shape, x);
  tester.AddInput<float>({}, {a.scale});
  tester.AddInput<T>({}, {static_cast<T>(a.zero)});
  tester.AddInput<T>(y_shape, y);
  tester.AddInput<float>({}, {b.scale});
  tester.AddInput<T>({}, {static_cast<T>(b.zero)});
  tester.AddInput<float>({}, {c.scale});
  tester.AddInput<T>({}, {static_cast<T>(c.zero)});
}

template <typename T>
std::vector<T> Bytes(int64_t count, std::mt19937& random) {
  std::vector<T> values(static_cast<size_t>(count));
  for (T& value : values) value = static_cast<T>(random());
  return values;
}

// Scales that are powers of two make every step exact, and ties frequent.
template <typename T>
void CheckShapes(const std::string& name, const Shape& x_shape, const Shape& y_shape) {
  SCOPED_TRACE(name + x_shape.ToString() + y_shape.ToString());
  std::mt19937 random(5);
  const std::vector<T> x = Bytes<T>(x_shape.ElementCount(), random);
  const std::vector<T> y = Bytes<T>(y_shape.ElementCount(), random);
  const Scaled a{0.25f, 7};
  const Scaled b{0.5f, 3};
  const Scaled c{name == "QLinearAdd" ? 1.0f : 16.0f, 11};
  KernelTester tester(name, 1, "com.microsoft");
  AddInputs<T>(x_shape, x, a, y_shape, y, b, c, tester);
  const Status status = tester.Run();
  ASSERT_TRUE(status.ok()) << status.message();
  const Shape shape = *BroadcastShapes(x_shape, y_shape);
  ASSERT_EQ(tester.OutputShape(0), shape);
  const std::vector<T> z = tester.Output<T>(0);
  // Element i of the output as an index into an operand.
  const auto at = [&](const Shape& operand, int64_t i) {
    int64_t index = 0;
    int64_t stride = 1;
    for (int back = 0; back < operand.rank(); ++back) {
      if (operand.Back(back) != 1) index += i % shape.Back(back) * stride;
      stride *= operand.Back(back);
      i /= shape.Back(back);
    }
    return static_cast<size_t>(index);
  };
  for (int64_t i = 0; i < shape.ElementCount(); ++i) {
    const double exact = Exact(name, a, x[at(x_shape, i)], b, y[at(y_shape, i)], c);
    ASSERT_EQ(int{z[static_cast<size_t>(i)]}, Expected<T>(exact, c.zero)) << "element " << i;
  }
}

class QlinearBinary : public testing::Test {
 protected:
  ~QlinearBinary() override { SetIsaForTest(AvailableIsas().back()); }
};

TEST_F(QlinearBinary, BroadcastsAndRoundsToEvenOnEveryLevel) {
  const std::vector<std::pair<Shape, Shape>> shapes = {{{3, 257}, {3, 257}},
                                                       {{1000}, {1}},
                                                       {{}, {130}},
                                                       {{2, 5, 7, 9}, {5, 1, 1}},
                                                       {{3, 1}, {2, 3, 300}},
                                                       {{4, 1, 270}, {5, 1}},
                                                       {{64}, {64}},
                                                       {{1}, {1}},
                                                       {{}, {}},
                                                       {{0, 3}, {3}},
                                                       {{2, 3, 4, 24}, {24}},
                                                       {{70000}, {70000}}};
  for (const Isa isa : AvailableIsas()) {
    SCOPED_TRACE(IsaName(isa));
    SetIsaForTest(isa);
    for (const auto& [x, y] : shapes) {
      for (const char* const name : {"QLinearAdd", "QLinearMul"}) {
        CheckShapes<uint8_t>(name, x, y);
        CheckShapes<int8_t>(name, x, y);
      }
    }
  }
}

// Any scales: the result may differ from the exact one only next to a tie.
TEST_F(QlinearBinary, IsWithinFloatRoundingOfTheExactResult) {
  std::mt19937 random(6);
  for (const Isa isa : AvailableIsas()) {
    SCOPED_TRACE(IsaName(isa));
    SetIsaForTest(isa);
    for (const std::string name : {"QLinearAdd", "QLinearMul"}) {
      const std::vector<uint8_t> x = Bytes<uint8_t>(5000, random);
      const std::vector<uint8_t> y = Bytes<uint8_t>(5000, random);
      const Scaled a{0.0231f, 121};
      const Scaled b{0.0457f, 130};
      const Scaled c{name == "QLinearAdd" ? 0.0613f : 0.0789f, 119};
      KernelTester tester(name, 1, "com.microsoft");
      AddInputs<uint8_t>({5000}, x, a, {5000}, y, b, c, tester);
      ASSERT_TRUE(tester.Run().ok());
      const std::vector<uint8_t> z = tester.Output<uint8_t>(0);
      for (size_t i = 0; i < z.size(); ++i) {
        const double exact = Exact(name, a, x[i], b, y[i], c);
        const double whole = std::fmin(std::fmax(exact + c.zero, 0), 255);
        ASSERT_LT(std::abs(z[i] - whole), 0.5001) << name << " element " << i;
      }
    }
  }
}

TEST_F(QlinearBinary, ZeroPointsMayBeLeftOut) {
  KernelTester tester("QLinearMul", 1, "com.microsoft");
  tester.AddInput<int8_t>({3}, {-2, 3, 100});
  tester.AddInput<float>({}, {0.5f});
  tester.SkipInput();
  tester.AddInput<int8_t>({3}, {5, 5, 100});
  tester.AddInput<float>({}, {1.0f});
  tester.SkipInput();
  tester.AddInput<float>({}, {1.0f});
  const Status status = tester.Run();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(tester.Output<int8_t>(0), (std::vector<int8_t>{-5, 8, 127}));
}

TEST_F(QlinearBinary, SaysWhatIsWrong) {
  KernelTester mixed("QLinearAdd", 1, "com.microsoft");
  mixed.AddInput<int8_t>({1}, {1});
  mixed.AddInput<float>({}, {1});
  mixed.AddInput<int8_t>({}, {0});
  mixed.AddInput<uint8_t>({1}, {1});
  mixed.AddInput<float>({}, {1});
  mixed.AddInput<uint8_t>({}, {0});
  mixed.AddInput<float>({}, {1});
  EXPECT_NE(mixed.Run().message().find("same element type"), std::string::npos);

  KernelTester per_channel("QLinearAdd", 1, "com.microsoft");
  per_channel.AddInput<int8_t>({2}, {1, 2});
  per_channel.AddInput<float>({2}, {1, 2});
  per_channel.AddInput<int8_t>({}, {0});
  per_channel.AddInput<int8_t>({2}, {1, 2});
  per_channel.AddInput<float>({}, {1});
  per_channel.AddInput<int8_t>({}, {0});
  per_channel.AddInput<float>({}, {1});
  EXPECT_NE(per_channel.Run().message().find("must have one element"), std::string::npos);

  KernelTester shapes("QLinearMul", 1, "com.microsoft");
  AddInputs<uint8_t>({2}, {1, 2}, {1, 0}, {3}, {1, 2, 3}, {1, 0}, {1, 0}, shapes);
  EXPECT_NE(shapes.Run().message().find("do not broadcast"), std::string::npos);
}

}  // namespace
}  // namespace mullion::cpu
