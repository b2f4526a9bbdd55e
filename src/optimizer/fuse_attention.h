// SPDX-License-Identifier: MIT
// Scaled dot-product attention as exporters write it out, as one node.
#ifndef MULLION_OPTIMIZER_FUSE_ATTENTION_H_
#define MULLION_OPTIMIZER_FUSE_ATTENTION_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// MatMul(Softmax(MatMul(query, key') * scale, where a condition says no: a number, + bias), value)
// becomes an Attention (operators/attention.h says what it carries beyond the standard), with the
// Reshape and Transpose that split operands into heads and join the results, and with the Concat of
// past and new keys. Returns whether anything changed; what is left behind is removed.
bool FuseAttention(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_FUSE_ATTENTION_H_
