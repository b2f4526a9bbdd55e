// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/weight_product.h"

#include "devices/cpu/kernels/strassen.h"

namespace mullion::cpu {

namespace {

MatrixProduct PlainProductOf(const WeightProduct& weight) {
  MatrixProduct product;
  product.rows = weight.rows;
  product.depth = weight.depth;
  product.blocks = ColumnBlocks::Of(weight.columns);
  product.right = weight.packed;
  product.out = weight.out;
  product.out_stride = weight.out_stride;
  product.epilogue = weight.epilogue;
  return product;
}

}  // namespace

size_t PackedWeightFloats(int64_t depth, int64_t columns) {
  if (UsesStrassen(depth, columns)) return PackedStrassenFloats(depth, columns);
  return static_cast<size_t>(ColumnBlocks::Of(columns).PackedFloats(depth));
}

void PackWeight(const RightSource& source, int64_t columns, float* packed) {
  if (UsesStrassen(source.depth, columns)) {
    PackStrassen(source, columns, packed);
  } else {
    PackRight(source, ColumnBlocks::Of(columns), packed);
  }
}

size_t WeightProductScratchBytes(const WeightProduct& product, int threads) {
  return UsesStrassen(product.depth, product.columns)
             ? StrassenScratchBytes(product, threads)
             : MatrixScratchBytes(PlainProductOf(product), threads);
}

void MultiplyByWeight(const WeightProduct& product, RowMaker rows, void* scratch,
                      Parallel& parallel) {
  if (product.rows == 0 || product.columns == 0) return;
  if (UsesStrassen(product.depth, product.columns)) {
    MultiplyStrassen(product, rows, scratch, parallel);
  } else {
    MultiplyMatrix(PlainProductOf(product), rows, scratch, parallel);
  }
}

}  // namespace mullion::cpu
