// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/dense.h"

#include <algorithm>

#include "base/tensor.h"
#include "devices/cpu/kernels/matrix/matrix_pack.h"
#include "devices/cpu/kernels/matrix/row_dot.h"

namespace mullion::cpu {

namespace {

// Rows up to which packing the right operand costs more than it saves: it is read once or twice.
constexpr int64_t kFewRows = 12;
// Rows up to which sums along the rows of a transposed operand are quicker than its transposition.
constexpr int64_t kFewDotRows = 4;

enum class Way { kPack, kDirect, kDot };

Way WayOf(const DenseShape& shape, const ColumnBlocks& blocks) {
  if (shape.right_transposed) return shape.rows <= kFewDotRows ? Way::kDot : Way::kPack;
  const bool whole = shape.columns % blocks.lanes == 0;
  return whole && shape.rows <= kFewRows ? Way::kDirect : Way::kPack;
}

MatrixProduct ProductOf(const DenseShape& shape, const ColumnBlocks& blocks) {
  MatrixProduct product;
  product.rows = shape.rows;
  product.depth = shape.depth;
  product.blocks = blocks;
  product.right_stride = WayOf(shape, blocks) == Way::kDirect ? shape.right_stride : 0;
  product.out_stride = shape.out_stride;
  return product;
}

size_t PackedBytes(const DenseShape& shape, const ColumnBlocks& blocks) {
  if (WayOf(shape, blocks) != Way::kPack) return 0;
  const auto floats = static_cast<size_t>(blocks.PackedFloats(shape.depth));
  return (floats * sizeof(float) + kMemoryAlignment - 1) / kMemoryAlignment * kMemoryAlignment;
}

// Many small products: each is one thread's work, with scratch memory of its own.
bool SplitsByBatch(const DenseShape& shape, int threads) { return shape.batch >= 4 * threads; }

class DenseRunner {
 public:
  DenseRunner(const DenseShape& shape, DenseOperandsOf operands)
      : shape_(shape),
        operands_(operands),
        blocks_(ColumnBlocks::Of(shape.columns)),
        way_(WayOf(shape, blocks_)),
        product_(ProductOf(shape, blocks_)) {}

  // `scratch` holds the packed operand, then the matrix kernel's memory.
  void Run(int64_t batch, void* scratch, Parallel& parallel) const {
    const DenseOperands operands = operands_(batch);
    if (way_ == Way::kDot) {
      Dot(operands, parallel);
      return;
    }
    MatrixProduct product = product_;
    product.right = operands.right;
    product.out = operands.out;
    product.epilogue = operands.epilogue;
    if (way_ == Way::kPack) {
      auto* const packed = static_cast<float*>(scratch);
      Pack(operands.right, packed, parallel);
      product.right = packed;
    }
    MultiplyMatrix(product, PlainRows{operands.left, shape_.left_stride},
                   static_cast<char*>(scratch) + PackedBytes(shape_, blocks_), parallel);
  }

 private:
  void Pack(const float* right, float* packed, Parallel& parallel) const {
    const RightSource source =
        shape_.right_transposed ? RightSource::Transposed(right, shape_.depth, shape_.right_stride)
                                : RightSource::RowMajor(right, shape_.depth, shape_.right_stride);
    parallel.For(blocks_.count(), 1, [&](int64_t begin, int64_t end, int /*worker*/) {
      PackRight(source, blocks_, begin, end, packed);
    });
  }

  void Dot(const DenseOperands& operands, Parallel& parallel) const {
    constexpr int64_t kColumnsTogether = 32;
    const Epilogue& epilogue = operands.epilogue;
    RowDotArguments dot;
    dot.left = operands.left;
    dot.left_stride = shape_.left_stride;
    dot.rows = shape_.rows;
    dot.right = operands.right;
    dot.right_stride = shape_.right_stride;
    dot.depth = shape_.depth;
    dot.bias = epilogue.bias;
    dot.out = operands.out;
    dot.out_stride = shape_.out_stride;
    dot.residual = epilogue.residual;
    dot.residual_stride = epilogue.residual_stride;
    const bool finished = epilogue.activation.kind == Activation::Kind::kNone;
    parallel.For(shape_.columns, kColumnsTogether, [&](int64_t begin, int64_t end, int /*worker*/) {
      RowDot(dot, begin, end);
      if (finished) return;
      ActivationRows rows;
      rows.x = rows.out = operands.out + begin;
      rows.x_stride = rows.out_stride = shape_.out_stride;
      rows.count = shape_.rows;
      rows.columns = end - begin;
      ActivateRows(epilogue.activation, rows);
    });
  }

  const DenseShape& shape_;
  const DenseOperandsOf operands_;
  const ColumnBlocks blocks_;
  const Way way_;
  const MatrixProduct product_;
};

constexpr int64_t kLeastWork = 500'000;  // multiply-adds of a chunk of products

}  // namespace

size_t DenseScratchBytes(const DenseShape& shape, int threads) {
  const ColumnBlocks blocks = ColumnBlocks::Of(shape.columns);
  const MatrixProduct product = ProductOf(shape, blocks);
  const int copies = SplitsByBatch(shape, threads) ? threads : 1;
  return static_cast<size_t>(copies) * PackedBytes(shape, blocks) +
         MatrixScratchBytes(product, threads);
}

void MultiplyDense(const DenseShape& shape, DenseOperandsOf operands, void* scratch,
                   Parallel& parallel) {
  const DenseRunner runner(shape, operands);
  if (!SplitsByBatch(shape, parallel.threads())) {
    for (int64_t batch = 0; batch < shape.batch; ++batch) runner.Run(batch, scratch, parallel);
    return;
  }
  const size_t worker_bytes = DenseScratchBytes(shape, 1);
  const int64_t work = std::max<int64_t>(shape.rows * shape.depth * shape.columns, 1);
  parallel.For(shape.batch, std::max<int64_t>(kLeastWork / work, 1),
               [&](int64_t begin, int64_t end, int worker) {
                 SerialParallel serial;
                 void* const memory =
                     static_cast<char*>(scratch) + worker_bytes * static_cast<size_t>(worker);
                 for (int64_t batch = begin; batch < end; ++batch) {
                   runner.Run(batch, memory, serial);
                 }
               });
}

}  // namespace mullion::cpu
