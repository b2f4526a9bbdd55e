// SPDX-License-Identifier: MIT
// Products of quantized tensors as nodes of their own.
#ifndef MULLION_OPTIMIZER_QUANTIZED_PRODUCT_H_
#define MULLION_OPTIMIZER_QUANTIZED_PRODUCT_H_

#include "graph/graph.h"
#include "optimizer/quantized_value.h"

namespace mullion::optimizer {

// A QLinearConv, QLinearMatMul or RescaledMatMul before `product`, a Conv, MatMul or Gemm of
// dequantized operands, that gives its result as bytes of these parameters. `bias`, which may be
// null, is added to each row of a MatMul. Without an output yet; null when `product` is none such.
Node* MakeQuantizedProduct(Graph& graph, const Node& product, const Value* bias,
                           const QuantizedValue& result);

// A MatMulIntegerToFloat before `product`, a MatMul or Gemm of dequantized operands of which the
// right one is a constant matrix. Without an output yet; null when `product` is none such.
Node* MakeFloatProduct(Graph& graph, const Node& product);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_QUANTIZED_PRODUCT_H_
