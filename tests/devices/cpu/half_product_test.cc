// SPDX-License-Identifier: MIT
// Products in half precision: the pairs, blocks, epilogue and threads around the tiles with plain
// tiles, on any machine that has AVX-512's vectors; the processor's own tiles where it has them.
#include "devices/cpu/kernels/matrix/half_product.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/memory.h"
#include "devices/cpu/kernels/convolution/half_convolution.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/kernel_reference.h"
#include "tests/devices/cpu/plain_half_tile.h"
#include "tests/devices/cpu/thread_parallel.h"

namespace mullion::cpu {
namespace {

struct Sizes {
  int64_t rows, depth, columns;
};

// Numbers whose products are summed without rounding in half precision.
std::vector<float> SmallIntegers(int64_t count, std::mt19937& random) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(RandomInt(-3, 3, random));
  return values;
}

struct Operands {
  std::vector<float> left;
  std::vector<float> right;
};

std::vector<float> Multiply(const Sizes& size, const Operands& operands, TileFinder tiles,
                            int threads, GuardedRows& out, const Epilogue& epilogue) {
  MatrixProduct product;
  product.rows = size.rows;
  product.depth = size.depth;
  product.blocks = ColumnBlocks::Of(size.columns);
  product.out = out.data();
  product.out_stride = out.stride();
  product.epilogue = epilogue;
  UseHalf(product, tiles);
  const AlignedBuffer packed(AllocateAligned(
      static_cast<size_t>(product.blocks.PackedFloats(product.depth)) * sizeof(float)));
  auto* const pairs = static_cast<float*>(packed.get());
  PackHalfRight(RightSource::RowMajor(operands.right.data(), size.depth, size.columns),
                product.blocks, pairs);
  product.right = pairs;
  ThreadParallel parallel(threads);
  const AlignedBuffer scratch(AllocateAligned(MatrixScratchBytes(product, threads)));
  MultiplyHalf(product, PlainRows{operands.left.data(), size.depth}, size.depth, scratch.get(),
               parallel);
  return out.memory();
}

std::vector<ReferenceValue> ReferenceProduct(const Sizes& size, const Operands& operands) {
  std::vector<ReferenceValue> sums(static_cast<size_t>(size.rows * size.columns));
  const auto at = [](const std::vector<float>& matrix, int64_t index) {
    return RoundToHalf(static_cast<double>(matrix[static_cast<size_t>(index)]));
  };
  for (int64_t m = 0; m < size.rows; ++m) {
    for (int64_t n = 0; n < size.columns; ++n) {
      ReferenceValue& sum = sums[static_cast<size_t>(m * size.columns + n)];
      for (int64_t k = 0; k < size.depth; ++k) {
        sum.Add(at(operands.left, m * size.depth + k) * at(operands.right, k * size.columns + n));
      }
    }
  }
  return sums;
}

// Whether the processor's own tiles are tested.
class HalfProduct : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (ColumnBlocks::Of(1).lanes != kHalfLanes) GTEST_SKIP() << "the tiles are of 16 columns";
    tiles_ = GetParam() ? HalfTiles() : &FindPlainHalfTile;
    if (tiles_ == nullptr) GTEST_SKIP() << "this processor has no AVX512-FP16";
  }

  // On 1 to 4 threads, with an epilogue of any kind.
  void CheckProduct(const Sizes& size, const Operands& operands, double tolerance,
                    std::mt19937& random) {
    SCOPED_TRACE(testing::Message() << size.rows << "x" << size.depth << "x" << size.columns);
    const int64_t gap = RandomInt(0, 3, random);
    const EpilogueCase epilogue(size.rows, size.columns, size.columns + gap, random);
    std::vector<float> first;
    for (int threads = 1; threads <= 4; ++threads) {
      GuardedRows out(size.rows, size.columns, gap);
      const std::vector<float> memory =
          Multiply(size, operands, tiles_, threads, out, epilogue.epilogue);
      if (threads == 1) {
        first = memory;
        out.ExpectNear(ReferenceProduct(size, operands), epilogue, tolerance);
      } else {
        EXPECT_EQ(first, memory) << threads << " threads";
      }
    }
  }
  void CheckExact(const Sizes& size, std::mt19937& random) {
    CheckProduct(size,
                 {SmallIntegers(size.rows * size.depth, random),
                  SmallIntegers(size.depth * size.columns, random)},
                 2e-6, random);
  }

  static constexpr int kHalfLanes = 16;
  TileFinder tiles_ = nullptr;
};

TEST_P(HalfProduct, MultipliesEveryTileAndTail) {
  std::mt19937 random(1);
  for (int64_t rows = 1; rows <= 13; ++rows) {
    for (const int64_t columns : {1, 16, 31, 48, 64, 97, 130}) {
      CheckExact({rows, RandomInt(1, 9, random), columns}, random);
    }
  }
}

TEST_P(HalfProduct, MultipliesRandomSizes) {
  std::mt19937 random(2);
  for (int i = 0; i < 12; ++i) {
    CheckExact({RandomInt(1, 250, random), RandomInt(1, 70, random), RandomInt(1, 150, random)},
               random);
  }
}

TEST_P(HalfProduct, SumsLongChainsInFloat) {
  std::mt19937 random(3);
  for (const Sizes& size : {Sizes{7, 129, 33}, Sizes{40, 2100, 35}, Sizes{3, 1501, 70}}) {
    CheckExact(size, random);
    // Ones: in half precision alone their number would end at 2048.
    const Operands ones{std::vector<float>(static_cast<size_t>(size.rows * size.depth), 1.0f),
                        std::vector<float>(static_cast<size_t>(size.depth * size.columns), 1.0f)};
    CheckProduct(size, ones, 2e-6, random);
  }
}

TEST_P(HalfProduct, RoundsLittle) {
  std::mt19937 random(4);
  for (const Sizes& size : {Sizes{20, 64, 33}, Sizes{9, 576, 64}, Sizes{5, 2048, 20}}) {
    CheckProduct(size,
                 {RandomFloats(size.rows * size.depth, random),
                  RandomFloats(size.depth * size.columns, random)},
                 5e-4, random);
  }
}

TEST_P(HalfProduct, TakesEmptyOperands) {
  std::mt19937 random(5);
  for (const Sizes& size : {Sizes{0, 5, 7}, Sizes{5, 5, 0}, Sizes{5, 0, 7}, Sizes{5, 0, 64}}) {
    CheckExact(size, random);
  }
}

TEST_P(HalfProduct, PropagatesNaNAndInfinity) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  for (const auto kind : {Activation::Kind::kNone, Activation::Kind::kRelu}) {
    for (const int64_t columns : {32, 33}) {
      const Sizes size{6, 3, columns};
      Operands operands{std::vector<float>(18, 1.0f),
                        std::vector<float>(static_cast<size_t>(3 * columns), 1.0f)};
      operands.left[1] = kNaN;
      operands.left[4] = kInfinity;
      operands.left[7] = kInfinity;
      operands.left[8] = -kInfinity;
      operands.left[9] = 1e6f;       // beyond the largest half
      operands.left[12] = 60000.0f;  // as is the sum of these
      operands.left[14] = 60000.0f;
      Epilogue epilogue;
      epilogue.activation.kind = kind;
      GuardedRows out(size.rows, columns, 0);
      const std::vector<float> y = Multiply(size, operands, tiles_, 1, out, epilogue);
      for (int64_t n = 0; n < columns; ++n) {
        const auto value = [&](int64_t row) { return y[static_cast<size_t>(row * columns + n)]; };
        EXPECT_TRUE(std::isnan(value(0)));
        EXPECT_EQ(value(1), kInfinity);
        EXPECT_TRUE(std::isnan(value(2)));
        EXPECT_EQ(value(3), kInfinity);
        EXPECT_EQ(value(4), kInfinity);
        EXPECT_EQ(value(5), 3.0f);
      }
    }
  }
}

TEST_P(HalfProduct, Convolves) {
  std::mt19937 random(6);
  for (int i = 0; i < 60; ++i) {
    ConvolutionShape shape = RandomConvolution(static_cast<int>(RandomInt(0, 3, random)), random);
    shape.in_channels /= shape.groups;
    shape.out_channels /= shape.groups;
    shape.groups = 1;
    SCOPED_TRACE(Describe(shape));
    const std::vector<float> input = SmallIntegers(InputFloats(shape), random);
    const std::vector<float> weights =
        SmallIntegers(shape.out_channels * shape.in_channels * shape.Taps(), random);
    const AlignedBuffer packed(AllocateAligned(PackedHalfConvolutionFloats(shape) * sizeof(float)));
    auto* const pairs = static_cast<float*>(packed.get());
    PackHalfConvolution(weights.data(), shape, pairs);
    ExpectConvolution(HalfConvolution(shape, tiles_), shape, input.data(), pairs,
                      ReferenceConvolution(shape, input.data(), weights.data()),
                      RandomInt(0, 3, random), random);
  }
}

// Bit for bit what IEEE 754 says.
TEST(HalfTiles, GiveWhatPlainCodeGives) {
  if (HalfTiles() == nullptr) GTEST_SKIP() << "this processor has no AVX512-FP16";
  std::mt19937 random(7);
  for (int64_t rows = 1; rows <= 12; ++rows) {
    for (const int64_t columns : {16, 32, 48, 64}) {
      const Sizes size{rows, RandomInt(1, 400, random), columns};
      Operands operands{RandomFloats(size.rows * size.depth, random),
                        RandomFloats(size.depth * size.columns, random)};
      // Subnormal halves, too.
      for (size_t i = 0; i < operands.left.size(); i += 7) operands.left[i] *= 1e-4f;
      for (size_t i = 0; i < operands.right.size(); i += 5) operands.right[i] *= 1e-4f;
      GuardedRows native(size.rows, size.columns, 0);
      GuardedRows plain(size.rows, size.columns, 0);
      EXPECT_EQ(Multiply(size, operands, HalfTiles(), 1, native, {}),
                Multiply(size, operands, &FindPlainHalfTile, 1, plain, {}));
    }
  }
}

TEST(HalfTiles, AreThereAtTheirLevelOnly) {
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    EXPECT_EQ(HalfTiles() != nullptr, isa == Isa::kAvx512Fp16) << IsaName(isa);
  }
  SetIsaForTest(AvailableIsas().back());
}

INSTANTIATE_TEST_SUITE_P(Tiles, HalfProduct, testing::Bool(), [](const auto& test) {
  return std::string(test.param ? "Native" : "Plain");
});

}  // namespace
}  // namespace mullion::cpu
