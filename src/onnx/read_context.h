// SPDX-License-Identifier: MIT
// What all parts of the reader share while one file is read.
#ifndef MULLION_ONNX_READ_CONTEXT_H_
#define MULLION_ONNX_READ_CONTEXT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/platform.h"
#include "base/status.h"
#include "onnx/wire_reader.h"

namespace mullion::onnx {

class ExternalData;

// Bytes to read from and what keeps them there.
struct SharedBytes {
  std::string_view bytes;
  std::shared_ptr<const void> owner;          // null: tensors copy what they need
  std::shared_ptr<const MappedFile> mapping;  // when the bytes are a mapped file
};

// Keeps a file from claiming more memory than its size justifies.
class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t file_bytes);
  // More bytes were opened, external data for example.
  void Extend(uint64_t file_bytes);
  Status Charge(uint64_t bytes);

 private:
  uint64_t limit_;
  uint64_t used_ = 0;
};

// Gives each named dimension ("batch") of a model its number below kUnknownDim.
class DimensionSymbols {
 public:
  int64_t Get(std::string_view name);

 private:
  std::unordered_map<std::string, int64_t> symbols_;
};

struct ReadContext {
  explicit ReadContext(SharedBytes shared)
      : source(std::move(shared)), budget(source.bytes.size()) {}

  SharedBytes source;
  ExternalData* external = nullptr;  // null where external data is not allowed
  MemoryBudget budget;
  DimensionSymbols symbols;

  // What became of a message, once its fields are read.
  Status Finish(const WireReader& fields) const;
};

// 'name' for messages: cut when long, control characters replaced.
std::string Quoted(std::string_view name);

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_READ_CONTEXT_H_
