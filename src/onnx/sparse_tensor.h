// SPDX-License-Identifier: MIT
// SparseTensorProto: values and where they stand; all other elements are zero. Read as a dense
// tensor, which all operators take.
#ifndef MULLION_ONNX_SPARSE_TENSOR_H_
#define MULLION_ONNX_SPARSE_TENSOR_H_

#include <string_view>

#include "base/tensor.h"
#include "onnx/read_context.h"

namespace mullion::onnx {

struct SparseTensor {
  std::string_view name;  // that of its values
  Tensor dense;
};

Result<SparseTensor> ReadSparseTensor(std::string_view bytes, ReadContext& context);

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_SPARSE_TENSOR_H_
