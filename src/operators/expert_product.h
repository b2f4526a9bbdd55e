// SPDX-License-Identifier: MIT
// Products of tokens with the weights of the experts that each of them has been given to, as
// kernels see them: in the internal domain, the weights as floats or as numbers of a few bits.
#ifndef MULLION_OPERATORS_EXPERT_PRODUCT_H_
#define MULLION_OPERATORS_EXPERT_PRODUCT_H_

#include <cstdint>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

namespace expert_product {
enum Input {
  kRows,     // [tokens, depth], the same for all experts of a token, or [tokens, choices, depth]
  kExperts,  // int64 [tokens, choices], each below the number of experts
  kWeights,  // float [experts, columns, depth], or constant uint8 [experts, columns, bytes], the
             // first number of a byte in its lowest bits
  kBias,     // [experts, columns]
  kScales,   // with numbers: constant float [experts, columns, blocks]
  kZeros,    // with numbers: constant uint8, packed as they are for each column (or, with one
             // block, for each expert); half of their range without
  kInputs
};

struct Sizes {
  int64_t experts = 0;
  int64_t columns = 0;
  int64_t depth = 0;
  int64_t bits = 0;   // of a number: 2, 4 or 8; 0 for floats
  int64_t block = 0;  // numbers along the depth with a scale: the attribute, or the depth

  // Of a node whose weights have a known shape.
  static Sizes Of(const Node& node, const Shape& weights);
  int64_t blocks() const { return (depth + block - 1) / block; }
};

// Whether zero points of this shape have several columns to a byte, as those of one block may.
bool HaveJoinedZeros(const Shape& zeros, const Sizes& sizes);

// [tokens, choices, columns], or an error that says which input does not fit. Dimensions may be
// unknown.
Result<Shape> OutputShape(const Shape& rows, const Shape& experts, const Shape& weights,
                          const Sizes& sizes);
}  // namespace expert_product

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_EXPERT_PRODUCT_H_
