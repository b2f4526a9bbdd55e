// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/sequence/rotate.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "devices/cpu/kernels/simd/isa.h"

namespace mullion::cpu {
namespace {

class Rotate : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { SetIsaForTest(GetParam()); }
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }

  std::vector<float> Numbers(size_t count) {
    std::uniform_real_distribution<float> value(-1, 1);
    std::vector<float> numbers(count);
    for (float& v : numbers) v = value(random_);
    return numbers;
  }

 private:
  std::mt19937 random_{3};
};

TEST_P(Rotate, TurnsNeighboursAndHalves) {
  for (const size_t half : {0, 1, 3, 8, 16, 21, 32, 50}) {
    const std::vector<float> x = Numbers(2 * half);
    const std::vector<float> cosines = Numbers(2 * half);
    const std::vector<float> sines = Numbers(2 * half);
    std::vector<float> y(2 * half + 1, 77);
    RotateNeighbours(x.data(), cosines.data(), sines.data(), 2 * half, y.data());
    for (size_t i = 0; i < 2 * half; ++i) {
      ASSERT_NEAR(y[i], x[i] * cosines[i] + x[i ^ 1] * sines[i], 3e-7) << half;
    }
    EXPECT_EQ(y.back(), 77);
    RotateHalves(x.data(), cosines.data(), sines.data(), half, y.data());
    for (size_t i = 0; i < half; ++i) {
      ASSERT_NEAR(y[i], x[i] * cosines[i] - x[half + i] * sines[i], 3e-7) << half;
      ASSERT_NEAR(y[half + i], x[half + i] * cosines[i] + x[i] * sines[i], 3e-7) << half;
    }
    EXPECT_EQ(y.back(), 77);
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, Rotate, testing::ValuesIn(AvailableIsas()),
                         [](const auto& test) { return std::string(IsaName(test.param)); });

}  // namespace
}  // namespace mullion::cpu
