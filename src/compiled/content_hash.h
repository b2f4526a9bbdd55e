// SPDX-License-Identifier: MIT
// A fast 128-bit hash of large contents, worked out by several threads. It tells damage and change,
// not malice.
#ifndef MULLION_COMPILED_CONTENT_HASH_H_
#define MULLION_COMPILED_CONTENT_HASH_H_

#include <cstddef>
#include <cstdint>

#include "base/function_ref.h"
#include "base/parallel.h"
#include "base/platform.h"

namespace mullion::compiled {

struct ContentHash {
  uint64_t high = 0;
  uint64_t low = 0;
  bool operator==(const ContentHash& other) const { return high == other.high && low == other.low; }
};

// The same for any number of threads. `mapping`, which may be null, is the file that `bytes` lie
// in.
ContentHash HashOf(const uint8_t* bytes, size_t size, const MappedFile* mapping,
                   Parallel& parallel);
// The same while one of the threads does something else first, which throws nothing.
ContentHash HashBeside(FunctionRef<void()> work, const uint8_t* bytes, size_t size,
                       const MappedFile* mapping, Parallel& parallel);

}  // namespace mullion::compiled

#endif  // MULLION_COMPILED_CONTENT_HASH_H_
