// SPDX-License-Identifier: MIT
// Models from files of either kind: ONNX, or compiled by this library.
#ifndef MULLION_COMPILED_OPEN_MODEL_H_
#define MULLION_COMPILED_OPEN_MODEL_H_

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "graph/model.h"
#include "onnx/reader.h"

namespace mullion {

// Tells the kinds apart by their first bytes. A compiled file is read whole, by all processors, to
// see that it is undamaged.
// Errors of a compiled file: kUnsupported when it was made by another version of the library or for
// another instruction set, kInvalidModel when it is cut short or damaged. Those of ReadModelFile
// otherwise.
Result<std::unique_ptr<Model>> OpenModelFile(const std::filesystem::path& path,
                                             const ReadOptions& options = {});
Result<std::unique_ptr<Model>> OpenModel(std::span<const uint8_t> bytes,
                                         std::shared_ptr<const void> owner,
                                         const ReadOptions& options = {});
Result<std::unique_ptr<Model>> OpenModel(ModelSource& source, const ReadOptions& options = {});

// The model at `path` from `compiled`, where that was compiled from what `path` contains now; else
// from `path` itself, and `refusal` says why.
Result<std::unique_ptr<Model>> OpenCompiledModel(const std::filesystem::path& path,
                                                 const std::filesystem::path& compiled,
                                                 std::string& refusal);

}  // namespace mullion

#endif  // MULLION_COMPILED_OPEN_MODEL_H_
