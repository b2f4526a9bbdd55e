// SPDX-License-Identifier: MIT
// Blocks of some hundred KiB and more on huge pages, which the ends of blocks share. Such a page is
// cleared and mapped in 50 us; as small pages half of it takes 1.7 ms where a hypervisor keeps
// tables of its own.
#ifndef MULLION_BASE_SHARED_PAGES_H_
#define MULLION_BASE_SHARED_PAGES_H_

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace mullion {

inline constexpr size_t kSharedPage = size_t{2} << 20;  // a huge page of x86, and of Arm mostly

// Thread-safe, in a child of fork() too. A page goes back to the system with its last block.
class SharedPages {
 public:
  static SharedPages& Global();

  // `bytes` bytes, at least one, aligned to 4 KiB; contents are unspecified. Null when there is no
  // memory.
  void* Take(size_t bytes);
  // What Take() gave for so many bytes.
  void GiveBack(void* block, size_t bytes);

 private:
  struct Page {
    char* memory;
    uint64_t used;  // a bit for each 64th
  };
  void* TakePart(uint64_t parts);

  std::mutex mutex_;
  std::vector<Page> pages_;
};

}  // namespace mullion

#endif  // MULLION_BASE_SHARED_PAGES_H_
