// SPDX-License-Identifier: MIT
// Products of plain operands against loops: packed, direct and by dot products, one and many.
#include "devices/cpu/kernels/matrix/dense.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/memory.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/kernel_reference.h"
#include "tests/devices/cpu/thread_parallel.h"

namespace mullion::cpu {
namespace {

std::vector<ReferenceValue> Reference(const DenseShape& shape, const float* left,
                                      const float* right) {
  std::vector<ReferenceValue> sums(static_cast<size_t>(shape.rows * shape.columns));
  for (int64_t m = 0; m < shape.rows; ++m) {
    for (int64_t n = 0; n < shape.columns; ++n) {
      for (int64_t k = 0; k < shape.depth; ++k) {
        const float x = left[m * shape.left_stride + k];
        const float y = shape.right_transposed ? right[n * shape.right_stride + k]
                                               : right[k * shape.right_stride + n];
        sums[static_cast<size_t>(m * shape.columns + n)].Add(static_cast<double>(x) *
                                                             static_cast<double>(y));
      }
    }
  }
  return sums;
}

void CheckDense(DenseShape shape, std::mt19937& random) {
  SCOPED_TRACE(testing::Message() << shape.batch << " of " << shape.rows << "x" << shape.depth
                                  << "x" << shape.columns
                                  << (shape.right_transposed ? " transposed" : ""));
  shape.left_stride = shape.depth + RandomInt(0, 2, random);
  shape.right_stride =
      (shape.right_transposed ? shape.depth : shape.columns) + RandomInt(0, 2, random);
  const int64_t right_rows = shape.right_transposed ? shape.columns : shape.depth;
  const std::vector<float> left =
      RandomFloats(shape.batch * shape.rows * shape.left_stride, random);
  const std::vector<float> right =
      RandomFloats(shape.batch * right_rows * shape.right_stride, random);
  const int64_t gap = RandomInt(0, 3, random);
  shape.out_stride = shape.columns + gap;
  const EpilogueCase epilogue(shape.rows, shape.columns, shape.out_stride, random);
  std::vector<GuardedRows> first;
  for (const int threads : {1, 2, 4}) {
    std::vector<GuardedRows> out(static_cast<size_t>(shape.batch),
                                 GuardedRows(shape.rows, shape.columns, gap));
    const auto operands = [&](int64_t batch) {
      return DenseOperands{left.data() + batch * shape.rows * shape.left_stride,
                           right.data() + batch * right_rows * shape.right_stride,
                           out[static_cast<size_t>(batch)].data(), epilogue.epilogue};
    };
    ThreadParallel parallel(threads);
    const AlignedBuffer scratch(AllocateAligned(DenseScratchBytes(shape, threads)));
    MultiplyDense(shape, operands, scratch.get(), parallel);
    for (size_t batch = 0; batch < out.size(); ++batch) {
      if (threads == 1) {
        const DenseOperands o = operands(static_cast<int64_t>(batch));
        out[batch].ExpectNear(Reference(shape, o.left, o.right), epilogue);
      } else {
        EXPECT_EQ(first[batch].memory(), out[batch].memory()) << threads << " threads";
      }
    }
    if (threads == 1) first = out;
  }
}

class DenseKernel : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { SetIsaForTest(GetParam()); }
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }
};

TEST_P(DenseKernel, MultipliesRandomSizes) {
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    DenseShape shape;
    shape.batch = RandomInt(1, RandomInt(0, 3, random) == 0 ? 20 : 2, random);
    shape.rows = RandomInt(1, RandomInt(0, 1, random) == 0 ? 6 : 60, random);
    shape.depth = RandomInt(1, 50, random);
    shape.columns =
        RandomInt(0, 1, random) == 0 ? 16 * RandomInt(1, 6, random) : RandomInt(1, 90, random);
    shape.right_transposed = RandomInt(0, 1, random) == 0;
    CheckDense(shape, random);
  }
}

TEST_P(DenseKernel, TakesEmptyOperands) {
  std::mt19937 random(2);
  for (const bool transposed : {false, true}) {
    for (const int64_t rows : {0, 1, 30}) {
      for (const int64_t depth : {0, 5}) {
        for (const int64_t columns : {0, 16, 33}) {
          CheckDense({2, rows, depth, columns, 0, 0, transposed, 0}, random);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllLevels, DenseKernel, testing::ValuesIn(AvailableIsas()),
                         [](const auto& test) { return std::string(IsaName(test.param)); });

}  // namespace
}  // namespace mullion::cpu
