// SPDX-License-Identifier: MIT
// com.microsoft's MatMulNBits, as kernels see it: in the internal domain, with float scales.
#ifndef MULLION_OPERATORS_MATMUL_NBITS_H_
#define MULLION_OPERATORS_MATMUL_NBITS_H_

#include <cstdint>

#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators::matmul_nbits {

enum Input {
  kLeft,     // [..., depth]
  kNumbers,  // constant uint8 [columns, blocks, bytes of a block]
  kScales,   // constant float, one for each block
  kZeros,    // constant uint8, packed as the numbers of a row are; half of the range when left out
  kBias,     // [columns]
  kInputs
};

struct Sizes {
  int64_t depth = 0;
  int64_t columns = 0;
  int64_t bits = 4;  // or 8
  int64_t block = 32;

  static Result<Sizes> Of(const Node& node);
  int64_t blocks() const { return (depth + block - 1) / block; }
};

}  // namespace mullion::operators::matmul_nbits

#endif  // MULLION_OPERATORS_MATMUL_NBITS_H_
