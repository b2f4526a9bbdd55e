// SPDX-License-Identifier: MIT
// A model, optimized and with its weights packed, to a file that opens in the time it takes to map
// it.
#ifndef MULLION_COMPILED_COMPILE_MODEL_H_
#define MULLION_COMPILED_COMPILE_MODEL_H_

#include <filesystem>
#include <span>

#include "base/status.h"
#include "device/device.h"
#include "graph/model.h"
#include "operators/registry.h"
#include "runtime/session.h"

namespace mullion {

// For the instruction set in use. Sizes that `options` fix are not fixed in the file, and it
// computes in float. The file
// appears under its name when it is complete.
// Errors: those of Session::Create; kInvalidArgument when the file cannot be written;
// kUnsupported when the model is compiled already, or its graph takes more than the 2 GiB of an
// ONNX file without its weights.
Status CompileModel(const Model& model, std::span<const Device* const> devices,
                    const OperatorRegistry& operators, const SessionOptions& options,
                    const std::filesystem::path& path);

}  // namespace mullion

#endif  // MULLION_COMPILED_COMPILE_MODEL_H_
