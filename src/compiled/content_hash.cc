// SPDX-License-Identifier: MIT
#include "compiled/content_hash.h"

#include <algorithm>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace mullion::compiled {

namespace {

// Enough to make a thread's turn worth taking, few enough that two threads finish together.
constexpr size_t kPiece = size_t{1} << 20;

ContentHash From(XXH128_hash_t hash) { return {hash.high64, hash.low64}; }

}  // namespace

ContentHash HashOf(const uint8_t* bytes, size_t size, const MappedFile* mapping,
                   Parallel& parallel) {
  std::vector<ContentHash> pieces((size + kPiece - 1) / kPiece);
  parallel.For(static_cast<int64_t>(pieces.size()), 1, [&](int64_t begin, int64_t end, int) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      const uint8_t* const piece = bytes + i * kPiece;
      const size_t length = std::min(kPiece, size - i * kPiece);
      if (mapping != nullptr) {
        mapping->Prefetch(static_cast<size_t>(piece - mapping->data()), length);
      }
      pieces[i] = From(XXH3_128bits(piece, length));
    }
  });
  return From(XXH3_128bits_withSeed(pieces.data(), pieces.size() * sizeof(ContentHash), size));
}

}  // namespace mullion::compiled
