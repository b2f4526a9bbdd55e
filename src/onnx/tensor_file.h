// SPDX-License-Identifier: MIT
// Files that hold one value: TensorProto, SequenceProto, MapProto or OptionalProto, as ONNX test
// data have them ("input_0.pb").
#ifndef MULLION_ONNX_TENSOR_FILE_H_
#define MULLION_ONNX_TENSOR_FILE_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "graph/type_info.h"

namespace mullion {

struct TensorFileValue {
  ValueKind kind = ValueKind::kUnknown;
  std::string name;  // often empty
  Tensor tensor;     // of kTensor
  // The elements of a sequence; the values of a map, in the order of its keys; the one value of an
  // optional, none when that is empty.
  std::vector<TensorFileValue> items;
  // The keys of a map: one of the two is used.
  std::vector<int64_t> int_keys;
  std::vector<std::string> string_keys;
};

// The bytes do not say which of the four messages they are: `kind` comes from the declared type of
// the value they belong to (kUnknown is taken as a tensor). The result owns all its memory.
Result<TensorFileValue> ReadTensorFile(const std::filesystem::path& path, ValueKind kind);
Result<TensorFileValue> ParseTensorFile(std::span<const uint8_t> bytes, ValueKind kind);

// A TensorProto with raw data (strings with string data).
Result<std::string> EncodeTensorFile(const TensorView& tensor, std::string_view name);
Status WriteTensorFile(const std::filesystem::path& path, const TensorView& tensor,
                       std::string_view name);

}  // namespace mullion

#endif  // MULLION_ONNX_TENSOR_FILE_H_
