// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/weight_product.h"

#include "devices/cpu/kernels/matrix/half_product.h"
#include "devices/cpu/kernels/matrix/strassen.h"

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
  product.of_samples = weight.of_samples;
  if (weight.half != nullptr) UseHalf(product, weight.half);
  return product;
}

bool TakesStrassen(const WeightProduct& product) {
  return product.half == nullptr && UsesStrassen(product.depth, product.columns);
}

}  // namespace

size_t PackedWeightFloats(int64_t depth, int64_t columns, TileFinder half) {
  if (half != nullptr) {
    return static_cast<size_t>(ColumnBlocks::Of(columns).PackedFloats(PairsOf(depth)));
  }
  if (UsesStrassen(depth, columns)) return PackedStrassenFloats(depth, columns);
  return static_cast<size_t>(ColumnBlocks::Of(columns).PackedFloats(depth));
}

void PackWeight(const RightSource& source, int64_t columns, float* packed, TileFinder half) {
  if (half != nullptr) {
    PackHalfRight(source, ColumnBlocks::Of(columns), packed);
  } else if (UsesStrassen(source.depth, columns)) {
    PackStrassen(source, columns, packed);
  } else {
    PackRight(source, ColumnBlocks::Of(columns), packed);
  }
}

size_t WeightProductScratchBytes(const WeightProduct& product, int threads) {
  return TakesStrassen(product) ? StrassenScratchBytes(product, threads)
                                : MatrixScratchBytes(PlainProductOf(product), threads);
}

void MultiplyByWeight(const WeightProduct& product, RowMaker rows, void* scratch,
                      Parallel& parallel) {
  if (product.rows == 0 || product.columns == 0) return;
  if (product.half != nullptr) {
    MultiplyHalf(PlainProductOf(product), rows, product.depth, scratch, parallel);
  } else if (TakesStrassen(product)) {
    MultiplyStrassen(product, rows, scratch, parallel);
  } else {
    MultiplyMatrix(PlainProductOf(product), rows, scratch, parallel);
  }
}

}  // namespace mullion::cpu
