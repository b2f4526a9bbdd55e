// SPDX-License-Identifier: MIT
// Tensor bytes that stand in files beside the model.
#ifndef MULLION_ONNX_EXTERNAL_DATA_H_
#define MULLION_ONNX_EXTERNAL_DATA_H_

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "onnx/read_context.h"
#include "onnx/read_options.h"

namespace mullion::onnx {

// What a tensor says about where its bytes are (TensorProto.external_data).
struct ExternalLocation {
  std::string file;
  uint64_t offset = 0;
  std::optional<uint64_t> length;  // absent: as many as the shape needs
  std::optional<uint64_t> kept;    // the number of a compiled model's tensor, instead of a file
};

// Sets the field of `location` that `key` names; other keys ("checksum") say nothing we need.
Status SetLocationEntry(std::string_view key, std::string_view value, ExternalLocation& location);

// The external files of one model, each opened once.
class ExternalData {
 public:
  explicit ExternalData(const ReadOptions& options) : options_(options) {}

  // The `size` bytes that `location` stands for.
  Result<SharedBytes> Find(const ExternalLocation& location, uint64_t size, MemoryBudget& budget);
  // What the number of a compiled model's tensor stands for.
  Result<std::shared_ptr<const TensorSource>> FindKept(uint64_t number, uint64_t size) const;
  // The names of the files that were opened.
  std::vector<std::string> Files() const;

 private:
  Result<SharedBytes> Open(const std::string& file);

  const ReadOptions& options_;
  std::unordered_map<std::string, SharedBytes> files_;
};

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_EXTERNAL_DATA_H_
