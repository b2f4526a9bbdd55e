// SPDX-License-Identifier: MIT
// The typed data fields of a TensorProto (float_data, int32_data, ...), which old exporters and
// hand-written models use instead of raw_data.
#ifndef MULLION_ONNX_TENSOR_PAYLOAD_H_
#define MULLION_ONNX_TENSOR_PAYLOAD_H_

#include "onnx/tensor_reader.h"

namespace mullion::onnx {

// Decodes into memory of the tensor's own, bounded by what the message holds.
Result<Tensor> ReadTypedData(const TensorRecord& record, ReadContext& context);

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_TENSOR_PAYLOAD_H_
