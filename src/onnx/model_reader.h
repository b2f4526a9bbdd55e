// SPDX-License-Identifier: MIT
// ModelProto to Model.
#ifndef MULLION_ONNX_MODEL_READER_H_
#define MULLION_ONNX_MODEL_READER_H_

#include <memory>

#include "base/status.h"
#include "graph/model.h"
#include "onnx/read_context.h"

namespace mullion::onnx {

// Reads the bytes of `context`. Messages do not name the model yet.
Result<std::unique_ptr<Model>> ReadModelProto(ReadContext& context);

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_MODEL_READER_H_
