// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/strassen.h"

#include <algorithm>
#include <vector>

#include "base/brief_memory.h"
#include "base/rounding.h"
#include "base/tensor.h"
#include "devices/cpu/kernels/matrix/matrix_blocks.h"
#include "devices/cpu/kernels/matrix/strassen_sums.h"
#include "devices/cpu/kernels/simd/even_blocks.h"
#include "devices/cpu/kernels/simd/isa.h"

namespace mullion::cpu {

namespace {

// Sums of both operands and of the products take time that goes with the sizes of the matrices: in
// vectors, some 24 for each 128 multiply-adds' worth of depth and 40 of columns, where an eighth of
// the products is saved. Twice that must be saved, and four times that with vectors of 16, where
// sums take as long as with 8 and products half.
constexpr int64_t kDepthCost = 24;
constexpr int64_t kColumnCost = 40;
// Larger weights are not worth three quarters more memory for a tenth of the time: those of 3 MiB.
constexpr int64_t kMostWeights = 768 * 1024;
// Fewer rows have pairs for three tiles only. Asked of rows that stand together, and not of all, as
// an image has the same bits in a batch as alone.
constexpr int64_t kFewestRows = 40;
// What the left operands of a block of pairs take.
constexpr int64_t kBlockBytes = 512 * 1024;
constexpr int64_t kMostPairs = kMaxBlockRows / 2;
constexpr int64_t kMaxColumns = 64;  // of a block, on any instruction set
// Between neighbouring operands: without it they would share a set of the cache.
constexpr int64_t kGap = 16;
constexpr int64_t kHeldFloats = 16;  // a cache line
constexpr int64_t kPointerFloats = sizeof(const float*) / sizeof(float);

int64_t RoundUpToLine(int64_t floats) { return RoundUp(floats, 16); }

// Where the packed right operand of a product is: two groups of blocks of two taps, as the matrix
// kernel takes them for few rows, [B21 - B11, B11] and [B12 - B22, B22], then the sums of
// products 1, 6 and 7.
struct Packed {
  Packed(int64_t depth, int64_t columns)
      : half(depth / 2),
        blocks(ColumnBlocks::Of(columns / 2)),
        quarter(blocks.PackedFloats(half)) {}

  int64_t OfProduct(int product, int64_t block) const {
    const int64_t first = blocks.FirstColumn(block) * half;
    const int64_t tap = blocks.Vectors(block) * blocks.lanes * half;
    switch (product) {
      case 2:
        return 2 * first + tap;
      case 3:
        return 2 * quarter + 2 * first;
      case 4:
        return 2 * first;
      case 5:
        return 2 * quarter + 2 * first + tap;
      case 1:
        return 4 * quarter + first;
      default:
        return (product - 1) * quarter + first;  // 6 and 7
    }
  }

  int64_t half;
  ColumnBlocks blocks;
  int64_t quarter;
};

class Runner {
 public:
  Runner(const WeightProduct& product, int threads)
      : p_(product),
        packed_(product.depth, product.columns),
        stride_(RoundUpToLine(packed_.half)),
        pairs_together_(DivideUp(product.rows_together, 2)),
        pairs_(product.rows / product.rows_together * pairs_together_) {
    const int64_t rows = MatrixTileRows(packed_.blocks.Vectors(0));
    const int64_t bytes = kStrassenProducts * stride_ * int64_t{sizeof(float)};
    const int64_t most = std::min(kBlockBytes / bytes / rows * rows, kMostPairs);
    const RowBlocks blocks = EvenRowBlocks(pairs_, most, rows, packed_.blocks.count(), threads);
    block_pairs_ = blocks.rows;
    row_blocks_ = blocks.count;
    by_columns_ = threads > 1 && row_blocks_ < 4 * threads;
  }

  int64_t ScratchFloats(int threads) const {
    return RoundUpToLine(p_.depth) + threads * WorkerFloats();
  }

  // Threads make the left operands of every block of rows that they have a part of: to read what
  // another has just written takes longer.
  void Run(RowMaker rows, float* scratch, Parallel& parallel) const {
    float* const zeros = scratch;
    std::fill(zeros, zeros + p_.depth, 0.0f);
    float* const workers = zeros + RoundUpToLine(p_.depth);
    for (int i = 0; i < parallel.threads(); ++i) *HeldBlock(workers, i) = -1;
    const int64_t column_blocks = packed_.blocks.count();
    const int64_t step = InputStep(block_pairs_);
    parallel.For(row_blocks_ * column_blocks, by_columns_ ? 1 : column_blocks,
                 [&](int64_t task, int64_t end, int worker) {
                   int64_t* const held = HeldBlock(workers, worker);
                   float* const products = workers + worker * WorkerFloats() + kHeldFloats;
                   float* const sums = products + ProductFloats();
                   for (; task < end; ++task) {
                     const int64_t block = task / column_blocks;
                     const int64_t first = block * block_pairs_;
                     if (*held != block) {
                       SumRows(rows, zeros, first, std::min(first + block_pairs_, pairs_), products,
                               sums, step);
                       *held = block;
                     }
                     Multiply(first, task % column_blocks, sums, step, products);
                   }
                 });
  }

 private:
  // The right operand that is wanted behind that of a product: the next one's, or the next block's.
  const float* PanelAfter(int product, int64_t block) const {
    if (product < kStrassenProducts) return p_.packed + packed_.OfProduct(product + 1, block);
    if (block + 1 == packed_.blocks.count()) return nullptr;
    return p_.packed + packed_.OfProduct(1, block + 1);
  }
  // Floats from the left operand of one product to that of the next.
  int64_t InputStep(int64_t pairs) const { return pairs * stride_ + kGap; }
  int64_t ProductStep() const { return block_pairs_ * kMaxColumns + kGap; }
  // A worker's products of a block, or the addresses of its rows.
  int64_t ProductFloats() const {
    return std::max(kStrassenProducts * ProductStep(),
                    RoundUpToLine(2 * kMostPairs * kPointerFloats));
  }
  // Of a worker: which block of rows it has the left operands of, products, those operands.
  int64_t WorkerFloats() const {
    return kHeldFloats + ProductFloats() + kStrassenProducts * InputStep(block_pairs_);
  }
  int64_t* HeldBlock(float* workers, int worker) const {
    return reinterpret_cast<int64_t*>(workers + worker * WorkerFloats());
  }
  int64_t FirstRow(int64_t pair) const {
    return pair / pairs_together_ * p_.rows_together + pair % pairs_together_ * 2;
  }
  bool IsWhole(int64_t pair) const { return pair % pairs_together_ * 2 + 1 < p_.rows_together; }

  void SumRows(RowMaker make_rows, const float* zeros, int64_t begin, int64_t end, float* memory,
               float* sums, int64_t step) const {
    auto* const rows = reinterpret_cast<const float**>(memory);
    const int64_t first = FirstRow(begin);
    const int64_t last = FirstRow(end - 1) + (IsWhole(end - 1) ? 2 : 1);
    make_rows({0, first, last - first, 0, 1, rows, kMaxBlockRows, nullptr});
    for (int64_t pair = begin; pair < end; ++pair, sums += stride_) {
      const float* const* const row = rows + (FirstRow(pair) - first);
      SumStrassenRows(row[0], IsWhole(pair) ? row[1] : zeros, packed_.half, sums, step);
    }
  }

  // The seven products of a block of pairs and a block of columns, and what becomes of them.
  void Multiply(int64_t first_pair, int64_t block, const float* inputs, int64_t step,
                float* memory) const {
    const int64_t pairs = std::min(block_pairs_, pairs_ - first_pair);
    const int64_t width = packed_.blocks.Vectors(block) * packed_.blocks.lanes;
    DenseBlock product;
    product.left_stride = stride_;
    product.rows = pairs;
    product.depth = packed_.half;
    product.vectors = packed_.blocks.Vectors(block);
    product.columns = packed_.blocks.Columns(block);
    product.out_stride = width;
    for (int i = 0; i < kStrassenProducts; ++i) {
      product.left[0] = inputs + i * step;
      product.right = p_.packed + packed_.OfProduct(i + 1, block);
      product.next = PanelAfter(i + 1, block);
      product.out = memory + i * ProductStep();
      MultiplyDenseBlock(product);
    }
    Finish(first_pair, pairs, block, memory, width);
  }

  void Finish(int64_t first_pair, int64_t pairs, int64_t block, const float* products,
              int64_t width) const {
    const Epilogue& epilogue = p_.epilogue;
    const int64_t column = packed_.blocks.FirstColumn(block);
    StrassenOutput output;
    output.products = products;
    output.step = ProductStep();
    output.columns = packed_.blocks.Columns(block);
    output.half = p_.columns / 2;
    output.bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + column;
    output.at_least_zero = epilogue.activation.kind == Activation::Kind::kRelu;
    const bool adds = epilogue.residual != nullptr;
    for (int64_t pair = first_pair; pair < first_pair + pairs; ++pair, output.products += width) {
      const int64_t row = FirstRow(pair);
      output.upper = p_.out + row * p_.out_stride + column;
      output.lower = IsWhole(pair) ? output.upper + p_.out_stride : nullptr;
      output.upper_residual =
          adds ? epilogue.residual + row * epilogue.residual_stride + column : nullptr;
      output.lower_residual = adds ? output.upper_residual + epilogue.residual_stride : nullptr;
      FinishStrassenRows(output);
    }
    if (epilogue.activation.kind == Activation::Kind::kNone || output.at_least_zero) return;
    const int64_t last = first_pair + pairs - 1;
    ActivationRows rows;
    rows.x = rows.out = p_.out + FirstRow(first_pair) * p_.out_stride + column;
    rows.x_stride = rows.out_stride = p_.out_stride;
    rows.count = FirstRow(last) + (IsWhole(last) ? 2 : 1) - FirstRow(first_pair);
    rows.columns = output.columns;
    for (int half = 0; half < 2; ++half) {
      ActivateRows(epilogue.activation, rows);
      rows.x = rows.out += output.half;
    }
  }

  const WeightProduct& p_;
  const Packed packed_;
  int64_t stride_;  // of rows of the left operands
  int64_t pairs_together_;
  int64_t pairs_;
  int64_t block_pairs_;
  int64_t row_blocks_;
  bool by_columns_;  // threads share a block of rows, for want of such blocks
};

bool HasPairs(const WeightProduct& p) { return p.rows_together >= kFewestRows; }

// For few rows [a1 a2]: a2 (B21 - B11) + (a1 + a2) B11 and a1 (B12 - B22) + (a1 + a2) B22, two
// products of two taps.
MatrixProduct ProductOfFew(const WeightProduct& p) {
  const Packed packed(p.depth, p.columns);
  MatrixProduct product;
  product.rows = p.rows;
  product.taps = 2;
  product.depth = packed.half;
  product.groups = 2;
  product.blocks = packed.blocks;
  product.right = p.packed;
  product.right_step = 2 * packed.quarter;
  product.out = p.out;
  product.out_stride = p.out_stride;
  product.epilogue = p.epilogue;
  product.out_step = product.bias_step = product.residual_step = p.columns / 2;
  product.row_scratch_floats = std::min(p.rows, kMaxBlockRows) * RoundUpToLine(packed.half);
  return product;
}

void MultiplyFew(const WeightProduct& p, RowMaker make_rows, void* scratch, Parallel& parallel) {
  const int64_t half = p.depth / 2;
  const auto rows = [&](const RowRequest& request) {
    make_rows(
        {0, request.first_row, request.row_count, 0, 1, request.rows, request.stride, nullptr});
    float* sums = request.scratch;
    for (int64_t i = 0; i < request.row_count; ++i, sums += RoundUpToLine(half)) {
      const float* const row = request.rows[i];
      AddHalves(row, row + half, half, sums);
      request.rows[i] = request.group == 0 ? row + half : row;
      request.rows[request.stride + i] = sums;
    }
  };
  MultiplyMatrix(ProductOfFew(p), rows, scratch, parallel);
}

}  // namespace

bool UsesStrassen(int64_t depth, int64_t columns) {
  // Where a multiplication and an addition are two instructions the sums gain nothing (SSE4:
  // squeezenet, light_resnet50 and the encoder take the same time with and without), and each
  // rounds twice.
  if (CurrentIsa() == Isa::kScalar || CurrentIsa() == Isa::kSse4) return false;
  if (depth % 2 != 0 || columns % 2 != 0 || depth * columns > kMostWeights) return false;
  const int64_t cost = 2 * (kDepthCost * depth + kColumnCost * columns);
  if (depth * columns < cost) return false;
  // An eighth, less what halves that are no whole vectors take.
  const ColumnBlocks whole = ColumnBlocks::Of(columns);
  const ColumnBlocks half = ColumnBlocks::Of(columns / 2);
  const int64_t saved = depth * whole.lanes * (8 * whole.vectors() - 14 * half.vectors());
  return saved >= (whole.lanes < 16 ? cost : 2 * cost);
}

size_t PackedStrassenFloats(int64_t depth, int64_t columns) {
  return static_cast<size_t>(kStrassenProducts * Packed(depth, columns).quarter);
}

void PackStrassen(const RightSource& source, int64_t columns, float* packed) {
  const Packed place(source.depth, columns);
  const int64_t half = place.half;
  const int64_t most = place.blocks.Vectors(0) * place.blocks.lanes * half;
  const BriefMemory memory(static_cast<size_t>(4 * most) * sizeof(float));
  auto* const sides = static_cast<float*>(memory.get());
  RightSource right = source;
  right.first_column += columns / 2;
  for (int64_t block = 0; block < place.blocks.count(); ++block) {
    PackRightBlock(source, place.blocks, block, sides);
    PackRightBlock(right, place.blocks, block, sides + 2 * most);
    // Lower quarters lie behind the upper ones.
    const int64_t floats = place.blocks.Vectors(block) * place.blocks.lanes * half;
    const float* const b11 = sides;
    const float* const b21 = b11 + floats;
    const float* const b12 = b11 + 2 * most;
    const float* const b22 = b12 + floats;
    const auto fill = [&](int product, auto sum) {
      float* const __restrict to = packed + place.OfProduct(product, block);
      for (int64_t i = 0; i < floats; ++i) to[i] = sum(i);
    };
    fill(1, [=](int64_t i) { return b11[i] + b22[i]; });
    fill(2, [=](int64_t i) { return b11[i]; });
    fill(3, [=](int64_t i) { return b12[i] - b22[i]; });
    fill(4, [=](int64_t i) { return b21[i] - b11[i]; });
    fill(5, [=](int64_t i) { return b22[i]; });
    fill(6, [=](int64_t i) { return b11[i] + b12[i]; });
    fill(7, [=](int64_t i) { return b21[i] + b22[i]; });
  }
}

size_t StrassenScratchBytes(const WeightProduct& product, int threads) {
  if (!HasPairs(product)) return MatrixScratchBytes(ProductOfFew(product), threads);
  return static_cast<size_t>(Runner(product, threads).ScratchFloats(threads)) * sizeof(float);
}

void MultiplyStrassen(const WeightProduct& product, RowMaker rows, void* scratch,
                      Parallel& parallel) {
  if (!HasPairs(product)) {
    MultiplyFew(product, rows, scratch, parallel);
  } else {
    Runner(product, parallel.threads()).Run(rows, static_cast<float*>(scratch), parallel);
  }
}

}  // namespace mullion::cpu
