// SPDX-License-Identifier: MIT
// Packed weights, shared between the sessions of a process by content and format.
#ifndef MULLION_DEVICE_WEIGHT_STORE_H_
#define MULLION_DEVICE_WEIGHT_STORE_H_

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/function_ref.h"
#include "base/status.h"
#include "base/tensor.h"

namespace mullion {

// Thread-safe. The store holds no weights alive: they live as long as an executable uses them.
class WeightStore {
 public:
  // The one store of the process.
  static WeightStore& Global();

  // `bytes` bytes of packed data for `source` in `format` (which names everything else that the
  // packed bytes depend on: layout, block width, instruction set). `pack` fills the memory when
  // nobody has it yet. Aligned to 64 bytes.
  Result<std::shared_ptr<const void>> Get(const Tensor& source, std::string_view format,
                                          size_t bytes, FunctionRef<void(void*)> pack);

  // Bytes held alive at the moment, for reports and tests.
  size_t LiveBytes() const;

 private:
  struct Entry {
    std::weak_ptr<const void> data;
    size_t bytes = 0;
  };
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace mullion

#endif  // MULLION_DEVICE_WEIGHT_STORE_H_
