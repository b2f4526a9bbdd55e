// SPDX-License-Identifier: MIT
#include "base/memory.h"

#include <cstdint>
#include <cstdlib>
#include <new>

#include "base/shared_pages.h"
#include "base/tensor.h"

namespace mullion {

namespace {

// Blocks from this size on are worth a system call and whole pages.
constexpr size_t kPagesFrom = 256 * 1024;

// Stands in the cache line before every block.
struct Header {
  size_t total_bytes;
};
static_assert(sizeof(Header) <= kMemoryAlignment);

}  // namespace

void* AllocateAligned(size_t bytes) {
  if (bytes > SIZE_MAX - 2 * kMemoryAlignment) return nullptr;
  const size_t total = (bytes + 2 * kMemoryAlignment - 1) / kMemoryAlignment * kMemoryAlignment;
  void* const block =
      total >= kPagesFrom
          ? SharedPages::Global().Take(total)
          : ::operator new (total, std::align_val_t{kMemoryAlignment}, std::nothrow);
  if (block == nullptr) return nullptr;
  new (block) Header{total};
  return static_cast<char*>(block) + kMemoryAlignment;
}

void FreeAligned(void* memory) {
  if (memory == nullptr) return;
  void* const block = static_cast<char*>(memory) - kMemoryAlignment;
  const size_t total = static_cast<const Header*>(block)->total_bytes;
  if (total >= kPagesFrom) {
    SharedPages::Global().GiveBack(block, total);
  } else {
    ::operator delete (block, std::align_val_t{kMemoryAlignment});
  }
}

}  // namespace mullion
