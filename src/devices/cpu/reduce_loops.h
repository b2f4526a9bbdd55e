// SPDX-License-Identifier: MIT
// The loops around a reduction: which elements are taken in by which output, in what order, and how
// the work is spread over threads.
//
// Neighbouring axes of the same kind are merged, so that every reduction becomes alternating groups
// of kept and reduced axes. The innermost group decides the inner loop: reduced, it is a contiguous
// run into one accumulator; kept, whole rows are taken in side by side. Short runs that lie one
// behind the other are turned, and taken in as rows.
#ifndef MULLION_DEVICES_CPU_REDUCE_LOOPS_H_
#define MULLION_DEVICES_CPU_REDUCE_LOOPS_H_

#include <array>
#include <cstdint>

#include "base/parallel.h"
#include "base/shape.h"
#include "devices/cpu/kernels/reduction/reduce.h"

namespace mullion::cpu {

class ReduceLoops {
 public:
  // Bit a of `reduced` says that axis a of `shape` is reduced.
  ReduceLoops(const Shape& shape, uint32_t reduced, const ReduceFunctions& functions);

  // Scratch memory for Run; MaxScratchBytes is right for all shapes and axes.
  size_t ScratchBytes(const ReduceFunctions& functions) const;
  static size_t MaxScratchBytes(const ReduceFunctions& functions);

  // Reduces `x` into `y`, one element for each combination of kept indices in row-major order. With
  // nothing to reduce over, the results are those of fresh accumulators.
  void Run(const ReduceFunctions& functions, const void* x, size_t x_element_bytes, void* y,
           size_t y_element_bytes, void* scratch, Parallel& parallel) const;

 private:
  // Indices 0 to size - 1, `stride` elements of the input apart.
  struct Group {
    int64_t size;
    int64_t stride;
  };
  struct Groups {
    int count = 0;
    std::array<Group, kMaxRank> items;
    // The offset of a row-major index over all groups.
    int64_t Offset(int64_t index) const;
    int64_t Product() const;
  };
  // Columns [begin, begin + count) of the outputs of one kept index.
  struct Tile {
    int64_t kept;
    int64_t begin;
    int64_t count;
  };

  // Columns of a tile: few enough that accumulators stay in the first-level cache, enough that rows
  // are read in long stretches.
  static constexpr int64_t kTileColumns = 512;

  Tile TileAt(int64_t index) const;
  // Takes elements [begin, end) of the reduced index into the tile's accumulators.
  void Accumulate(const ReduceFunctions& functions, const char* x, size_t element_bytes,
                  const Tile& tile, int64_t begin, int64_t end, void* accumulators) const;
  // Contiguous runs of `reduce_` elements, of as many outputs.
  void ReduceRuns(const ReduceFunctions& functions, const char* x, size_t element_bytes,
                  int64_t outputs, char* y) const;
  void RunInParts(const ReduceFunctions& functions, const char* x, size_t x_element_bytes, char* y,
                  size_t y_element_bytes, char* scratch, Parallel& parallel) const;

  Groups kept_;         // without the innermost group if that is kept
  Groups reduced_;      // without the innermost of the reduced ones
  int64_t inner_ = 1;   // outputs side by side: the innermost group if kept
  int64_t reduce_ = 1;  // the innermost of the reduced groups
  int64_t reduce_stride_ = 0;
  int64_t total_ = 1;  // elements taken in by each output
  bool turns_ = false;
  int64_t tile_columns_ = kTileColumns;
  int64_t tiles_ = 0;  // tiles of outputs
  int64_t parts_ = 1;  // pieces that `total_` is cut into, to keep threads busy
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_REDUCE_LOOPS_H_
