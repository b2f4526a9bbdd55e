// SPDX-License-Identifier: MIT
// Products of quantized tensors as nodes of their own.
#ifndef MULLION_OPTIMIZER_QUANTIZED_PRODUCT_H_
#define MULLION_OPTIMIZER_QUANTIZED_PRODUCT_H_

#include "graph/graph.h"
#include "optimizer/quantized_value.h"

namespace mullion::optimizer {

// A QLinearConv or QLinearMatMul before `product`, a Conv or MatMul of dequantized operands, that
// gives its result as bytes of these parameters. Without an output yet; null when `product` is none
// such.
Node* MakeQuantizedProduct(Graph& graph, const Node& product, const QuantizedValue& result);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_QUANTIZED_PRODUCT_H_
