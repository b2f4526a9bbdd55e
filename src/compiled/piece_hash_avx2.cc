// SPDX-License-Identifier: MIT
#include "compiled/piece_hash.h"

#ifdef __AVX2__

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace mullion::compiled {

void HashPieceAvx2(const uint8_t* piece, uint64_t* high, uint64_t* low) {
  const XXH128_hash_t hash = XXH3_128bits(piece, kHashPiece);
  *high = hash.high64;
  *low = hash.low64;
}

}  // namespace mullion::compiled

#endif
