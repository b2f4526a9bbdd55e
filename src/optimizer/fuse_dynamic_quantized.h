// SPDX-License-Identifier: MIT
// Gathers what dynamic quantization makes of a product: ConvInteger or MatMulInteger of bytes from
// DynamicQuantizeLinear, a Cast, and the multiplication by scales.
#ifndef MULLION_OPTIMIZER_FUSE_DYNAMIC_QUANTIZED_H_
#define MULLION_OPTIMIZER_FUSE_DYNAMIC_QUANTIZED_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// Convolutions become ScaledConv, which FuseEpilogue gives a bias, a residual and an activation;
// matrix products become MatMulIntegerToFloat with their bias.
bool FuseScaledProducts(Graph& graph);

// After FuseEpilogue: a DynamicQuantizeLinear becomes part of the ScaledConv or Concat that makes
// its input. The Concat itself is left for RemoveDeadCode.
bool FuseDynamicQuantization(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_FUSE_DYNAMIC_QUANTIZED_H_
