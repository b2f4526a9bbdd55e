// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/block_product.h"

#include <algorithm>
#include <array>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/matrix/block_product.cc"
#include "base/packed.h"
#include "base/tensor.h"
#include "devices/cpu/kernels/matrix/block_tile.h"
#include "devices/cpu/kernels/matrix/matrix_kernel.h"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"

#ifndef MULLION_DEVICES_CPU_KERNELS_BLOCK_PRODUCT_ONCE_
#define MULLION_DEVICES_CPU_KERNELS_BLOCK_PRODUCT_ONCE_
namespace mullion::cpu {

// Four vectors hide the latency of a multiply-add.
constexpr int kBlockVectors = 4;
constexpr int kMostBlockColumns = 64;
// Rows that share what is made of a word of numbers.
constexpr int kBlockRows = 4;

struct BlockTile {
  const BlockWeights& weights;
  const int32_t* numbers;  // of the panel, as the next two
  const float* scales;
  const uint8_t* zeros;          // or null, as the next
  const float* shifts;           // not added by AddBlocks
  const float* const* rows;      // of the left operand, times BlockFactor
  const float* const* row_sums;  // of each block of a row
};

// What undoes the place of number j in its word; 1 for the last, which is shifted down.
constexpr float BlockFactor(int bits, int j) {
  return j == 32 / bits - 1 ? 1.0f : 1.0f / static_cast<float>(1 << (bits * j));
}

}  // namespace mullion::cpu
#endif  // MULLION_DEVICES_CPU_KERNELS_BLOCK_PRODUCT_ONCE_

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, kMostBlockColumns / kBlockVectors>;
using V = hn::Vec<D>;
using Words = hn::Vec<hn::RebindToSigned<D>>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D()));
constexpr int64_t kWidth = kLanes * kBlockVectors;

// Numbers of a word, the first in its lowest bits, as they stand there: number j times
// 2^(kBits * j), which the left operand is divided by. Two operations make a float of a number, and
// they go to other ports than multiply-adds do. The last is shifted, as it would make the sign.
template <int kBits>
struct WordNumbers {
  static constexpr int kCount = 32 / kBits;
  static constexpr int32_t kMask = (1 << kBits) - 1;

  static HWY_INLINE V Get(Words words, int j) {
    const hn::RebindToSigned<D> di;
    const hn::RebindToUnsigned<D> du;
    const D d;
    if (j == kCount - 1) {
      const auto last = hn::ShiftRight<32 - kBits>(hn::BitCast(du, words));
      return hn::ConvertTo(d, hn::BitCast(di, last));
    }
    return hn::ConvertTo(d, hn::And(words, hn::Set(di, kMask << (kBits * j))));
  }
};

template <int kBits>
HWY_INLINE V ZeroPoints(const uint8_t* zeros) {
  const D d;
  if (zeros == nullptr) return hn::Set(d, static_cast<float>(1 << (kBits - 1)));
  const hn::Rebind<uint8_t, D> d8;
  return hn::ConvertTo(d, hn::PromoteTo(hn::RebindToSigned<D>(), hn::LoadU(d8, zeros)));
}

// Adds to `totals` ([row][kWidth]).
template <int kBits, int kRows>
void AddBlocks(const BlockTile& t, float* totals) {
  using Numbers = WordNumbers<kBits>;
  const D d;
  const hn::RebindToSigned<D> di;
  const int32_t* numbers = t.numbers;
  const int64_t depth = t.weights.padded_depth();
  for (int64_t block = 0, k = 0; k < depth; ++block) {
    V sums[kRows][kBlockVectors];
#pragma GCC unroll 16
    for (int i = 0; i < kRows * kBlockVectors; ++i) {
      sums[i / kBlockVectors][i % kBlockVectors] = hn::Zero(d);
    }
    const int64_t end = std::min(depth, k + t.weights.block);
    for (; k < end; k += Numbers::kCount, numbers += kWidth) {
      Words words[kBlockVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kBlockVectors; ++v) words[v] = hn::LoadU(di, numbers + v * kLanes);
#pragma GCC unroll 8
      for (int j = 0; j < Numbers::kCount; ++j) {
        V weight[kBlockVectors];
#pragma GCC unroll 4
        for (int v = 0; v < kBlockVectors; ++v) weight[v] = Numbers::Get(words[v], j);
#pragma GCC unroll 4
        for (int r = 0; r < kRows; ++r) {
          const V left = hn::Set(d, t.rows[r][k + j]);
#pragma GCC unroll 4
          for (int v = 0; v < kBlockVectors; ++v) {
            sums[r][v] = hn::MulAdd(left, weight[v], sums[r][v]);
          }
        }
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < kBlockVectors; ++v) {
      const int64_t at = block * kWidth + v * kLanes;
      const V scale = hn::LoadU(d, t.scales + at);
      const V zero = ZeroPoints<kBits>(t.zeros == nullptr ? nullptr : t.zeros + at);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const V sum = hn::NegMulAdd(zero, hn::Set(d, t.row_sums[r][block]), sums[r][v]);
        float* const total = totals + r * kWidth + v * kLanes;
        hn::StoreU(hn::MulAdd(scale, sum, hn::LoadU(d, total)), d, total);
      }
    }
  }
}

// The panel as floats: vector v of each k at to[v], `steps[v]` apart; 0: not wanted.
template <int kBits>
void Widen(const BlockTile& t, float* (&to)[kBlockVectors], const int64_t* steps) {
  using Numbers = WordNumbers<kBits>;
  const D d;
  const hn::RebindToSigned<D> di;
  const int32_t* numbers = t.numbers;
  const int64_t depth = t.weights.depth;
  for (int64_t block = 0, k = 0; k < depth; ++block) {
    V scale[kBlockVectors];
    V zero[kBlockVectors];
    V shift[kBlockVectors];
    for (int v = 0; v < kBlockVectors; ++v) {
      const int64_t at = block * kWidth + v * kLanes;
      scale[v] = hn::LoadU(d, t.scales + at);
      zero[v] = ZeroPoints<kBits>(t.zeros == nullptr ? nullptr : t.zeros + at);
      shift[v] = t.shifts == nullptr ? hn::Zero(d) : hn::LoadU(d, t.shifts + at);
    }
    const int64_t end = std::min(depth, k + t.weights.block);
    for (; k < end; k += Numbers::kCount, numbers += kWidth) {
      const int64_t count = std::min<int64_t>(Numbers::kCount, end - k);
      for (int v = 0; v < kBlockVectors; ++v) {
        if (steps[v] == 0) continue;
        const Words words = hn::LoadU(di, numbers + v * kLanes);
        V number[Numbers::kCount];
#pragma GCC unroll 8
        for (int j = 0; j < Numbers::kCount; ++j) {
          const V factor = hn::Set(d, BlockFactor(kBits, j));
          const V number_off = hn::MulSub(Numbers::Get(words, j), factor, zero[v]);
          number[j] = hn::MulAdd(number_off, scale[v], shift[v]);
        }
        for (int j = 0; j < count; ++j, to[v] += steps[v]) hn::StoreU(number[j], d, to[v]);
      }
    }
  }
}

}  // namespace

int BlockPanelColumns() { return static_cast<int>(kWidth); }

void AddBlocksSimd(const BlockTile& tile, int rows, float* totals) {
  if (tile.weights.bits == 4) {
    rows == 1 ? AddBlocks<4, 1>(tile, totals) : AddBlocks<4, kBlockRows>(tile, totals);
  } else {
    rows == 1 ? AddBlocks<8, 1>(tile, totals) : AddBlocks<8, kBlockRows>(tile, totals);
  }
}

// To the layout of the matrix kernel.
void WidenBlocksSimd(const BlockTile& tile, const ColumnBlocks& columns, float* to) {
  float* at[kBlockVectors] = {};
  int64_t steps[kBlockVectors] = {};
  for (int64_t block = 0, v = 0; block < columns.count(); ++block) {
    const int64_t step = columns.Vectors(block) * kLanes;
    float* const start = to + columns.FirstColumn(block) * tile.weights.depth;
    for (int i = 0; i < columns.Vectors(block); ++i, ++v) {
      at[v] = start + i * kLanes;
      steps[v] = step;
    }
  }
  tile.weights.bits == 4 ? Widen<4>(tile, at, steps) : Widen<8>(tile, at, steps);
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

namespace {

// Making floats of a panel costs as much as meeting it with so many rows, and then goes on being
// paid for by each.
constexpr int64_t kFewBlockRows = 12;
// Numbers that are worth a task.
constexpr int64_t kTaskNumbers = 128 * 1024;

constexpr int64_t RoundUp(int64_t bytes) {
  constexpr auto kLine = static_cast<int64_t>(kMemoryAlignment);
  return (bytes + kLine - 1) / kLine * kLine;
}

bool IsFew(const BlockProduct& p) { return p.rows <= kFewBlockRows; }

bool Rounds(const BlockProduct& p) {
#if defined(__x86_64__)
  constexpr int64_t kMostByteBlock = 1 << 16;  // products of a byte and a number are less than 2^15
  return p.may_round && IsFew(p) && p.weights.block <= kMostByteBlock &&
         p.weights.panel_columns == kBlockTileWidth && CurrentIsa() >= Isa::kAvx512Vnni;
#else
  static_cast<void>(p);
  return false;
#endif
}

// Bytes take less memory than floats do.
int64_t RowFloats(const BlockProduct& p) {
  return IsFew(p) ? p.rows * (p.weights.padded_depth() + 2 * p.weights.blocks()) : 0;
}

MatrixProduct PanelProductOf(const BlockProduct& p, int64_t panel) {
  const int64_t first = panel * p.weights.panel_columns;
  MatrixProduct product;
  product.rows = p.rows;
  product.depth = p.weights.depth;
  product.blocks =
      ColumnBlocks::Of(std::min<int64_t>(p.weights.panel_columns, p.weights.columns - first));
  product.out = p.out + first;
  product.out_stride = p.weights.columns;
  if (p.bias != nullptr) product.epilogue.bias = p.bias + first;
  return product;
}

int64_t PanelBytes(const BlockProduct& p) {
  return RoundUp(p.weights.depth * p.weights.panel_columns * int64_t{sizeof(float)});
}

int64_t WorkerBytes(const BlockProduct& p) {
  if (IsFew(p) || p.weights.columns == 0) return 0;
  return PanelBytes(p) + RoundUp(static_cast<int64_t>(MatrixScratchBytes(PanelProductOf(p, 0), 1)));
}

BlockTile TileOf(const BlockProduct& p, int64_t panel) {
  const int64_t scales = panel * p.weights.blocks() * p.weights.panel_columns;
  return {p.weights,
          reinterpret_cast<const int32_t*>(p.numbers) + panel * p.weights.panel_words(),
          p.scales + scales,
          p.zeros == nullptr ? nullptr : p.zeros + scales,
          p.shifts == nullptr ? nullptr : p.shifts + scales,
          nullptr,
          nullptr};
}

// What panels of a product of few rows read.
struct FewRows {
  std::array<const float*, kFewBlockRows> rows;
  std::array<const float*, kFewBlockRows> sums;

  FewRows(const BlockProduct& p, float* memory) {
    const BlockWeights& w = p.weights;
    for (int64_t m = 0; m < p.rows; ++m) {
      const auto at = static_cast<size_t>(m);
      rows[at] = memory + m * w.padded_depth();
      sums[at] = memory + p.rows * w.padded_depth() + m * w.blocks();
      Scale(w, p.left + m * w.depth, memory + m * w.padded_depth(),
            memory + p.rows * w.padded_depth() + m * w.blocks());
    }
  }

  void Add(BlockTile tile, int64_t first, int count, float* totals) const {
    tile.rows = rows.data() + first;
    tile.row_sums = sums.data() + first;
    MULLION_SIMD_CALL(AddBlocksSimd)(tile, count, totals);
  }

  static void Scale(const BlockWeights& w, const float* from, float* to, float* block_sums) {
    float factors[8];
    for (int j = 0; j < 8; ++j) factors[j] = BlockFactor(w.bits, j % (32 / w.bits));
    for (int64_t b = 0, k = 0; b < w.blocks(); ++b) {
      float sums[8] = {};
      const int64_t end = std::min(w.depth, k + w.block);
      for (; k + 8 <= end; k += 8) {
        for (int j = 0; j < 8; ++j) {
          sums[j] += from[k + j];
          to[k + j] = from[k + j] * factors[j];
        }
      }
      for (; k < end; ++k) {
        sums[k % 8] += from[k];
        to[k] = from[k] * factors[k % 8];
      }
      block_sums[b] =
          ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
    }
    std::fill(to + w.depth, to + w.padded_depth(), 0.0f);
  }
};

// The same of rows that become bytes.
struct FewByteRows {
  std::array<ByteRow, kFewBlockRows> rows;
  std::array<const float*, kFewBlockRows> sums;

  FewByteRows(const BlockProduct& p, float* memory) {
    const int64_t blocks = p.weights.blocks();
    const int64_t size = p.weights.padded_depth() + 2 * blocks;
    for (int64_t m = 0; m < p.rows; ++m, memory += size) {
      const auto at = static_cast<size_t>(m);
      rows[at] = MakeByteRow(p.weights, p.left + m * p.weights.depth, memory);
      // Bytes leave three quarters of the room of floats.
      float* const block_sums = memory + size - blocks;
      sums[at] = block_sums;
      for (int64_t b = 0; b < blocks; ++b) {
        block_sums[b] = rows[at].scales[b] * static_cast<float>(rows[at].sums[b]);
      }
    }
  }

  void Add(const BlockTile& tile, int64_t first, int count, float* totals) const {
#if defined(__x86_64__)
    const BlockByteTile bytes{tile.weights, reinterpret_cast<const uint32_t*>(tile.numbers),
                              tile.scales, tile.zeros, rows.data() + first};
    vnni::AddByteBlocks(bytes, count, totals);
#else
    static_cast<void>(tile), static_cast<void>(first), static_cast<void>(count);
    static_cast<void>(totals);
#endif
  }
};

// What takes half of the range of 2 bits to that of 4.
constexpr int kTwoBitOffset = 6;

// Eight numbers of 2 bits as eight of 4.
uint32_t WidenTwoBits(const uint8_t* from) {
  uint32_t bits = from[0] | static_cast<uint32_t>(from[1]) << 8;
  bits = (bits | bits << 8) & 0x00ff00ffu;
  bits = (bits | bits << 4) & 0x0f0f0f0fu;
  bits = (bits | bits << 2) & 0x33333333u;
  return bits + 0x11111111u * kTwoBitOffset;
}

// `get(column, block)` of all blocks, as panels have them.
template <typename T, class Get>
void PackByBlock(const BlockWeights& w, T* packed, const Get& get) {
  std::fill_n(packed, w.scale_count(), T{});
  for (int64_t column = 0; column < w.columns; ++column) {
    T* const to =
        packed + column / w.panel_columns * w.blocks() * w.panel_columns + column % w.panel_columns;
    for (int64_t b = 0; b < w.blocks(); ++b) to[b * w.panel_columns] = get(column, b);
  }
}

// Adds what the shifts of a panel make of a row; `sums` are those of its blocks.
void AddShifts(const BlockTile& tile, const float* sums, float* totals) {
  const float* shifts = tile.shifts;
  const int width = tile.weights.panel_columns;
  for (int64_t b = 0; b < tile.weights.blocks(); ++b, shifts += width) {
    for (int c = 0; c < width; ++c) totals[c] += sums[b] * shifts[c];
  }
}

// `few.Add(tile, first_row, rows, totals)` adds the products of 1 or kBlockRows rows.
template <class Few>
void MultiplyFew(const BlockProduct& p, int64_t panel, const Few& few) {
  const int64_t width = p.weights.panel_columns;
  const int64_t first = panel * width;
  const int64_t count = std::min(width, p.weights.columns - first);
  HWY_ALIGN float totals[kBlockRows * kMostBlockColumns];
  const BlockTile tile = TileOf(p, panel);
  int rows = 0;
  for (int64_t m = 0; m < p.rows; m += rows) {
    rows = p.rows - m >= kBlockRows ? kBlockRows : 1;
    for (int64_t r = 0; r < rows; ++r) {
      float* const row = totals + r * width;
      std::fill_n(row, width, 0.0f);
      if (p.bias != nullptr) std::copy_n(p.bias + first, count, row);
    }
    few.Add(tile, m, rows, totals);
    for (int64_t r = 0; r < rows; ++r) {
      float* const row = totals + r * width;
      if (p.shifts != nullptr) AddShifts(tile, few.sums[static_cast<size_t>(m + r)], row);
      std::copy_n(row, count, p.out + (m + r) * p.weights.columns + first);
    }
  }
}

template <class Few>
void MultiplyFewPanels(const BlockProduct& p, int64_t chunk, Parallel& parallel, const Few& few) {
  parallel.For(p.weights.panels(), chunk, [&](int64_t begin, int64_t end, int /*worker*/) {
    for (int64_t panel = begin; panel < end; ++panel) MultiplyFew(p, panel, few);
  });
}

}  // namespace

BlockWeights BlockWeights::Of(int given_bits, int64_t depth, int64_t columns, int64_t block) {
  const int bits = given_bits == 2 ? 4 : given_bits;
  return {given_bits, bits, depth, columns, block, MULLION_SIMD_CALL(BlockPanelColumns)()};
}

void PackBlockNumbers(const BlockWeights& w, const uint8_t* from, uint32_t* packed) {
  std::fill_n(packed, w.word_count(), 0u);
  const int64_t row_bytes = w.blocks() * w.block * w.given_bits / 8;
  const int64_t words = w.panel_words() / w.panel_columns;
  for (int64_t first = 0; first < w.columns; first += w.panel_columns) {
    const int64_t count = std::min<int64_t>(w.panel_columns, w.columns - first);
    uint32_t* const panel = packed + first / w.panel_columns * w.panel_words();
    for (int64_t i = 0; i < words; ++i) {
      const uint8_t* word = from + first * row_bytes + i * 4 * w.given_bits / w.bits;
      for (int64_t c = 0; c < count; ++c, word += row_bytes) {
        uint32_t& to = panel[i * w.panel_columns + c];
        if (w.given_bits == 2) {
          to = WidenTwoBits(word);
        } else {
          std::memcpy(&to, word, sizeof(uint32_t));
        }
      }
    }
  }
}

void PackBlockScales(const BlockWeights& w, const float* from, float* packed) {
  PackByBlock(w, packed, [&](int64_t column, int64_t b) { return from[column * w.blocks() + b]; });
}

void PackBlockZeros(const BlockWeights& w, const uint8_t* from, uint8_t* packed) {
  const int64_t row_bytes = (w.blocks() * w.given_bits + 7) / 8;
  PackByBlock(w, packed, [&](int64_t column, int64_t b) -> uint8_t {
    const uint8_t* const row = from + column * row_bytes;
    if (w.given_bits == 2) return static_cast<uint8_t>(PackedBits<2>(row, b) + kTwoBitOffset);
    return w.given_bits == 8 ? row[b] : PackedBits<4>(row, b);
  });
}

size_t BlockProductScratchBytes(const BlockProduct& p, int threads) {
  return static_cast<size_t>(RoundUp(RowFloats(p) * int64_t{sizeof(float)}) +
                             threads * WorkerBytes(p));
}

void MultiplyBlocks(const BlockProduct& p, void* scratch, Parallel& parallel) {
  if (p.rows == 0 || p.weights.columns == 0) return;
  const int64_t panel_numbers = std::max<int64_t>(p.weights.depth * p.weights.panel_columns, 1);
  if (IsFew(p)) {
    const int64_t chunk = std::max<int64_t>(kTaskNumbers / panel_numbers, 1);
    auto* const memory = static_cast<float*>(scratch);
    if (Rounds(p)) return MultiplyFewPanels(p, chunk, parallel, FewByteRows(p, memory));
    return MultiplyFewPanels(p, chunk, parallel, FewRows(p, memory));
  }
  const int64_t worker_bytes = WorkerBytes(p);
  parallel.For(p.weights.panels(), 1, [&](int64_t begin, int64_t end, int worker) {
    char* const memory = static_cast<char*>(scratch) + worker * worker_bytes;
    auto* const floats = reinterpret_cast<float*>(memory);
    SerialParallel serial;
    for (int64_t panel = begin; panel < end; ++panel) {
      MatrixProduct product = PanelProductOf(p, panel);
      MULLION_SIMD_CALL(WidenBlocksSimd)(TileOf(p, panel), product.blocks, floats);
      product.right = floats;
      MultiplyMatrix(product, PlainRows{p.left, p.weights.depth}, memory + PanelBytes(p), serial);
    }
  });
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
