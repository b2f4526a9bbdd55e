// SPDX-License-Identifier: MIT
#ifndef MULLION_COMPILED_COMPILED_READER_H_
#define MULLION_COMPILED_COMPILED_READER_H_

#include <memory>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "base/platform.h"
#include "base/status.h"
#include "compiled/model_files.h"
#include "graph/model.h"

namespace mullion::compiled {

// The bytes of a compiled file and what keeps them in place, aligned to 64 bytes at least.
struct Source {
  const uint8_t* data = nullptr;
  size_t size = 0;
  std::shared_ptr<const void> owner;
  const MappedFile* mapping = nullptr;  // when `owner` is one
};

struct CompiledModel {
  std::unique_ptr<Model> model;
  std::vector<ModelFile> files;  // that it was compiled from
};

// Whether the bytes, of which the first suffice, are those of a compiled model.
bool IsCompiled(const uint8_t* data, size_t size);

// Messages do not name the file.
Result<CompiledModel> ReadCompiled(const Source& source, const std::string& name,
                                   Parallel& parallel);

}  // namespace mullion::compiled

#endif  // MULLION_COMPILED_COMPILED_READER_H_
