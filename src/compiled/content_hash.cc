// SPDX-License-Identifier: MIT
#include "compiled/content_hash.h"

#include <algorithm>
#include <vector>

#include "compiled/piece_hash.h"
#include "devices/cpu/kernels/simd/isa.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace mullion::compiled {

namespace {

ContentHash From(XXH128_hash_t hash) { return {hash.high64, hash.low64}; }

ContentHash HashOfPiece(const uint8_t* piece, size_t length) {
#if defined(__x86_64__) || defined(_M_X64)
  if (length == kHashPiece && cpu::CurrentIsa() >= cpu::Isa::kAvx2) {
    ContentHash hash;
    HashPieceAvx2(piece, &hash.high, &hash.low);
    return hash;
  }
#endif
  return From(XXH3_128bits(piece, length));
}

}  // namespace

ContentHash HashBeside(FunctionRef<void()> work, const uint8_t* bytes, size_t size,
                       const MappedFile* mapping, Parallel& parallel) {
  std::vector<ContentHash> pieces((size + kHashPiece - 1) / kHashPiece);
  const auto hash = [&](size_t i) {
    const uint8_t* const piece = bytes + i * kHashPiece;
    const size_t length = std::min(kHashPiece, size - i * kHashPiece);
    if (mapping != nullptr) {
      mapping->Prefetch(static_cast<size_t>(piece - mapping->data()), length);
    }
    pieces[i] = HashOfPiece(piece, length);
  };
  const auto count = static_cast<int64_t>(pieces.size());
  parallel.For(count + 1, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) i == 0 ? work() : hash(static_cast<size_t>(i - 1));
  });
  return From(XXH3_128bits_withSeed(pieces.data(), pieces.size() * sizeof(ContentHash), size));
}

ContentHash HashOf(const uint8_t* bytes, size_t size, const MappedFile* mapping,
                   Parallel& parallel) {
  return HashBeside([] {}, bytes, size, mapping, parallel);
}

}  // namespace mullion::compiled
