// SPDX-License-Identifier: MIT
// The hash of a piece of a file in wider vectors than every processor has. The file that defines it
// is compiled for them: nothing here may bring functions along that others would share.
#ifndef MULLION_COMPILED_PIECE_HASH_H_
#define MULLION_COMPILED_PIECE_HASH_H_

#include <cstddef>
#include <cstdint>

namespace mullion::compiled {

// Enough to make a thread's turn worth taking, few enough that two threads finish together.
inline constexpr size_t kHashPiece = size_t{1} << 20;

// XXH3 of kHashPiece bytes, high and low, with AVX2: to the same bits.
void HashPieceAvx2(const uint8_t* piece, uint64_t* high, uint64_t* low);

}  // namespace mullion::compiled

#endif  // MULLION_COMPILED_PIECE_HASH_H_
