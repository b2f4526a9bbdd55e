// SPDX-License-Identifier: MIT
// The inner loops of reductions: what takes many elements in and gives one. Reduce*, the global
// pools and whatever else sums along an axis are driven through these (see ../reduce_loops.h).
#ifndef MULLION_DEVICES_CPU_KERNELS_REDUCTION_REDUCE_H_
#define MULLION_DEVICES_CPU_KERNELS_REDUCTION_REDUCE_H_

#include <cstddef>
#include <cstdint>

#include "base/element_type.h"

namespace mullion::cpu {

// A reduction of one element type. `n` neighbouring outputs have `n` accumulators, which only these
// functions look into; they are aligned for double.
struct ReduceFunctions {
  size_t accumulator_bytes = 0;  // of one output element
  bool planes = false;           // those of neighbours are not one behind the other
  void (*init)(void* accumulators, size_t n) = nullptr;
  // Accumulator j takes in x[r * stride + j] for all r < rows.
  void (*rows)(const void* x, size_t rows, size_t stride, size_t n, void* accumulators) = nullptr;
  // One accumulator takes in x[i] for all i < count.
  void (*run)(const void* x, size_t count, void* accumulator) = nullptr;
  // Fresh accumulator j takes in x[j * count + i] for all i < count, which is at most
  // kLongestOfRuns; null where that is no faster than `run` for each.
  void (*runs)(const void* x, size_t rows, size_t count, void* accumulators) = nullptr;
  // Runs of up to so many elements take less time when they are turned and taken in as rows.
  int64_t longest_turned = 32;
  // Accumulators take in those of another part of the same elements.
  void (*merge)(const void* others, size_t n, void* accumulators) = nullptr;
  // The results, of accumulators that each took `count` elements in.
  void (*finish)(const void* accumulators, size_t n, int64_t count, void* y) = nullptr;
};

inline constexpr size_t kLongestOfRuns = 1024;

enum class FloatReduction { kSum, kSumSquare, kSumAbs, kProduct, kMax, kMin, kLogSumExp };

// All but `finish`, for float, of the instruction level in use. Accumulators are one float each;
// for kLogSumExp two planes of n floats: the maxima, and the sums of exp(x - shift), where the
// shift is the maximum if that is finite and 0 if not.
ReduceFunctions FloatReduceFunctions(FloatReduction reduction);

enum class ReduceKind {
  kSum,
  kMean,
  kMax,
  kMin,
  kProduct,
  kL1,
  kL2,
  kSumSquare,
  kLogSum,
  kLogSumExp,
};

// Of double, int32, int64, uint32 and uint64; kMax and kMin also of int8, uint8 and bool. Integer
// sums and products wrap around; means and what has a root or logarithm is computed in double and
// truncated. Of the instruction level in use, with the same results at each but for the last bits
// of exponentials and logarithms of double.
ReduceFunctions NumberReduceFunctions(ReduceKind kind, ElementType type);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_REDUCTION_REDUCE_H_
