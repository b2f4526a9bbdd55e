// SPDX-License-Identifier: MIT
// Aligned memory. Large blocks come from the system directly and go back to it when freed, so that
// a closed session leaves nothing behind in the heap.
#ifndef MULLION_BASE_MEMORY_H_
#define MULLION_BASE_MEMORY_H_

#include <cstddef>
#include <memory>

namespace mullion {

// At least `bytes` bytes aligned to kMemoryAlignment (64), or null when there is no memory.
// Zero bytes give a valid pointer. Thread-safe.
void* AllocateAligned(size_t bytes);
void FreeAligned(void* memory);

struct AlignedDeleter {
  void operator()(void* memory) const { FreeAligned(memory); }
};
using AlignedBuffer = std::unique_ptr<void, AlignedDeleter>;

}  // namespace mullion

#endif  // MULLION_BASE_MEMORY_H_
