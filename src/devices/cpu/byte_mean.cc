// SPDX-License-Identifier: MIT
#include "devices/cpu/byte_mean.h"

#include <algorithm>

#include "base/memory.h"
#include "base/str_cat.h"
#include "devices/cpu/kernels/integer/integer_finish.h"
#include "devices/cpu/kernels/reduction/byte_sum.h"
#include "devices/cpu/reduce_loops.h"

namespace mullion::cpu {

namespace {

// Sums that are finished at once, with what belongs to each of them on the stack.
constexpr int64_t kTile = 256;
constexpr int64_t kChunk = 16 * kTile;
constexpr int64_t kColumnGroup = 16;  // FinishIntegers reads whole groups

int64_t CountOf(const Shape& shape, uint32_t axes) {
  int64_t count = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (((axes >> axis) & 1) != 0) count *= shape[axis];
  }
  return count;
}

size_t SumBytes(const Shape& input, uint32_t reduced) {
  const int64_t sums = CountOf(input, ~reduced) + kColumnGroup;
  const size_t bytes = static_cast<size_t>(sums) * sizeof(int32_t);
  return (bytes + kMemoryAlignment - 1) / kMemoryAlignment * kMemoryAlignment;
}

}  // namespace

size_t ByteMeanScratchBytes(const Shape& input, uint32_t reduced) {
  const ReduceFunctions functions = ByteSumFunctions(false);
  return SumBytes(input, reduced) + ReduceLoops(input, reduced, functions).ScratchBytes(functions);
}

Status AverageBytes(const RunContext& context, const TensorView& x, const ByteScale& x_scale,
                    uint32_t reduced, const ByteScale& y_scale, void* scratch, void* y) {
  const int64_t outputs = CountOf(x.shape, ~reduced);
  const int64_t count = CountOf(x.shape, reduced);
  if (outputs == 0) return OkStatus();
  if (count > kMaxSummedBytes) {
    return context.Error("each mean is of ", count, " elements; up to ", kMaxSummedBytes,
                         " are supported");
  }
  const bool is_signed = x.type == ElementType::kInt8;
  auto* const sums = static_cast<int32_t*>(scratch);
  const ReduceFunctions functions = ByteSumFunctions(is_signed);
  ReduceLoops(x.shape, reduced, functions)
      .Run(functions, x.data, 1, sums, sizeof(int32_t),
           static_cast<char*>(scratch) + SumBytes(x.shape, reduced), context.parallel());
  // Zero points make the correction zero * count of every sum; the scale divides by the count.
  const float scale = x_scale.scale / (y_scale.scale * static_cast<float>(count));
  float scales[kTile];
  int32_t counts[kTile];
  std::fill_n(scales, kTile, scale);
  std::fill_n(counts, kTile, static_cast<int32_t>(count));
  IntegerFinish finish;
  finish.output = is_signed ? IntegerOutput::kInt8 : IntegerOutput::kUint8;
  finish.zero_point = static_cast<float>(y_scale.zero_point);
  finish.scales = scales;
  finish.left_zeros = &x_scale.zero_point;
  finish.column_sums = counts;
  context.parallel().For(outputs, kChunk, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; i += kTile) {
      const int64_t columns = std::min(kTile, end - i);
      FinishIntegers(finish, sums + i, 0, 1, columns, static_cast<uint8_t*>(y) + i, 0);
    }
  });
  return OkStatus();
}

}  // namespace mullion::cpu
