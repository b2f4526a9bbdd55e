// SPDX-License-Identifier: MIT
// TensorProto and SparseTensorProto to Tensor.
//
// Raw and external data that stand suitably aligned for their element type become views into the
// file; all else is decoded or copied into memory of the tensor's own. Multi-byte elements are
// little-endian in the file, as on every machine that the library supports.
#ifndef MULLION_ONNX_TENSOR_READER_H_
#define MULLION_ONNX_TENSOR_READER_H_

#include <optional>
#include <string_view>

#include "base/tensor.h"
#include "onnx/external_data.h"
#include "onnx/read_context.h"

namespace mullion::onnx {

// The number of elements, or nothing when no memory can hold that many.
std::optional<int64_t> CountInMemory(ElementType type, const Shape& shape);

// A TensorProto whose data are not looked into yet.
struct TensorRecord {
  std::string_view message;
  std::string_view name;
  ElementType type = ElementType::kUndefined;
  Shape shape;
  int64_t count = 1;
  std::string_view raw;
  std::optional<ExternalLocation> external;
};

// The name alone, for messages about a tensor that cannot be read; "" when not even that can.
std::string_view TensorName(std::string_view bytes);

// Checks the element type, the dimensions and their product.
Result<TensorRecord> ReadTensorRecord(std::string_view bytes, const ReadContext& context);

Result<Tensor> ReadTensor(const TensorRecord& record, ReadContext& context);
Result<Tensor> ReadTensor(std::string_view bytes, ReadContext& context);

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_TENSOR_READER_H_
