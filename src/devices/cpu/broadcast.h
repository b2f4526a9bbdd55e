// SPDX-License-Identifier: MIT
// Numpy-style broadcasting for kernels: which element of each operand belongs to which element of
// the output, as runs that a plain loop can take.
#ifndef MULLION_DEVICES_CPU_BROADCAST_H_
#define MULLION_DEVICES_CPU_BROADCAST_H_

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/shape.h"
#include "devices/cpu/kernels/simd/operand.h"

namespace mullion::cpu {

// Axes that all operands walk through alike are merged, axes of one element dropped, so that what
// is left is `inner` contiguous output elements repeated over a few outer axes.
struct BroadcastPlan {
  struct OperandPlan {
    std::array<int64_t, kMaxRank> strides;  // of the outer axes, in elements; 0 where repeated
    int step = 0;                           // of the inner axis
    bool dense = false;                     // element i belongs to output element i
    int64_t period = 1;                     // output elements after which its elements recur
  };
  Shape output;
  int64_t count = 0;  // output elements
  int64_t inner = 1;
  int outer_rank = 0;
  std::array<int64_t, kMaxRank> dims;  // of the outer axes
  std::vector<OperandPlan> operands;

  // Whether operands have to be spread out, in tiles, because the inner axis is short.
  bool NeedsTiles() const { return outer_rank > 0 && inner < long_run; }
  // Inner axes from this length on are walked as they are: below it, copying small runs into a
  // tile costs less than a kernel call for each. Elements of one and two bytes may have more.
  int64_t long_run = 256;
};

// Nothing when the shapes do not broadcast.
std::optional<BroadcastPlan> PlanBroadcast(std::span<const Shape> shapes);

// Memory for a tile of an operand that has to be spread out, and what it holds.
struct OperandTile {
  static constexpr size_t kBytes = 8192;
  alignas(64) std::byte bytes[kBytes];
  int64_t phase = -1;  // position within the operand's period of the first element held
  int64_t count = 0;
};

// Walks a part of the output. On a stack; not thread-safe.
class BroadcastReader {
 public:
  // `widest` is the size in bytes of the largest element among operands that are read.
  BroadcastReader(const BroadcastPlan& plan, size_t widest)
      : plan_(plan), tile_elements_(static_cast<int64_t>(OperandTile::kBytes / widest)) {}

  // How many elements to take at `position`, so that every operand is a run of steps 0 or 1. Inner
  // axes are taken as they are when long; short ones are spread out, a tile's worth at once.
  int64_t RunLength(int64_t position, int64_t end) const;

  // Operand `index`, whose elements of 1, 2, 4 or 8 bytes start at `data`, for the `count` output
  // elements from `position` on. `tile` belongs to this operand for the whole walk; it may be null
  // when the plan needs no tiles.
  AnyOperand Read(int index, const void* data, size_t bytes, int64_t position, int64_t count,
                  OperandTile* tile) const;

  // The index of the one element of operand `index` that belongs to the output element at
  // `position`. For elements that cannot be copied as bytes.
  int64_t ElementAt(int index, int64_t position) const;

 private:
  const BroadcastPlan& plan_;
  int64_t tile_elements_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_BROADCAST_H_
