// SPDX-License-Identifier: MIT
// Parts of an executable's scratch memory.
#ifndef MULLION_DEVICES_CPU_SCRATCH_LAYOUT_H_
#define MULLION_DEVICES_CPU_SCRATCH_LAYOUT_H_

#include <cstdint>

#include "base/memory.h"
#include "base/rounding.h"
#include "device/kernel.h"

namespace mullion::cpu {

// Hands out parts of scratch memory: offsets, each aligned.
class ScratchLayout {
 public:
  int64_t Take(int64_t bytes) {
    const int64_t at = size_;
    size_ += RoundUp(bytes, int64_t{kMemoryAlignment});
    return at;
  }
  int64_t size() const { return size_; }

 private:
  int64_t size_ = 0;
};

template <typename T>
T* ScratchAt(const RunContext& context, int64_t offset) {
  return reinterpret_cast<T*>(static_cast<uint8_t*>(context.scratch()) + offset);
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_SCRATCH_LAYOUT_H_
