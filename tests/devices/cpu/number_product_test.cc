// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/number_product.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/element_traits.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/thread_parallel.h"

namespace mullion::cpu {
namespace {

class NumberProduct : public testing::Test {
 protected:
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }
};

struct Order {
  bool left_turned;
  bool right_turned;
};

ProductStrides StridesOf(int64_t rows, int64_t depth, int64_t columns, Order order) {
  ProductStrides s;
  s.rows = rows;
  s.depth = depth;
  s.columns = columns;
  s.left_row = order.left_turned ? 1 : depth;
  s.left_k = order.left_turned ? rows : 1;
  s.right_k = order.right_turned ? 1 : columns;
  s.right_column = order.right_turned ? depth : 1;
  return s;
}

// Unsigned numbers wrap as signed ones do, without undefined behaviour.
template <typename T, typename Wrapping>
std::vector<T> ByLoop(const ProductStrides& s, const std::vector<T>& left,
                      const std::vector<T>& right) {
  std::vector<T> out;
  for (int64_t row = 0; row < s.rows; ++row) {
    for (int64_t column = 0; column < s.columns; ++column) {
      Wrapping sum = 0;
      for (int64_t k = 0; k < s.depth; ++k) {
        sum += static_cast<Wrapping>(left[static_cast<size_t>(row * s.left_row + k * s.left_k)]) *
               static_cast<Wrapping>(
                   right[static_cast<size_t>(k * s.right_k + column * s.right_column)]);
      }
      out.push_back(static_cast<T>(sum));
    }
  }
  return out;
}

template <typename T, typename Wrapping>
void Check(int64_t rows, int64_t depth, int64_t columns, Order order, std::mt19937_64& random) {
  SCOPED_TRACE(testing::Message() << rows << "x" << depth << "x" << columns << " order "
                                  << order.left_turned << order.right_turned);
  const ProductStrides s = StridesOf(rows, depth, columns, order);
  std::vector<T> left(static_cast<size_t>(rows * depth));
  std::vector<T> right(static_cast<size_t>(depth * columns));
  for (std::vector<T>* operand : {&left, &right}) {
    for (T& value : *operand) {
      const auto bits = random();
      value = std::is_floating_point_v<T> ? static_cast<T>(static_cast<double>(bits) / 0x1p63 - 1)
                                          : static_cast<T>(bits);
    }
  }
  const std::vector<T> expected = ByLoop<T, Wrapping>(s, left, right);
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    std::vector<T> first;
    for (const int threads : {1, 2, 3, 4}) {
      std::vector<T> out(expected.size(), T{77});
      ThreadParallel parallel(threads);
      MultiplyNumbers(kElementTypeOf<T>, s, left.data(), right.data(), out.data(), parallel);
      if constexpr (std::is_floating_point_v<T>) {
        for (size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], expected[i], 1e-12);
      } else {
        ASSERT_EQ(out, expected) << IsaName(isa);
      }
      if (threads == 1) first = out;
      ASSERT_EQ(out, first) << threads << " threads";
    }
  }
}

template <typename T, typename Wrapping>
void CheckAll() {
  std::mt19937_64 random(1);
  constexpr int64_t kSizes[][3] = {{1, 1, 1},   {1, 5, 100}, {3, 70, 25},   {4, 64, 48},
                                   {5, 65, 47}, {9, 0, 10},  {0, 3, 4},     {2, 3, 0},
                                   {8, 9, 24},  {7, 1, 96},  {150, 130, 49}};
  for (const auto& [rows, depth, columns] : kSizes) {
    for (const bool left : {false, true}) {
      for (const bool right : {false, true}) {
        Check<T, Wrapping>(rows, depth, columns, {left, right}, random);
      }
    }
  }
}

TEST_F(NumberProduct, MultipliesDouble) { CheckAll<double, double>(); }
TEST_F(NumberProduct, WrapsInt32) { CheckAll<int32_t, uint32_t>(); }
TEST_F(NumberProduct, WrapsUint32) { CheckAll<uint32_t, uint32_t>(); }
TEST_F(NumberProduct, WrapsInt64) { CheckAll<int64_t, uint64_t>(); }
TEST_F(NumberProduct, WrapsUint64) { CheckAll<uint64_t, uint64_t>(); }

// What pads rows and columns must not reach the results.
TEST_F(NumberProduct, KeepsInfinitiesAndNaNInTheirPlaces) {
  constexpr int64_t kRows = 5;
  constexpr int64_t kDepth = 3;
  constexpr int64_t kColumns = 26;
  std::vector<double> left(kRows * kDepth, 1);
  std::vector<double> right(kDepth * kColumns, 1);
  left[2 * kDepth] = std::numeric_limits<double>::infinity();
  right[kColumns + 25] = std::nan("");
  const ProductStrides s = StridesOf(kRows, kDepth, kColumns, {false, false});
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    std::vector<double> out(kRows * kColumns);
    SerialParallel parallel;
    MultiplyNumbers(ElementType::kDouble, s, left.data(), right.data(), out.data(), parallel);
    for (int64_t row = 0; row < kRows; ++row) {
      for (int64_t column = 0; column < kColumns; ++column) {
        const double value = out[static_cast<size_t>(row * kColumns + column)];
        if (column == 25) {
          EXPECT_TRUE(std::isnan(value));
        } else {
          EXPECT_EQ(value, row == 2 ? std::numeric_limits<double>::infinity() : 3);
        }
      }
    }
  }
}

}  // namespace
}  // namespace mullion::cpu
