// SPDX-License-Identifier: MIT
// ByteTable: y = table[x] for 8-bit tensors, an operator of the internal domain that the optimizer
// makes of what lies between a DequantizeLinear and a QuantizeLinear.
#ifndef MULLION_OPERATORS_BYTE_TABLE_H_
#define MULLION_OPERATORS_BYTE_TABLE_H_

#include <string_view>

#include "base/tensor.h"
#include "graph/graph.h"

namespace mullion::operators {

inline constexpr std::string_view kByteTable = "ByteTable";
// A tensor of 256 elements of the output's type; a signed x counts as the unsigned number of the
// same bits.
inline constexpr std::string_view kTable = "table";

// The table of a node, or what is wrong with it.
Result<Tensor> ByteTableOf(const Node& node);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_BYTE_TABLE_H_
