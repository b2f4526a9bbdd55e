// SPDX-License-Identifier: MIT
// The parameters of ReduceSum and its relatives in their newest form, where axes are an input.
#ifndef MULLION_OPERATORS_REDUCE_H_
#define MULLION_OPERATORS_REDUCE_H_

#include <cstdint>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"
#include "operators/int_list.h"

namespace mullion::operators {

struct ReduceParameters {
  explicit ReduceParameters(const Node& node);

  bool keep_dims;
  bool noop_with_empty_axes;

  // Bit a is set when axis a of a tensor of `rank` is reduced. No axes mean all of them, or none
  // with noop_with_empty_axes. Axes that are out of range are an error.
  Result<uint32_t> ReducedAxes(const IntList& axes, int rank) const;
  Shape OutputShape(const Shape& input, uint32_t reduced) const;
};

// The same for operators whose axes are an attribute.
Result<uint32_t> ReducedAxesOf(const Node& node, int rank);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_REDUCE_H_
