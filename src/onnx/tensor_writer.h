// SPDX-License-Identifier: MIT
// Tensor to TensorProto.
#ifndef MULLION_ONNX_TENSOR_WRITER_H_
#define MULLION_ONNX_TENSOR_WRITER_H_

#include <protozero/pbf_writer.hpp>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/tensor.h"

namespace mullion::onnx {

// Adds field `number` of `message`, a TensorProto with raw data (strings with string data). Fails
// when `bytes`, which the message goes to, would pass what protobuf can hold.
Status WriteTensor(const TensorView& tensor, std::string_view name, uint32_t number,
                   const std::string& bytes, protozero::pbf_writer& message);

// The same without data, which a compiled model keeps under a number.
void WriteKeptTensor(ElementType type, const Shape& shape, std::string_view name, uint64_t kept,
                     uint32_t number, protozero::pbf_writer& message);

// The TensorProto by itself.
Result<std::string> EncodeTensor(const TensorView& tensor, std::string_view name);

// protozero takes lengths of 32 bits.
inline void AddBytes(protozero::pbf_writer& message, uint32_t number, std::string_view bytes) {
  message.add_bytes(number, bytes.data(), bytes.size());
}

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_TENSOR_WRITER_H_
