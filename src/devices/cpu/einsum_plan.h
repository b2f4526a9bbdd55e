// SPDX-License-Identifier: MIT
// Einsum as a short program: operands are put into order, summed where a label occurs nowhere else,
// and multiplied two at a time as batches of matrices.
#ifndef MULLION_DEVICES_CPU_EINSUM_PLAN_H_
#define MULLION_DEVICES_CPU_EINSUM_PLAN_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "device/kernel.h"
#include "operators/einsum.h"

namespace mullion::cpu {

// Where a step reads or writes: an input, the output, or scratch memory from an element on.
struct EinsumPlace {
  enum class Kind { kInput, kOutput, kScratch };
  Kind kind = Kind::kInput;
  int64_t index = 0;  // of the input, or the first element
};

struct EinsumStep {
  enum class Kind {
    kCopy,      // `to` = `left` with its axes in another order, repeated or diagonal
    kSum,       // `to`[i] = the sum of `left`[i * depth + k] over k < depth, for i < rows
    kMultiply,  // `batch` products of [rows, depth] by [depth, columns], or [columns, depth]
  };
  struct Axis {
    int64_t extent;
    int64_t stride;  // in `left`
  };
  Kind kind;
  EinsumPlace left;
  EinsumPlace right;
  EinsumPlace to;
  std::vector<Axis> axes;  // of a copy, outermost first
  int64_t batch = 1;
  int64_t rows = 1;
  int64_t depth = 1;
  int64_t columns = 1;
  bool right_transposed = false;
};

struct EinsumPlan : BoundState {
  Shape output;
  std::vector<EinsumStep> steps;
  int64_t scratch_elements = 0;
};

// The equation must be that of these shapes. An error when intermediate results are too large.
Result<std::unique_ptr<EinsumPlan>> PlanEinsum(const operators::EinsumEquation& equation,
                                               std::span<const Shape> shapes);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_EINSUM_PLAN_H_
