// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/strassen.h"

#include <algorithm>

#include "base/brief_memory.h"
#include "base/rounding.h"
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
// Buffers of sums in a worker's memory, each as large as a product of a block, and one for biases.
constexpr int64_t kBuffers = 5;
constexpr int64_t kBiasFloats = 2 * kMaxColumns;
constexpr int64_t kPointerFloats = sizeof(const float*) / sizeof(float);

int64_t RoundUpToLine(int64_t floats) { return RoundUp(floats, 16); }

// Right operands.
enum Right : uint8_t { kB11, kB21, kT3, kB22, kT1, kT2, kT4 };

// Where they are packed: two groups of blocks of two taps, as the matrix kernel takes them for few
// rows, [B11, B21] and [T3, B22], then the others.
struct Packed {
  Packed(int64_t depth, int64_t columns)
      : half(depth / 2),
        blocks(ColumnBlocks::Of(columns / 2)),
        quarter(blocks.PackedFloats(half)) {}

  int64_t Of(Right right, int64_t block) const {
    const int64_t first = blocks.FirstColumn(block) * half;
    if (right >= kT1) return right * quarter + first;
    const int64_t tap = blocks.Vectors(block) * blocks.lanes * half;
    return right / 2 * 2 * quarter + 2 * first + right % 2 * tap;
  }

  int64_t half;
  ColumnBlocks blocks;
  int64_t quarter;
};

// Left operands: what SumStrassenRows writes, in its order.
enum Left : uint8_t { kS1, kS2, kS3, kS4, kA11, kA12, kA22 };

// The products in their order: what they begin with and what is added to them is the sums of an
// earlier one, or the bias of the left or right half of the columns. Chains begin with little where
// they can, as each addition rounds to what the sum has grown to.
enum Sums : int8_t { kU1, kU2, kU3, kV, kLower, kNone = -1, kLeftBias = -2, kRightBias = -3 };
struct Step {
  Left left;
  Right right;
  Sums start;
  Sums added;
  Sums sums;
  int8_t quarter;  // of the output, or -1
};
constexpr Step kSteps[kStrassenProducts] = {
    {kA11, kB11, kNone, kNone, kU1, -1},    {kS2, kT2, kNone, kU1, kU2, -1},
    {kS3, kT3, kNone, kU2, kU3, -1},        {kS1, kT1, kRightBias, kNone, kV, -1},
    {kS4, kB22, kV, kU2, kU2, 1},           {kA12, kB21, kLeftBias, kU1, kU1, 0},
    {kA22, kT4, kLeftBias, kU3, kLower, 2},
};

// What a worker has the left operands of: A11, A12 and A22 where they lie if `rows` is not null.
struct Held {
  int64_t block;  // of rows, or -1
  const float* rows;
  int64_t stride;  // from one pair to the next
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
    for (int i = 0; i < parallel.threads(); ++i) HeldBlock(workers, i)->block = -1;
    const int64_t column_blocks = packed_.blocks.count();
    const int64_t step = InputStep(block_pairs_);
    parallel.For(row_blocks_ * column_blocks, by_columns_ ? 1 : column_blocks,
                 [&](int64_t task, int64_t end, int worker) {
                   Held* const held = HeldBlock(workers, worker);
                   float* const products = workers + worker * WorkerFloats() + kHeldFloats;
                   float* const sums = products + ProductFloats();
                   for (; task < end; ++task) {
                     const int64_t block = task / column_blocks;
                     const int64_t first = block * block_pairs_;
                     if (held->block != block) {
                       *held = SumRows(rows, zeros, first, std::min(first + block_pairs_, pairs_),
                                       products, sums, step);
                       held->block = block;
                     }
                     Multiply(first, task % column_blocks, *held, sums, step, products);
                   }
                 });
  }

 private:
  // The right operand that is wanted behind that of a step: the next one's, or the next block's.
  const float* PanelAfter(int step, int64_t block) const {
    if (step + 1 < kStrassenProducts) return p_.packed + packed_.Of(kSteps[step + 1].right, block);
    if (block + 1 == packed_.blocks.count()) return nullptr;
    return p_.packed + packed_.Of(kSteps[0].right, block + 1);
  }
  // Floats from the left operand of one product to that of the next.
  int64_t InputStep(int64_t pairs) const { return pairs * stride_ + kGap; }
  int64_t ProductStep() const { return block_pairs_ * kMaxColumns + kGap; }
  // A worker's sums of a block and biases, or the addresses of its rows.
  int64_t ProductFloats() const {
    return std::max(kBuffers * ProductStep() + kBiasFloats,
                    RoundUpToLine(2 * kMostPairs * kPointerFloats));
  }
  // Of a worker: which block of rows it has the left operands of, sums, those operands.
  int64_t WorkerFloats() const {
    return kHeldFloats + ProductFloats() + kStrassenProducts * InputStep(block_pairs_);
  }
  Held* HeldBlock(float* workers, int worker) const {
    return reinterpret_cast<Held*>(workers + worker * WorkerFloats());
  }
  int64_t FirstRow(int64_t pair) const {
    return pair / pairs_together_ * p_.rows_together + pair % pairs_together_ * 2;
  }
  bool IsWhole(int64_t pair) const { return pair % pairs_together_ * 2 + 1 < p_.rows_together; }

  // Whether every row of pairs [begin, end) has a partner, but for the last one, so that upper rows
  // are at equal distances.
  bool AreInLine(int64_t begin, int64_t end) const {
    return FirstRow(end - 1) - FirstRow(begin) == 2 * (end - 1 - begin);
  }

  Held SumRows(RowMaker make_rows, const float* zeros, int64_t begin, int64_t end, float* memory,
               float* sums, int64_t step) const {
    auto* const rows = reinterpret_cast<const float**>(memory);
    const int64_t first = FirstRow(begin);
    const int64_t count = FirstRow(end - 1) + (IsWhole(end - 1) ? 2 : 1) - first;
    make_rows({0, first, count, 0, 1, rows, kMaxBlockRows, nullptr});
    Held held{};
    if (AreInLine(begin, end)) {
      const int64_t stride = count > 1 ? rows[1] - rows[0] : 0;
      int64_t i = 1;
      while (i < count && rows[i] - rows[i - 1] == stride) ++i;
      if (i == count) held = {0, rows[0], 2 * stride};
    }
    for (int64_t pair = begin; pair < end; ++pair, sums += stride_) {
      const float* const* const row = rows + (FirstRow(pair) - first);
      SumStrassenRows(row[0], IsWhole(pair) ? row[1] : zeros, packed_.half, sums, step,
                      held.rows == nullptr);
    }
    return held;
  }

  // The seven products of a block of pairs and a block of columns, and what becomes of them. Where
  // nothing else is added they are stored to the output right away.
  void Multiply(int64_t first_pair, int64_t block, const Held& held, const float* inputs,
                int64_t step, float* memory) const {
    const int64_t lanes = packed_.blocks.lanes;
    const int64_t width = packed_.blocks.Vectors(block) * lanes;
    const int64_t pairs = std::min(block_pairs_, pairs_ - first_pair);
    const bool stores = p_.epilogue.residual == nullptr &&
                        AreInLine(first_pair, first_pair + pairs) &&
                        packed_.blocks.columns % lanes == 0;
    // A last row without a partner has no quarters below.
    const int64_t lower_rows = pairs - (IsWhole(first_pair + pairs - 1) ? 0 : 1);
    float* const bias = memory + kBuffers * ProductStep();
    if (p_.epilogue.bias != nullptr) CopyBias(block, bias);
    const auto sums_of = [&](Sums sums) -> float* {
      if (sums >= 0) return memory + sums * ProductStep();
      if (sums == kNone || p_.epilogue.bias == nullptr) return nullptr;
      return sums == kLeftBias ? bias : bias + kMaxColumns;
    };
    DenseBlock product;
    product.depth = packed_.half;
    product.vectors = packed_.blocks.Vectors(block);
    product.columns = packed_.blocks.Columns(block);
    for (int i = 0; i < kStrassenProducts; ++i) {
      const Step& now = kSteps[i];
      const bool in_place = held.rows != nullptr && now.left >= kA11;
      product.rows = now.left == kA22 ? lower_rows : pairs;
      product.left[0] = in_place ? PlaceOf(now.left, held) : inputs + now.left * step;
      product.left_stride = in_place ? held.stride : stride_;
      product.right = p_.packed + packed_.Of(now.right, block);
      product.next = PanelAfter(i, block);
      product.start = sums_of(now.start);
      product.start_stride = now.start >= 0 ? width : 0;
      product.added = sums_of(now.added);
      product.added_stride = now.added >= 0 ? width : 0;
      product.out = sums_of(now.sums);
      product.out_stride = width;
      product.at_least_zero = false;
      if (stores && now.quarter >= 0) {
        product.out = QuarterOf(now.quarter, first_pair, block);
        product.out_stride = 2 * p_.out_stride;
        product.at_least_zero = at_least_zero();
      }
      MultiplyDenseBlock(product);
    }
    Finish(first_pair, pairs, block, memory, stores ? 3 : 0);
    Activate(first_pair, pairs, block);
  }

  // Of the columns of a block in both halves, padded to whole vectors with zeros.
  void CopyBias(int64_t block, float* to) const {
    const float* const from = p_.epilogue.bias + packed_.blocks.FirstColumn(block);
    const int64_t columns = packed_.blocks.Columns(block);
    std::fill_n(to, kBiasFloats, 0.0f);
    std::copy_n(from, columns, to);
    std::copy_n(from + p_.columns / 2, columns, to + kMaxColumns);
  }

  const float* PlaceOf(Left left, const Held& held) const {
    if (left == kA11) return held.rows;
    return held.rows + packed_.half + (left == kA22 ? held.stride / 2 : 0);
  }

  bool at_least_zero() const { return p_.epilogue.activation.kind == Activation::Kind::kRelu; }

  // Where the outputs of a pair and a block of columns begin in a quarter.
  int64_t ColumnOf(int quarter, int64_t block) const {
    return packed_.blocks.FirstColumn(block) + quarter % 2 * (p_.columns / 2);
  }
  float* QuarterOf(int quarter, int64_t pair, int64_t block) const {
    return p_.out + (FirstRow(pair) + quarter / 2) * p_.out_stride + ColumnOf(quarter, block);
  }

  // Quarters from `first` on, of pairs that are together at a time.
  void Finish(int64_t first_pair, int64_t pairs, int64_t block, const float* memory,
              int first) const {
    const Epilogue& epilogue = p_.epilogue;
    const int64_t width = packed_.blocks.Vectors(block) * packed_.blocks.lanes;
    constexpr Sums kSumsOf[] = {kU1, kU2, kLower, kU3};
    for (int64_t done = 0; done < pairs;) {
      const int64_t pair = first_pair + done;
      const int64_t count = std::min(pairs - done, pairs_together_ - pair % pairs_together_);
      for (int quarter = first; quarter < 4; ++quarter) {
        StrassenQuarter q;
        q.sums = memory + kSumsOf[quarter] * ProductStep() + done * width;
        q.more = quarter == 3 ? memory + kV * ProductStep() + done * width : nullptr;
        q.width = width;
        q.rows = count - (quarter < 2 || IsWhole(pair + count - 1) ? 0 : 1);
        q.columns = packed_.blocks.Columns(block);
        q.at_least_zero = at_least_zero();
        q.out = QuarterOf(quarter, pair, block);
        q.out_stride = 2 * p_.out_stride;
        q.residual = nullptr;
        q.residual_stride = 2 * epilogue.residual_stride;
        if (epilogue.residual != nullptr) {
          q.residual = epilogue.residual +
                       (FirstRow(pair) + quarter / 2) * epilogue.residual_stride +
                       ColumnOf(quarter, block);
        }
        FinishStrassenQuarter(q);
      }
      done += count;
    }
  }

  void Activate(int64_t first_pair, int64_t pairs, int64_t block) const {
    const Activation& activation = p_.epilogue.activation;
    if (activation.kind == Activation::Kind::kNone || at_least_zero()) return;
    const int64_t last = first_pair + pairs - 1;
    ActivationRows rows;
    rows.x_stride = rows.out_stride = p_.out_stride;
    rows.count = FirstRow(last) + (IsWhole(last) ? 2 : 1) - FirstRow(first_pair);
    rows.columns = packed_.blocks.Columns(block);
    for (int half = 0; half < 2; ++half) {
      rows.x = rows.out = QuarterOf(half, first_pair, block);
      ActivateRows(activation, rows);
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

// For few rows [a1 a2]: a1 B11 + a2 B21 and a1 (B12 - B22) + (a1 + a2) B22, two products of two
// taps.
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
      request.rows[request.stride + i] = request.group == 0 ? row + half : sums;
      if (request.group != 0) AddHalves(row, row + half, half, sums);
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
    const auto fill = [&](Right right_operand, auto sum) {
      float* const __restrict to = packed + place.Of(right_operand, block);
      for (int64_t i = 0; i < floats; ++i) to[i] = sum(i);
    };
    fill(kB11, [=](int64_t i) { return b11[i]; });
    fill(kB21, [=](int64_t i) { return b21[i]; });
    fill(kT3, [=](int64_t i) { return b12[i] - b22[i]; });
    fill(kB22, [=](int64_t i) { return b22[i]; });
    fill(kT1, [=](int64_t i) { return b12[i] - b11[i]; });
    fill(kT2, [=](int64_t i) { return b22[i] - (b12[i] - b11[i]); });
    fill(kT4, [=](int64_t i) { return b21[i] - (b22[i] - (b12[i] - b11[i])); });
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
