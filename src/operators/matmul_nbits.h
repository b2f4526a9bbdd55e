// SPDX-License-Identifier: MIT
// com.microsoft's MatMulNBits, as kernels see it: in the internal domain, with float scales.
#ifndef MULLION_OPERATORS_MATMUL_NBITS_H_
#define MULLION_OPERATORS_MATMUL_NBITS_H_

#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators::matmul_nbits {

enum Input {
  kLeft,     // [..., depth]
  kNumbers,  // constant uint8 [columns, blocks, bytes of a block]
  kScales,   // constant float, one for each block
  kZeros,    // constant uint8, packed as the numbers of a row are, or constant float, one for each
             // block: what is added to weights whose zero point is half of the range, as without
  kBias,     // [columns]
  kInputs
};

// What the left operand may be rounded to: 4 allows bytes with a scale for each block, and nothing
// else makes a difference here.
inline constexpr std::string_view kAccuracyLevel = "accuracy_level";
inline constexpr int64_t kByteAccuracy = 4;

struct Sizes {
  int64_t depth = 0;
  int64_t columns = 0;
  int64_t bits = 4;  // or 2 or 8
  int64_t block = 32;

  static Result<Sizes> Of(const Node& node);
  int64_t blocks() const { return (depth + block - 1) / block; }
  int64_t row_bytes() const { return blocks() * block * bits / 8; }
  int64_t zero_row_bytes() const { return (blocks() * bits + 7) / 8; }
};

}  // namespace mullion::operators::matmul_nbits

#endif  // MULLION_OPERATORS_MATMUL_NBITS_H_
