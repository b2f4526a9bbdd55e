// SPDX-License-Identifier: MIT
// What stands between the bytes of a product and the next quantization, by channel.
#ifndef MULLION_OPTIMIZER_RESCALE_PRODUCT_H_
#define MULLION_OPTIMIZER_RESCALE_PRODUCT_H_

#include "graph/graph.h"
#include "optimizer/quantized_value.h"

namespace mullion::optimizer {

// A RescaledConv before `quantize`, which makes `result`, without its output; or null. The float
// value that is quantized must be a BatchNormalization, or the sum of two tensors, of which each
// may have a BatchNormalization of its own, perhaps behind a Relu; and one of the tensors must be
// what nobody else reads of a QLinearConv.
Node* MakeRescaledConv(Graph& graph, Node& quantize, const QuantizedValue& result);

// The same as a RescaledMatMul, where a constant number for each column was added to what nobody
// else reads of a QLinearMatMul by a matrix.
Node* MakeRescaledMatmul(Graph& graph, Node& quantize, const QuantizedValue& result);

// The same for stacks of products of run time, as the scores of attention are: what nobody else
// reads of a QLinearMatMul, perhaps times or by a number, to which a mask was added that is the
// same for all rows.
Node* MakeRescaledScores(Graph& graph, Node& quantize, const QuantizedValue& result);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_RESCALE_PRODUCT_H_
