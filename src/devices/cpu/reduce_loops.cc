// SPDX-License-Identifier: MIT
#include "devices/cpu/reduce_loops.h"

#include <algorithm>

#include "base/tensor.h"
#include "devices/cpu/kernels/matrix/transpose_tile.h"

namespace mullion::cpu {

namespace {

// The largest accumulator is a pair of doubles.
constexpr size_t kMaxAccumulatorBytes = 16;
// Elements that are worth a chunk of parallel work.
constexpr int64_t kChunkElements = 32 * 1024;
// With fewer tiles than this, the reduced index is cut into parts as well.
constexpr int64_t kWantedTasks = 32;
// A tile of short runs is turned in half of a first-level cache; the largest elements have 8 bytes.
// Fewer outputs than fill a vector would be taken in one by one.
constexpr int64_t kFewestTurned = 16;
constexpr int64_t kTurnedBytes = 16 * 1024;

// Rows of `columns` elements as `columns` rows.
void Turn(size_t element, const char* from, int64_t rows, int64_t columns, char* to) {
  const auto* const source = reinterpret_cast<const uint8_t*>(from);
  auto* const target = reinterpret_cast<uint8_t*>(to);
  const auto row_bytes = static_cast<ptrdiff_t>(element) * columns;
  const auto column_bytes = static_cast<ptrdiff_t>(element) * rows;
  if (CanInterleave(element, columns)) {
    Deinterleave(element, static_cast<int>(columns), source, target, column_bytes,
                 static_cast<size_t>(rows));
  } else {
    TransposeTile(element, source, row_bytes, target, column_bytes, static_cast<size_t>(rows),
                  static_cast<size_t>(columns));
  }
}

}  // namespace

ReduceLoops::ReduceLoops(const Shape& shape, uint32_t reduced, const ReduceFunctions& functions) {
  int64_t stride = 1;
  bool last_is_reduced = false;
  bool any = false;
  // From the innermost axis out; the groups come in reverse order and are turned round below.
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    const int64_t dim = shape[axis];
    if (dim == 1) continue;
    const bool is_reduced = ((reduced >> axis) & 1) != 0;
    Groups& groups = is_reduced ? reduced_ : kept_;
    if (any && is_reduced == last_is_reduced) {
      groups.items[static_cast<size_t>(groups.count - 1)].size *= dim;
    } else {
      groups.items[static_cast<size_t>(groups.count++)] = {dim, stride};
    }
    any = true;
    last_is_reduced = is_reduced;
    stride *= dim;
  }
  std::reverse(kept_.items.begin(), kept_.items.begin() + kept_.count);
  std::reverse(reduced_.items.begin(), reduced_.items.begin() + reduced_.count);
  if (kept_.count > 0 && kept_.items[static_cast<size_t>(kept_.count - 1)].stride == 1) {
    inner_ = kept_.items[static_cast<size_t>(--kept_.count)].size;
  }
  total_ = reduced_.Product();
  if (reduced_.count > 0) {
    const Group& innermost = reduced_.items[static_cast<size_t>(--reduced_.count)];
    reduce_ = innermost.size;
    reduce_stride_ = innermost.stride;
  }
  turns_ = reduce_stride_ == 1 && reduced_.count == 0 && reduce_ > 1 &&
           reduce_ <= functions.longest_turned && kept_.Product() >= kFewestTurned;
  if (turns_) {
    inner_ = kept_.Product();
    kept_.count = 0;
    tile_columns_ = std::min(tile_columns_, kTurnedBytes / (reduce_ * int64_t{sizeof(double)}));
  }
  const int64_t columns = std::min(inner_, tile_columns_);
  tiles_ = inner_ == 0 ? 0 : kept_.Product() * ((inner_ + tile_columns_ - 1) / tile_columns_);
  if (tiles_ > 0 && tiles_ <= kWantedTasks / 2) {
    const int64_t worth = total_ * columns / kChunkElements;
    parts_ = std::clamp<int64_t>(std::min(worth, total_), 1, kWantedTasks / tiles_);
  }
}

int64_t ReduceLoops::Groups::Offset(int64_t index) const {
  int64_t offset = 0;
  for (int i = count - 1; i > 0; --i) {
    const Group& group = items[static_cast<size_t>(i)];
    offset += index % group.size * group.stride;
    index /= group.size;
  }
  return count == 0 ? 0 : offset + index * items[0].stride;
}

int64_t ReduceLoops::Groups::Product() const {
  int64_t product = 1;
  for (int i = 0; i < count; ++i) product *= items[static_cast<size_t>(i)].size;
  return product;
}

size_t ReduceLoops::ScratchBytes(const ReduceFunctions& functions) const {
  if (parts_ == 1) return 0;
  return static_cast<size_t>(tiles_ * parts_ * std::min(inner_, tile_columns_)) *
         functions.accumulator_bytes;
}

size_t ReduceLoops::MaxScratchBytes(const ReduceFunctions& functions) {
  return static_cast<size_t>(kWantedTasks * kTileColumns) * functions.accumulator_bytes;
}

ReduceLoops::Tile ReduceLoops::TileAt(int64_t index) const {
  if (inner_ <= tile_columns_) return {index, 0, inner_};
  const int64_t tiles = (inner_ + tile_columns_ - 1) / tile_columns_;
  const int64_t begin = index % tiles * tile_columns_;
  return {index / tiles, begin, std::min(tile_columns_, inner_ - begin)};
}

void ReduceLoops::Accumulate(const ReduceFunctions& functions, const char* x, size_t element_bytes,
                             const Tile& tile, int64_t begin, int64_t end,
                             void* accumulators) const {
  if (turns_) {
    alignas(kMemoryAlignment) char turned[kTurnedBytes];
    Turn(element_bytes, x + static_cast<size_t>(tile.begin * reduce_) * element_bytes, tile.count,
         reduce_, turned);
    functions.rows(turned, static_cast<size_t>(reduce_), static_cast<size_t>(tile.count),
                   static_cast<size_t>(tile.count), accumulators);
    return;
  }
  const int64_t base = kept_.Offset(tile.kept) + tile.begin;
  while (begin < end) {
    const int64_t first = begin % reduce_;
    const int64_t count = std::min(reduce_ - first, end - begin);
    const int64_t offset = base + reduced_.Offset(begin / reduce_) + first * reduce_stride_;
    const void* const from = x + static_cast<size_t>(offset) * element_bytes;
    if (reduce_stride_ == 1) {
      functions.run(from, static_cast<size_t>(count), accumulators);
    } else {
      functions.rows(from, static_cast<size_t>(count), static_cast<size_t>(reduce_stride_),
                     static_cast<size_t>(tile.count), accumulators);
    }
    begin += count;
  }
}

void ReduceLoops::ReduceRuns(const ReduceFunctions& functions, const char* x, size_t element_bytes,
                             int64_t outputs, char* y) const {
  alignas(kMaxAccumulatorBytes) char accumulators[kTileColumns * kMaxAccumulatorBytes];
  const auto count = static_cast<size_t>(outputs);
  const auto length = static_cast<size_t>(reduce_);
  functions.init(accumulators, count);
  if (functions.runs != nullptr && length <= kLongestOfRuns) {
    functions.runs(x, count, length, accumulators);
  } else {
    for (size_t j = 0; j < count; ++j) {
      functions.run(x + j * length * element_bytes, length,
                    accumulators + j * functions.accumulator_bytes);
    }
  }
  functions.finish(accumulators, count, total_, y);
}

void ReduceLoops::Run(const ReduceFunctions& functions, const void* x, size_t x_element_bytes,
                      void* y, size_t y_element_bytes, void* scratch, Parallel& parallel) const {
  const char* const from = static_cast<const char*>(x);
  char* const to = static_cast<char*>(y);
  if (parts_ > 1) {
    RunInParts(functions, from, x_element_bytes, to, y_element_bytes, static_cast<char*>(scratch),
               parallel);
    return;
  }
  const int64_t work = std::max<int64_t>(total_ * std::min(inner_, tile_columns_), 1);
  const int64_t chunk = std::max<int64_t>(kChunkElements / work, 1);
  if (reduce_stride_ == 1 && reduced_.count == 0 && inner_ == 1 && !functions.planes) {
    // Each output has its own run, one behind the other.
    parallel.For(tiles_, chunk, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; i += kTileColumns) {
        ReduceRuns(functions, from + static_cast<size_t>(i * reduce_) * x_element_bytes,
                   x_element_bytes, std::min(kTileColumns, end - i),
                   to + static_cast<size_t>(i) * y_element_bytes);
      }
    });
    return;
  }
  parallel.For(tiles_, chunk, [&](int64_t begin, int64_t end, int) {
    alignas(kMaxAccumulatorBytes) char accumulators[kTileColumns * kMaxAccumulatorBytes];
    for (int64_t i = begin; i < end; ++i) {
      const Tile tile = TileAt(i);
      const auto count = static_cast<size_t>(tile.count);
      functions.init(accumulators, count);
      Accumulate(functions, from, x_element_bytes, tile, 0, total_, accumulators);
      functions.finish(accumulators, count, total_,
                       to + static_cast<size_t>(tile.kept * inner_ + tile.begin) * y_element_bytes);
    }
  });
}

void ReduceLoops::RunInParts(const ReduceFunctions& functions, const char* x,
                             size_t x_element_bytes, char* y, size_t y_element_bytes, char* scratch,
                             Parallel& parallel) const {
  const size_t slot =
      static_cast<size_t>(std::min(inner_, tile_columns_)) * functions.accumulator_bytes;
  const int64_t length = (total_ + parts_ - 1) / parts_;
  parallel.For(tiles_ * parts_, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const Tile tile = TileAt(i / parts_);
      void* const accumulators = scratch + static_cast<size_t>(i) * slot;
      functions.init(accumulators, static_cast<size_t>(tile.count));
      const int64_t first = i % parts_ * length;
      Accumulate(functions, x, x_element_bytes, tile, first, std::min(first + length, total_),
                 accumulators);
    }
  });
  for (int64_t i = 0; i < tiles_; ++i) {
    const Tile tile = TileAt(i);
    const auto count = static_cast<size_t>(tile.count);
    char* const first = scratch + static_cast<size_t>(i * parts_) * slot;
    for (int64_t part = 1; part < parts_; ++part) {
      functions.merge(first + static_cast<size_t>(part) * slot, count, first);
    }
    functions.finish(first, count, total_,
                     y + static_cast<size_t>(tile.kept * inner_ + tile.begin) * y_element_bytes);
  }
}

}  // namespace mullion::cpu
