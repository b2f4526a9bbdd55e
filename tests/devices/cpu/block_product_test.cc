// SPDX-License-Identifier: MIT
// Weights of 2, 4 and 8 bits in blocks, against loops over the numbers as they are stored.
#include "devices/cpu/kernels/matrix/block_product.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/memory.h"
#include "base/packed.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/kernel_reference.h"
#include "tests/devices/cpu/thread_parallel.h"

namespace mullion::cpu {
namespace {

struct BlockCase {
  enum ZeroForm : uint8_t { kMiddle, kNumbers, kShifts };

  BlockCase(int bits, int64_t row_count, int64_t depth, int64_t columns, int64_t block,
            std::mt19937& random)
      : weights(BlockWeights::Of(bits, depth, columns, block)),
        rows(row_count),
        left(RandomFloats(row_count * depth, random)),
        numbers(static_cast<size_t>(columns * weights.blocks() * block * bits / 8)),
        scales(RandomFloats(columns * weights.blocks(), random)),
        zeros(static_cast<size_t>(columns * ((weights.blocks() * bits + 7) / 8))),
        shifts(RandomFloats(columns * weights.blocks(), random)),
        bias(RandomFloats(columns, random)),
        zero_form(static_cast<ZeroForm>(RandomInt(0, 2, random))),
        has_bias(RandomInt(0, 1, random) == 0) {
    for (std::vector<uint8_t>* const bytes : {&numbers, &zeros}) {
      for (uint8_t& byte : *bytes) byte = static_cast<uint8_t>(RandomInt(0, 255, random));
    }
  }

  int Number(const std::vector<uint8_t>& bytes, int64_t row_bytes, int64_t row, int64_t i) const {
    const uint8_t* const from = bytes.data() + row * row_bytes;
    if (weights.given_bits == 2) return PackedBits<2>(from, i);
    return weights.given_bits == 8 ? from[i] : PackedBits<4>(from, i);
  }

  double Weight(int64_t column, int64_t k) const {
    const int64_t blocks = weights.blocks();
    const int64_t at = k / weights.block;
    const int bits = weights.given_bits;
    const int number = Number(numbers, blocks * weights.block * bits / 8, column, k);
    const auto place = static_cast<size_t>(column * blocks + at);
    double zero = 1 << (bits - 1);
    if (zero_form == kNumbers) zero = Number(zeros, (blocks * bits + 7) / 8, column, at);
    const double shift = zero_form == kShifts ? static_cast<double>(shifts[place]) : 0;
    return static_cast<double>(scales[place]) * (number - zero) + shift;
  }

  std::vector<float> Multiply(int threads, bool may_round = false) const {
    std::vector<uint32_t> packed(static_cast<size_t>(weights.word_count()));
    PackBlockNumbers(weights, numbers.data(), packed.data());
    std::vector<float> packed_scales(static_cast<size_t>(weights.scale_count()));
    PackBlockScales(weights, scales.data(), packed_scales.data());
    std::vector<uint8_t> packed_zeros(static_cast<size_t>(weights.scale_count()));
    PackBlockZeros(weights, zeros.data(), packed_zeros.data());
    std::vector<float> packed_shifts(static_cast<size_t>(weights.scale_count()));
    PackBlockScales(weights, shifts.data(), packed_shifts.data());
    std::vector<float> out(static_cast<size_t>(rows * weights.columns));
    BlockProduct product;
    product.weights = weights;
    product.rows = rows;
    product.left = left.data();
    product.numbers = packed.data();
    product.scales = packed_scales.data();
    if (zero_form == kNumbers) product.zeros = packed_zeros.data();
    if (zero_form == kShifts) product.shifts = packed_shifts.data();
    if (has_bias) product.bias = bias.data();
    product.out = out.data();
    product.may_round = may_round;
    const AlignedBuffer scratch(AllocateAligned(BlockProductScratchBytes(product, threads)));
    ThreadParallel parallel(threads);
    MultiplyBlocks(product, scratch.get(), parallel);
    return out;
  }

  BlockWeights weights;
  int64_t rows;
  std::vector<float> left;
  std::vector<uint8_t> numbers;
  std::vector<float> scales;
  std::vector<uint8_t> zeros;
  std::vector<float> shifts;
  std::vector<float> bias;
  ZeroForm zero_form;
  bool has_bias;
};

void CheckBlocks(const BlockCase& c) {
  SCOPED_TRACE(testing::Message() << c.weights.given_bits << " bits, " << c.rows << "x"
                                  << c.weights.depth << "x" << c.weights.columns << ", blocks of "
                                  << c.weights.block);
  const std::vector<float> out = c.Multiply(1);
  for (int64_t m = 0; m < c.rows; ++m) {
    for (int64_t n = 0; n < c.weights.columns; ++n) {
      ReferenceValue expected;
      if (c.has_bias) expected.Add(static_cast<double>(c.bias[static_cast<size_t>(n)]));
      double largest = 0;
      for (int64_t k = 0; k < c.weights.depth; ++k) {
        const auto x = static_cast<double>(c.left[static_cast<size_t>(m * c.weights.depth + k)]);
        expected.Add(x * c.Weight(n, k));
        // Zero points come off sums of numbers, which are larger than what is left.
        const auto place = static_cast<size_t>(n * c.weights.blocks() + k / c.weights.block);
        double size = std::abs(static_cast<double>(c.scales[place]));
        if (c.zero_form == BlockCase::kShifts)
          size += static_cast<double>(std::abs(c.shifts[place]));
        largest = std::max(largest, std::abs(x) * size);
      }
      const double most = largest * (1 << c.weights.bits) * static_cast<double>(c.weights.depth);
      ASSERT_NEAR(out[static_cast<size_t>(m * c.weights.columns + n)], expected.sum, 2e-7 * most)
          << m << ", " << n;
    }
  }
  for (const int threads : {2, 3, 4}) EXPECT_EQ(c.Multiply(threads), out) << threads << " threads";
}

class BlockProductKernel : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { SetIsaForTest(GetParam()); }
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }
};

TEST_P(BlockProductKernel, MultipliesRandomSizes) {
  std::mt19937 random(1);
  for (int i = 0; i < 60; ++i) {
    const int64_t block = int64_t{16} << RandomInt(0, 2, random);
    CheckBlocks(BlockCase(2 << RandomInt(0, 2, random),
                          RandomInt(1, RandomInt(0, 1, random) == 0 ? 6 : 30, random),
                          RandomInt(1, 150, random), RandomInt(1, 150, random), block, random));
  }
}

TEST_P(BlockProductKernel, TakesOneLargeBlockAndNoRows) {
  std::mt19937 random(2);
  for (const int bits : {2, 4, 8}) {
    CheckBlocks(BlockCase(bits, 2, 20, 5, 1024, random));
    CheckBlocks(BlockCase(bits, 0, 20, 5, 16, random));
  }
}

TEST_P(BlockProductKernel, KeepsNanAndInfinityInTheirRows) {
  std::mt19937 random(3);
  for (const int64_t rows : {4, 20}) {
    BlockCase c(4, rows, 35, 70, 16, random);
    const std::vector<float> before = c.Multiply(1);
    c.left[0] = std::numeric_limits<float>::quiet_NaN();
    c.left[static_cast<size_t>(c.weights.depth)] = std::numeric_limits<float>::infinity();
    const std::vector<float> after = c.Multiply(1);
    for (int64_t n = 0; n < 70; ++n) {
      EXPECT_TRUE(std::isnan(after[static_cast<size_t>(n)]));
      EXPECT_FALSE(std::isfinite(after[static_cast<size_t>(70 + n)]));
      for (int64_t m = 2; m < rows; ++m) {
        const auto at = static_cast<size_t>(m * 70 + n);
        EXPECT_EQ(after[at], before[at]);
      }
    }
  }
}

// Rows as bytes are within half a step of themselves, a step being 1/127 of a block's greatest.
void CheckRounded(const BlockCase& c) {
  SCOPED_TRACE(testing::Message() << c.weights.given_bits << " bits, " << c.rows << "x"
                                  << c.weights.depth << "x" << c.weights.columns << ", blocks of "
                                  << c.weights.block);
  const std::vector<float> exact = c.Multiply(1);
  const std::vector<float> out = c.Multiply(1, true);
  for (int64_t m = 0; m < c.rows; ++m) {
    const float* const row = c.left.data() + m * c.weights.depth;
    for (int64_t n = 0; n < c.weights.columns; ++n) {
      double most = 1e-4;
      for (int64_t k = 0; k < c.weights.depth; ++k) {
        const int64_t begin = k / c.weights.block * c.weights.block;
        const int64_t end = std::min(begin + c.weights.block, c.weights.depth);
        float greatest = 0;
        for (int64_t i = begin; i < end; ++i) greatest = std::max(greatest, std::abs(row[i]));
        most += static_cast<double>(greatest) / 253 * std::abs(c.Weight(n, k));
      }
      const auto at = static_cast<size_t>(m * c.weights.columns + n);
      ASSERT_NEAR(out[at], exact[at], most) << m << ", " << n;
    }
  }
  for (const int threads : {2, 3, 4}) EXPECT_EQ(c.Multiply(threads, true), out) << threads;
}

TEST_P(BlockProductKernel, RoundsFewRowsToBytes) {
  std::mt19937 random(4);
  for (int i = 0; i < 40; ++i) {
    const int64_t block = int64_t{16} << RandomInt(0, 3, random);
    CheckRounded(BlockCase(2 << RandomInt(0, 2, random), RandomInt(0, 14, random),
                           RandomInt(1, 150, random), RandomInt(1, 150, random), block, random));
  }
}

TEST_P(BlockProductKernel, RoundsWholeNumbersToThemselves) {
  std::mt19937 random(5);
  BlockCase c(4, 5, 100, 70, 32, random);
  for (float& scale : c.scales) scale = 0.5f;
  for (size_t i = 0; i < c.left.size(); ++i) {
    // Blocks whose greatest number is 127, and one of zeros.
    c.left[i] = i % 32 == 0 ? -127.0f : static_cast<float>(RandomInt(-127, 127, random));
  }
  std::fill_n(c.left.begin() + 32, 32, 0.0f);
  for (size_t row = 1; row < 5; ++row) {
    for (size_t block = 0; block < 100; block += 32) c.left[row * 100 + block] = 127.0f;
  }
  c.has_bias = false;
  EXPECT_EQ(c.Multiply(1, true), c.Multiply(1));
}

TEST_P(BlockProductKernel, KeepsNanAndInfinityOfBytesInTheirRows) {
  std::mt19937 random(6);
  BlockCase c(4, 5, 35, 70, 16, random);
  const std::vector<float> before = c.Multiply(1, true);
  c.left[0] = std::numeric_limits<float>::quiet_NaN();
  c.left[35] = -std::numeric_limits<float>::infinity();
  const std::vector<float> after = c.Multiply(1, true);
  for (size_t n = 0; n < 70; ++n) {
    EXPECT_TRUE(std::isnan(after[n]));
    EXPECT_FALSE(std::isfinite(after[70 + n]));
    for (size_t m = 2; m < 5; ++m) EXPECT_EQ(after[m * 70 + n], before[m * 70 + n]);
  }
}

INSTANTIATE_TEST_SUITE_P(AllLevels, BlockProductKernel, testing::ValuesIn(AvailableIsas()),
                         [](const auto& test) { return std::string(IsaName(test.param)); });

}  // namespace
}  // namespace mullion::cpu
