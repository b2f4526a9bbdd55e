// SPDX-License-Identifier: MIT
// Products with constant right operands, Strassen's step above all, against plain loops in double
// precision.
#include "devices/cpu/kernels/matrix/weight_product.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "base/memory.h"
#include "devices/cpu/kernels/matrix/strassen.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/kernel_reference.h"
#include "tests/devices/cpu/thread_parallel.h"

namespace mullion::cpu {
namespace {

struct Sizes {
  int64_t rows, together, depth, columns;
};

std::vector<ReferenceValue> Reference(const Sizes& size, const std::vector<float>& left,
                                      const std::vector<float>& right) {
  std::vector<ReferenceValue> sums(static_cast<size_t>(size.rows * size.columns));
  for (int64_t m = 0; m < size.rows; ++m) {
    for (int64_t n = 0; n < size.columns; ++n) {
      ReferenceValue& sum = sums[static_cast<size_t>(m * size.columns + n)];
      for (int64_t k = 0; k < size.depth; ++k) {
        sum.Add(static_cast<double>(left[static_cast<size_t>(m * size.depth + k)]) *
                static_cast<double>(right[static_cast<size_t>(k * size.columns + n)]));
      }
    }
  }
  return WithLargestMagnitude(std::move(sums));
}

std::vector<float> Pack(const RightSource& source, int64_t columns) {
  std::vector<float> packed(PackedWeightFloats(source.depth, columns), -1.0f);
  PackWeight(source, columns, packed.data());
  return packed;
}

class WeightProducts : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { SetIsaForTest(GetParam()); }
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }

  static void Check(const Sizes& size, std::mt19937& random) {
    SCOPED_TRACE(testing::Message() << size.rows << " rows by " << size.together << ", depth "
                                    << size.depth << ", " << size.columns << " columns");
    const std::vector<float> left = RandomFloats(size.rows * size.depth, random);
    const std::vector<float> right = RandomFloats(size.depth * size.columns, random);
    const std::vector<float> packed =
        Pack(RightSource::RowMajor(right.data(), size.depth, size.columns), size.columns);
    const int64_t gap = RandomInt(0, 3, random);
    const EpilogueCase epilogue(size.rows, size.columns, size.columns + gap, random);
    WeightProduct product;
    product.rows = size.rows;
    product.rows_together = size.together;
    product.depth = size.depth;
    product.columns = size.columns;
    product.packed = packed.data();
    product.epilogue = epilogue.epilogue;
    std::vector<float> first;
    for (const int threads : {1, 2, 3, 4}) {
      GuardedRows out(size.rows, size.columns, gap);
      product.out = out.data();
      product.out_stride = out.stride();
      ThreadParallel parallel(threads);
      const AlignedBuffer scratch(AllocateAligned(WeightProductScratchBytes(product, threads)));
      MultiplyByWeight(product, PlainRows{left.data(), size.depth}, scratch.get(), parallel);
      if (threads == 1) {
        first = out.memory();
        out.ExpectNear(Reference(size, left, right), epilogue);
      } else {
        EXPECT_EQ(first, out.memory()) << threads << " threads";
      }
    }
    if (size.rows > size.together) CheckAlone(size, product, left, first);
  }

  // Rows that are together have the bits that they have without the others.
  static void CheckAlone(const Sizes& size, WeightProduct product, const std::vector<float>& left,
                         const std::vector<float>& all) {
    if (!UsesStrassen(size.depth, size.columns)) return;
    const int64_t gap = product.out_stride - size.columns;
    GuardedRows out(size.together, size.columns, gap);
    product.rows = size.together;
    product.out = out.data();
    ThreadParallel parallel(1);
    const AlignedBuffer scratch(AllocateAligned(WeightProductScratchBytes(product, 1)));
    MultiplyByWeight(product, PlainRows{left.data(), size.depth}, scratch.get(), parallel);
    const auto count = static_cast<size_t>(size.together * product.out_stride);
    const std::vector<float>& alone = out.memory();
    EXPECT_TRUE(
        std::equal(alone.begin(), alone.begin() + static_cast<std::ptrdiff_t>(count), all.begin()));
  }
};

TEST_P(WeightProducts, MultiplyRandomShapes) {
  std::mt19937 random(1);
  for (int i = 0; i < 40; ++i) {
    const int64_t together = RandomInt(1, 120, random);
    const int64_t depth = 2 * RandomInt(80, 220, random);
    const int64_t columns = 2 * RandomInt(80, 220, random);
    Check({together * RandomInt(1, 3, random), together, depth, columns}, random);
  }
}

TEST_P(WeightProducts, MultiplyManyRowsInBlocks) {
  std::mt19937 random(2);
  ASSERT_EQ(UsesStrassen(512, 160), GetParam() != Isa::kScalar && GetParam() != Isa::kSse4);
  Check({700, 700, 512, 160}, random);
  Check({3 * 241, 241, 258, 510}, random);
  Check({128, 128, 768, 258}, random);
  // Whole vectors of pairs only are stored to the output right away, unless a residual is added.
  for (int i = 0; i < 6; ++i) Check({2 * 110, 110, 384, 320}, random);
  Check({2 * 61, 61, 384, 320}, random);
  // The last row alone.
  for (int64_t rows = 97; rows <= 221; rows += 12) Check({rows, rows, 288, 320}, random);
  Check({2 * 197, 197, 288, 320}, random);
}

TEST_P(WeightProducts, MultiplyFewRowsAndNone) {
  std::mt19937 random(3);
  ASSERT_EQ(UsesStrassen(384, 320), UsesStrassen(512, 160));
  for (const int64_t rows : {0, 1, 2, 7, 39, 40, 41}) Check({rows, rows, 384, 320}, random);
  Check({200, 1, 384, 320}, random);
  Check({210, 7, 384, 320}, random);
}

TEST_P(WeightProducts, MultiplyWhereStrassenDoesNotPay) {
  std::mt19937 random(4);
  for (const Sizes& size : {Sizes{50, 50, 33, 70}, Sizes{50, 50, 257, 256}, Sizes{50, 50, 256, 99},
                            Sizes{50, 50, 2048, 512}}) {
    EXPECT_FALSE(UsesStrassen(size.depth, size.columns));
    Check(size, random);
  }
}

// Sums cost vectors of 16 twice as much of what they save, and halves of 40 columns are three.
TEST_P(WeightProducts, TakeNoStepThatVectorsOf16LoseBy) {
  const bool pays = UsesStrassen(512, 160) && ColumnBlocks::Of(1).lanes < 16;
  EXPECT_EQ(UsesStrassen(480, 80), pays);
  EXPECT_EQ(UsesStrassen(512, 64), pays);
  EXPECT_EQ(UsesStrassen(512, 128), pays);
  EXPECT_EQ(UsesStrassen(128, 512), pays);
  EXPECT_EQ(UsesStrassen(256, 1024), UsesStrassen(512, 160));
}

// Where the sums of all columns are made in one order, equal columns give equal results.
void ExpectEqualColumnsEqual(const Sizes& size) {
  std::mt19937 random(9);
  const std::vector<float> left = RandomFloats(size.rows * size.depth, random);
  const std::vector<float> right(static_cast<size_t>(size.depth * size.columns), 0.3f);
  const std::vector<float> packed =
      Pack(RightSource::RowMajor(right.data(), size.depth, size.columns), size.columns);
  std::vector<float> out(static_cast<size_t>(size.rows * size.columns));
  WeightProduct product;
  product.rows = size.rows;
  product.rows_together = size.together;
  product.depth = size.depth;
  product.columns = size.columns;
  product.packed = packed.data();
  product.out = out.data();
  product.out_stride = size.columns;
  ThreadParallel parallel(1);
  const AlignedBuffer scratch(AllocateAligned(WeightProductScratchBytes(product, 1)));
  MultiplyByWeight(product, PlainRows{left.data(), size.depth}, scratch.get(), parallel);
  for (int64_t m = 0; m < size.rows; ++m) {
    const float* const row = out.data() + m * size.columns;
    EXPECT_EQ(std::count(row, row + size.columns, row[0]), size.columns) << "row " << m;
  }
}

// Strassen's step sums halves of the columns in other orders.
TEST_P(WeightProducts, GiveEqualColumnsEqualResults) {
  ASSERT_FALSE(UsesStrassen(257, 256));
  ExpectEqualColumnsEqual({49, 49, 257, 256});
  if (!UsesStrassen(512, 160)) ExpectEqualColumnsEqual({49, 49, 512, 160});
}

// What is not finite stays within its pair of rows.
TEST_P(WeightProducts, KeepNaNToThePair) {
  std::mt19937 random(5);
  constexpr int64_t kRows = 64;
  constexpr int64_t kSize = 288;
  std::vector<float> left = RandomFloats(kRows * kSize, random);
  const std::vector<float> right = RandomFloats(kSize * kSize, random);
  left[10 * kSize + 3] = std::numeric_limits<float>::quiet_NaN();
  left[21 * kSize + 100] = std::numeric_limits<float>::infinity();
  const std::vector<float> packed = Pack(RightSource::RowMajor(right.data(), kSize, kSize), kSize);
  std::vector<float> out(kRows * kSize);
  WeightProduct product;
  product.rows = product.rows_together = kRows;
  product.depth = product.columns = product.out_stride = kSize;
  product.packed = packed.data();
  product.out = out.data();
  SerialParallel serial;
  const AlignedBuffer scratch(AllocateAligned(WeightProductScratchBytes(product, 1)));
  MultiplyByWeight(product, PlainRows{left.data(), kSize}, scratch.get(), serial);
  for (int64_t row = 0; row < kRows; ++row) {
    const bool mixed = row / 2 == 5 || row / 2 == 10;
    for (int64_t column = 0; column < kSize; ++column) {
      const float x = out[static_cast<size_t>(row * kSize + column)];
      if (row == 10 || row == 21) {
        EXPECT_FALSE(std::isfinite(x));
      } else if (!mixed) {
        EXPECT_TRUE(std::isfinite(x));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, WeightProducts, testing::ValuesIn(AvailableIsas()),
                         [](const auto& test) { return std::string(IsaName(test.param)); });

}  // namespace
}  // namespace mullion::cpu
