// SPDX-License-Identifier: MIT
// A tensor seen along one axis, or along several neighbouring ones that count as one.
#ifndef MULLION_DEVICES_CPU_AXIS_LOOPS_H_
#define MULLION_DEVICES_CPU_AXIS_LOOPS_H_

#include <algorithm>
#include <cstdint>

#include "base/parallel.h"
#include "base/shape.h"

namespace mullion::cpu {

// Element (o, k, i) stands at (o * n + k) * inner + i.
struct AxisView {
  int64_t outer = 1;
  int64_t n = 1;
  int64_t inner = 1;

  // Axes [first, last) of `shape`.
  AxisView(const Shape& shape, int first, int last)
      : outer(shape.Product(0, first)),
        n(shape.Product(first, last)),
        inner(shape.Product(last, shape.rank())) {}
  bool empty() const { return outer == 0 || n == 0 || inner == 0; }
};

// Elements that are worth a chunk of parallel work when each costs a few instructions.
inline constexpr int64_t kParallelElements = 16 * 1024;

// Calls `body(first, count)` for runs of neighbouring rows of a view with inner == 1.
template <typename Body>
void ForRows(const AxisView& view, Parallel& parallel, Body&& body) {
  const int64_t chunk = std::max<int64_t>(kParallelElements / std::max<int64_t>(view.n, 1), 1);
  parallel.For(view.outer, chunk,
               [&](int64_t begin, int64_t end, int) { body(begin, end - begin); });
}

// Calls `body(offset, count)` for tiles of `count` neighbouring columns of a view with inner > 1;
// element k of the first stands at offset + k * inner.
template <typename Body>
void ForColumns(const AxisView& view, Parallel& parallel, Body&& body) {
  constexpr int64_t kColumns = 64;  // four vectors of AVX-512
  const int64_t tiles = (view.inner + kColumns - 1) / kColumns;
  const int64_t work = std::max<int64_t>(view.n * std::min(view.inner, kColumns), 1);
  const int64_t chunk = std::max<int64_t>(kParallelElements / work, 1);
  parallel.For(view.outer * tiles, chunk, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % tiles * kColumns;
      body(i / tiles * view.n * view.inner + first, std::min(kColumns, view.inner - first));
    }
  });
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_AXIS_LOOPS_H_
