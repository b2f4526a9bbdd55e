// SPDX-License-Identifier: MIT
// Whether the files that a model was compiled from are still the same.
#ifndef MULLION_COMPILED_MODEL_FILES_H_
#define MULLION_COMPILED_MODEL_FILES_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "base/status.h"
#include "compiled/content_hash.h"

namespace mullion::compiled {

struct ModelFile {
  std::string
      name;  // relative to the model's folder; of the model itself, the first, its path then
  uint64_t bytes = 0;
  uint64_t identity = 0;  // MappedFile::identity(), or 0 when it was too new to be told by that
  ContentHash hash;
};

// Reads the files of a model, as Model::files has them.
Result<std::vector<ModelFile>> DescribeFiles(const std::vector<std::string>& names,
                                             Parallel& parallel);

// Whether the model at `path` and its external data have the contents that `files` describes. Reads
// only what has another identity. The error says what differs, or why it cannot be told.
Status CheckFiles(const std::vector<ModelFile>& files, const std::filesystem::path& path,
                  Parallel& parallel);

}  // namespace mullion::compiled

#endif  // MULLION_COMPILED_MODEL_FILES_H_
