// SPDX-License-Identifier: MIT
// The matrix kernel against plain loops: every tile, tail, blocking and instruction set.
#include "devices/cpu/kernels/matrix/matrix_kernel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/memory.h"
#include "devices/cpu/kernels/matrix/matrix_pack.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/kernel_reference.h"
#include "tests/devices/cpu/thread_parallel.h"

namespace mullion::cpu {
namespace {

class MatrixKernel : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { SetIsaForTest(GetParam()); }
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }
};

struct Sizes {
  int64_t rows, depth, columns;
};

std::vector<ReferenceValue> ReferenceProduct(const Sizes& size, const std::vector<float>& left,
                                             const std::vector<float>& right) {
  std::vector<ReferenceValue> sums(static_cast<size_t>(size.rows * size.columns));
  for (int64_t m = 0; m < size.rows; ++m) {
    for (int64_t k = 0; k < size.depth; ++k) {
      const double x = static_cast<double>(left[static_cast<size_t>(m * size.depth + k)]);
      for (int64_t n = 0; n < size.columns; ++n) {
        const float y = right[static_cast<size_t>(k * size.columns + n)];
        sums[static_cast<size_t>(m * size.columns + n)].Add(x * static_cast<double>(y));
      }
    }
  }
  return sums;
}

std::vector<float> Pack(const RightSource& source, const ColumnBlocks& blocks) {
  std::vector<float> packed(static_cast<size_t>(blocks.PackedFloats(source.depth * source.taps)),
                            -1.0f);
  PackRight(source, blocks, packed.data());
  return packed;
}

void Multiply(const MatrixProduct& product, const PlainRows& rows, int threads) {
  ThreadParallel parallel(threads);
  const AlignedBuffer scratch(AllocateAligned(MatrixScratchBytes(product, threads)));
  MultiplyMatrix(product, rows, scratch.get(), parallel);
}

// Packed from row-major and from transposed memory, and not packed where that is allowed: all must
// be near the reference and equal to each other, whatever the number of threads.
void CheckProduct(const Sizes& size, std::mt19937& random) {
  SCOPED_TRACE(testing::Message() << size.rows << "x" << size.depth << "x" << size.columns);
  const std::vector<float> left = RandomFloats(size.rows * size.depth, random);
  const std::vector<float> right = RandomFloats(size.depth * size.columns, random);
  std::vector<float> transposed(right.size());
  for (int64_t k = 0; k < size.depth; ++k) {
    for (int64_t n = 0; n < size.columns; ++n) {
      transposed[static_cast<size_t>(n * size.depth + k)] =
          right[static_cast<size_t>(k * size.columns + n)];
    }
  }
  const int64_t gap = RandomInt(0, 3, random);
  const EpilogueCase epilogue(size.rows, size.columns, size.columns + gap, random);

  MatrixProduct product;
  product.rows = size.rows;
  product.depth = size.depth;
  product.blocks = ColumnBlocks::Of(size.columns);
  const PlainRows rows{left.data(), size.depth};
  const std::vector<float> packed =
      Pack(RightSource::RowMajor(right.data(), size.depth, size.columns), product.blocks);
  EXPECT_EQ(packed, Pack(RightSource::Transposed(transposed.data(), size.depth, size.depth),
                         product.blocks));

  std::vector<float> first;
  for (int threads = 1; threads <= 4; ++threads) {
    GuardedRows out(size.rows, size.columns, gap);
    product.out = out.data();
    product.out_stride = out.stride();
    product.epilogue = epilogue.epilogue;
    const bool direct = threads == 2 && size.columns % product.blocks.lanes == 0;
    product.right = direct ? right.data() : packed.data();
    product.right_stride = direct ? size.columns : 0;
    Multiply(product, rows, threads);
    if (threads == 1) {
      first = out.memory();
      out.ExpectNear(ReferenceProduct(size, left, right), epilogue);
    } else {
      EXPECT_EQ(first, out.memory()) << threads << " threads";
    }
  }
}

TEST_P(MatrixKernel, MultipliesEveryTileAndTail) {
  std::mt19937 random(1);
  for (int64_t rows = 1; rows <= 26; ++rows) {
    for (const int64_t columns : {1, 7, 8, 16, 24, 31, 32, 48, 56, 64, 65, 80, 97, 130}) {
      CheckProduct({rows, RandomInt(1, 9, random), columns}, random);
    }
  }
}

// A single row takes several blocks of columns at once, where so many of the widest are left.
TEST_P(MatrixKernel, MultipliesOneRowByManyColumns) {
  std::mt19937 random(6);
  for (const int64_t columns : {63, 64, 192, 255, 256, 257, 320, 511, 512, 750}) {
    CheckProduct({1, 9, columns}, random);
  }
  CheckProduct({1, 1500, 1000}, random);
}

// A product of one row with one vector of columns is summed in several chains.
TEST_P(MatrixKernel, MultipliesOneRowByFewColumns) {
  std::mt19937 random(7);
  for (const int64_t columns : {1, 4, 10, 16, 17, 32}) {
    for (const int64_t depth : {1, 3, 4, 7, 8, 9, 41, 2400})
      CheckProduct({1, depth, columns}, random);
  }
}

TEST_P(MatrixKernel, MultipliesRandomSizes) {
  std::mt19937 random(2);
  for (int i = 0; i < 30; ++i) {
    CheckProduct({RandomInt(1, 250, random), RandomInt(1, 70, random), RandomInt(1, 150, random)},
                 random);
  }
}

TEST_P(MatrixKernel, MultipliesInSeveralPartsOfTheDepth) {
  std::mt19937 random(3);
  CheckProduct({40, 1500, 35}, random);
  CheckProduct({3, 1500, 70}, random);
  CheckProduct({400, 513, 64}, random);
}

TEST_P(MatrixKernel, TakesEmptyOperands) {
  std::mt19937 random(4);
  CheckProduct({0, 5, 7}, random);
  CheckProduct({5, 5, 0}, random);
  CheckProduct({5, 0, 7}, random);  // the bias alone
  CheckProduct({5, 0, 64}, random);
}

TEST_P(MatrixKernel, MultipliesGroups) {
  std::mt19937 random(5);
  constexpr int64_t kGroups = 3;
  const Sizes size{20, 11, 21};
  const std::vector<float> left = RandomFloats(kGroups * size.rows * size.depth, random);
  MatrixProduct product;
  product.rows = size.rows;
  product.depth = size.depth;
  product.groups = kGroups;
  product.blocks = ColumnBlocks::Of(size.columns);
  product.right_step = product.blocks.PackedFloats(size.depth);
  const std::vector<float> right = RandomFloats(kGroups * size.depth * size.columns, random);
  std::vector<float> packed(static_cast<size_t>(kGroups * product.right_step));
  for (int64_t g = 0; g < kGroups; ++g) {
    PackRight(RightSource::RowMajor(right.data() + g * size.depth * size.columns, size.depth,
                                    size.columns),
              product.blocks, packed.data() + g * product.right_step);
  }
  product.right = packed.data();
  // Groups side by side in one row of the output, as in a convolution.
  std::vector<float> out(static_cast<size_t>(size.rows * kGroups * size.columns));
  product.out = out.data();
  product.out_stride = kGroups * size.columns;
  product.out_step = size.columns;
  Multiply(product, PlainRows{left.data(), size.depth, size.rows * size.depth}, 2);
  for (int64_t g = 0; g < kGroups; ++g) {
    const auto slice = [g](const std::vector<float>& all) {
      const auto part = static_cast<std::ptrdiff_t>(all.size() / kGroups);
      return std::vector<float>(all.begin() + g * part, all.begin() + (g + 1) * part);
    };
    const std::vector<ReferenceValue> sums = ReferenceProduct(size, slice(left), slice(right));
    for (int64_t m = 0; m < size.rows; ++m) {
      for (int64_t n = 0; n < size.columns; ++n) {
        const auto at = static_cast<size_t>((m * kGroups + g) * size.columns + n);
        EXPECT_NEAR(out[at], sums[static_cast<size_t>(m * size.columns + n)].sum, 1e-5);
      }
    }
  }
}

TEST_P(MatrixKernel, PropagatesNaNAndInfinity) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const auto kind : {Activation::Kind::kNone, Activation::Kind::kRelu, Activation::Kind::kClip,
                          Activation::Kind::kHardSwish}) {
    for (const int64_t columns : {32, 33}) {
      MatrixProduct product;
      product.rows = 4;
      product.depth = 3;
      product.blocks = ColumnBlocks::Of(columns);
      std::vector<float> left(12, 1.0f);
      left[1] = nan;
      left[4] = infinity;
      left[7] = infinity;
      left[8] = -infinity;
      const std::vector<float> ones(static_cast<size_t>(3 * columns), 1.0f);
      const std::vector<float> packed =
          Pack(RightSource::RowMajor(ones.data(), 3, columns), product.blocks);
      std::vector<float> out(static_cast<size_t>(4 * columns));
      product.right = packed.data();
      product.out = out.data();
      product.out_stride = columns;
      product.epilogue.activation = {kind, 0.0f, 6.0f};
      Multiply(product, PlainRows{left.data(), 3}, 1);
      for (int64_t n = 0; n < columns; ++n) {
        const auto at = static_cast<size_t>(n);
        const auto row = static_cast<size_t>(columns);
        EXPECT_TRUE(std::isnan(out[at]));
        EXPECT_EQ(out[row + at], kind == Activation::Kind::kClip ? 6.0f : infinity);
        EXPECT_TRUE(std::isnan(out[2 * row + at]));
        EXPECT_EQ(out[3 * row + at], 3.0f);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllLevels, MatrixKernel, testing::ValuesIn(AvailableIsas()),
                         [](const auto& test) { return std::string(IsaName(test.param)); });

}  // namespace
}  // namespace mullion::cpu
