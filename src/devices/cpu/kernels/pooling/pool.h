// SPDX-License-Identifier: MIT
// The inner loops of pooling, in two passes. First the rows under a window are combined element by
// element, whatever the layout: [width, channels] with all channels, or one channel alone. Then
// windows slide along the combined row. A window of k x k costs about 2k operations this way, and
// most of them run over long contiguous stretches. Rows of one channel are short: several make a
// call, in memory that has the padding around them.
#ifndef MULLION_DEVICES_CPU_KERNELS_POOLING_POOL_H_
#define MULLION_DEVICES_CPU_KERNELS_POOLING_POOL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/element_type.h"
#include "operators/pool.h"

namespace mullion::cpu {

enum class PoolMethod { kMax, kAverage, kL1, kL2 };

// A combined row, and the row of outputs that it becomes.
struct PoolRow {
  const void* x = nullptr;  // axis.input positions of `channels` elements
  void* y = nullptr;        // axis.output positions
  operators::WindowAxis axis;
  std::pair<int64_t, int64_t> inside;  // axis.Inside()
  int64_t channels = 1;
  // Averages: elements that count in each column of a window, and whether padding counts.
  int64_t column_taps = 1;
  bool count_include_pad = false;
};

// A row of outputs of one channel, and the input rows under its windows.
struct PoolLine {
  const void* const* rows;
  size_t count;
  int64_t column_taps;
  void* y;
};

struct PoolFunctions {
  size_t element_bytes = 0;
  // Whether `rows` is needed even for one row, as elements change by it.
  bool always_rows = false;
  // y[i] = the combination of rows[r][i] for all r < count; i < n. With no rows, what an empty
  // window gives.
  void (*rows)(const void* const* rows, size_t count, size_t n, void* y) = nullptr;
  void (*slide)(const PoolRow& row) = nullptr;
  // Both for at most kMostPoolLines lines of one channel, of which `row` tells what they have in
  // common. `scratch` has PoolLinesBytes; `scaled_taps` is -1 at first, then for this function to
  // know what it left there.
  void (*lines)(const PoolRow& row, std::span<const PoolLine> lines, void* scratch,
                int64_t& scaled_taps) = nullptr;
};

inline constexpr int64_t kMostPoolLines = 8;
// In whole cache lines.
size_t PoolLinesBytes(const operators::WindowAxis& axis, size_t element_bytes);

// For float; kMax also for int8 and uint8. Of the instruction level in use.
PoolFunctions FindPoolFunctions(PoolMethod method, ElementType type);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_POOLING_POOL_H_
