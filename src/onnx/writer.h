// SPDX-License-Identifier: MIT
// Models to ONNX bytes, for converters, generators and tests.
#ifndef MULLION_ONNX_WRITER_H_
#define MULLION_ONNX_WRITER_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>

#include "base/status.h"
#include "graph/model.h"

namespace mullion {

// The model as a ModelProto. Reading it again gives an equal graph; local functions stay inlined,
// and values whose names repeat get a number behind. `model.inputs` and `model.outputs` describe
// the graph's. IR version 0 stands for one that every runtime takes; versions below 4 become 4,
// since initializers are not listed as inputs.
// Errors: kInvalidArgument when the graph is not whole or a name cannot be kept, kUnsupported when
// nodes of one domain follow different opsets or the tensors exceed the 2 GiB of an ONNX file.
Result<std::string> WriteModel(const Model& model);
// The same for a compiled model: it keeps the contents of some constants elsewhere, by number.
using KeptTensors = std::unordered_map<const Value*, uint64_t>;
Result<std::string> WriteModel(const Model& model, const KeptTensors& kept);
Status WriteModelFile(const Model& model, const std::filesystem::path& path);

}  // namespace mullion

#endif  // MULLION_ONNX_WRITER_H_
