// SPDX-License-Identifier: MIT
#include "onnx/read_context.h"

#include <algorithm>

#include "base/shape.h"
#include "base/str_cat.h"
#include "onnx/limits.h"

namespace mullion::onnx {

MemoryBudget::MemoryBudget(uint64_t file_bytes) : limit_(kMemoryAlways) { Extend(file_bytes); }

void MemoryBudget::Extend(uint64_t file_bytes) {
  constexpr uint64_t kLargest = uint64_t{1} << 62;
  const uint64_t more = std::min(file_bytes, kLargest / kMemoryPerByte) * kMemoryPerByte;
  limit_ = std::min(limit_ + more, kLargest);
}

Status MemoryBudget::Charge(uint64_t bytes) {
  if (bytes <= limit_ - used_) {
    used_ += bytes;
    return OkStatus();
  }
  return InvalidModel("reading it would take more than ", limit_ >> 20,
                      " MiB of memory, which its size does not justify; the file is damaged "
                      "or made to exhaust memory");
}

int64_t DimensionSymbols::Get(std::string_view name) {
  if (name.empty() || name == "?") return kUnknownDim;
  const int64_t next = kUnknownDim - 1 - static_cast<int64_t>(symbols_.size());
  return symbols_.emplace(name, next).first->second;
}

Status ReadContext::Finish(const WireReader& fields) const {
  if (fields.damage() == nullptr) return OkStatus();
  return InvalidModel("at byte ", fields.where() - source.bytes.data(), " ", fields.damage(),
                      "; the file is cut short or damaged, fetch or export it again");
}

std::string Quoted(std::string_view name) {
  constexpr size_t kShown = 120;
  std::string text = "'";
  for (const char c : name.substr(0, kShown))
    text += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  if (name.size() > kShown) text += "...";
  return text + "'";
}

}  // namespace mullion::onnx
