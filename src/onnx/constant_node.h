// SPDX-License-Identifier: MIT
// What a Constant node holds.
#ifndef MULLION_ONNX_CONSTANT_NODE_H_
#define MULLION_ONNX_CONSTANT_NODE_H_

#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "graph/attribute.h"

namespace mullion::onnx {

// Constant has exactly one of value, value_float(s), value_int(s), value_string(s) and sparse_value
// (ai.onnx 1, 11, 12).
Result<Tensor> ConstantTensor(std::vector<Attribute> attributes);

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_CONSTANT_NODE_H_
