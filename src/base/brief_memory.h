// SPDX-License-Identifier: MIT
// Memory that is wanted for a moment, again and again, as by everything that packs weights.
#ifndef MULLION_BASE_BRIEF_MEMORY_H_
#define MULLION_BASE_BRIEF_MEMORY_H_

#include <cstddef>

#include "base/memory.h"

namespace mullion {

// At least `bytes` bytes of unspecified contents, aligned to 64 bytes, until the end of the object;
// std::bad_alloc is thrown where there are none. While a Keeping lives, what was given back serves
// the next, and is not taken from the system page by page again. Thread-safe.
class BriefMemory {
 public:
  explicit BriefMemory(size_t bytes);
  ~BriefMemory();
  BriefMemory(const BriefMemory&) = delete;
  BriefMemory& operator=(const BriefMemory&) = delete;

  void* get() const { return memory_.get(); }
  size_t bytes() const { return bytes_; }

  class Keeping {
   public:
    // What is taken meanwhile has `least` bytes at least, so that it serves most of those to come.
    explicit Keeping(size_t least);
    ~Keeping();
    Keeping(const Keeping&) = delete;
    Keeping& operator=(const Keeping&) = delete;
  };

 private:
  AlignedBuffer memory_;
  size_t bytes_;
};

}  // namespace mullion

#endif  // MULLION_BASE_BRIEF_MEMORY_H_
