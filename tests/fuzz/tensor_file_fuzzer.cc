// SPDX-License-Identifier: MIT
// Any bytes give a value or an error. The first byte says what kind of value is asked for.
#include <cstddef>
#include <cstdint>

#include "onnx/tensor_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto kind = static_cast<mullion::ValueKind>(data[0] % 5);
  const auto value = mullion::ParseTensorFile({data + 1, size - 1}, kind);
  if (value.ok() && value->tensor) {
    const auto bytes = mullion::EncodeTensorFile(value->tensor.view(), value->name);
    if (!bytes.ok()) __builtin_trap();
  }
  return 0;
}
