// SPDX-License-Identifier: MIT
// ONNX models to graphs: from a file, from memory, or from a caller's own source.
//
// Goals: nothing is copied that can be used where it lies; all IR versions and opsets; whatever the
// bytes say, the answer is a valid graph or one clear error, in memory that their number bounds.
// Non-goals: knowing operators. Their types and attributes are checked by who infers types.
//
// What a read graph looks like: local functions are inlined, Constant nodes and sparse tensors are
// constants, every graph output is produced by a node of that very graph (an Identity is put in
// where the file lists an input or constant as an output), nodes are in topological order, and
// value types are what the file declares: hints, not facts.
#ifndef MULLION_ONNX_READER_H_
#define MULLION_ONNX_READER_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "base/status.h"
#include "graph/model.h"
#include "onnx/read_options.h"

namespace mullion {

// Errors: kNotFound when there is no such file, kInvalidModel when its bytes or graph are broken,
// kUnsupported for legal things that are not done, kOutOfMemory. Messages begin with the model's
// name. All functions here are thread-safe.
Result<std::unique_ptr<Model>> ReadModelFile(const std::filesystem::path& path,
                                             const ReadOptions& options = {});

// `owner` keeps the bytes in place for as long as the model's tensors need them; when it is empty
// tensors copy what they need, and the bytes may go after the call.
Result<std::unique_ptr<Model>> ReadModel(std::span<const uint8_t> bytes,
                                         std::shared_ptr<const void> owner,
                                         const ReadOptions& options = {});

// Where a model comes from when it is neither a file nor in memory: an archive, an encrypted store.
class ModelSource {
 public:
  virtual ~ModelSource() = default;
  virtual uint64_t size() const = 0;
  // Fills `into` with the bytes from `offset` on; they lie within size().
  virtual Status Read(uint64_t offset, std::span<uint8_t> into) = 0;
};

// Reads the whole source into memory first.
Result<std::unique_ptr<Model>> ReadModel(ModelSource& source, const ReadOptions& options = {});

}  // namespace mullion

#endif  // MULLION_ONNX_READER_H_
