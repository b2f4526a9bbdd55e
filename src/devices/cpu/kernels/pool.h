// SPDX-License-Identifier: MIT
// The inner loops of pooling, in two passes. First the rows under a window are combined element by
// element, whatever the layout: [width, channels] with all channels, or one channel alone. Then
// windows slide along the combined row. A window of k x k costs about 2k operations this way, and
// most of them run over long contiguous stretches.
#ifndef MULLION_DEVICES_CPU_KERNELS_POOL_H_
#define MULLION_DEVICES_CPU_KERNELS_POOL_H_

#include <cstddef>
#include <cstdint>

#include "base/element_type.h"
#include "operators/pool.h"

namespace mullion::cpu {

enum class PoolMethod { kMax, kAverage, kL1, kL2 };

// A combined row, and the row of outputs that it becomes.
struct PoolRow {
  const void* x = nullptr;  // axis.input positions of `channels` elements
  // Elements that may be read from x on, which mean nothing behind the row.
  size_t readable = 0;
  void* y = nullptr;  // axis.output positions
  operators::PoolAxis axis;
  std::pair<int64_t, int64_t> inside;  // axis.Inside()
  int64_t channels = 1;
  // Averages: elements that count in each column of a window, and whether padding counts.
  int64_t column_taps = 1;
  bool count_include_pad = false;
};

struct PoolFunctions {
  size_t element_bytes = 0;
  // Whether `rows` is needed even for one row, as elements change by it.
  bool always_rows = false;
  // y[i] = the combination of rows[r][i] for all r < count, with y[i] itself when `accumulate` is
  // set; i < n. With no rows, what an empty window gives.
  void (*rows)(const void* const* rows, size_t count, size_t n, bool accumulate, void* y) = nullptr;
  void (*slide)(const PoolRow& row) = nullptr;
};

// For float; kMax also for int8 and uint8. Of the instruction level in use.
PoolFunctions FindPoolFunctions(PoolMethod method, ElementType type);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_POOL_H_
