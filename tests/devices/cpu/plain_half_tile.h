// SPDX-License-Identifier: MIT
// The tiles of products in half precision by plain code: every operation as IEEE 754 has it, in the
// order of the processor's own tiles, bit for bit.
#ifndef MULLION_TESTS_DEVICES_CPU_PLAIN_HALF_TILE_H_
#define MULLION_TESTS_DEVICES_CPU_PLAIN_HALF_TILE_H_

#include "devices/cpu/kernels/matrix/matrix_tile.h"

namespace mullion::cpu {

// The nearest half, ties to even; overflow gives infinity.
double RoundToHalf(double x);

// A TileFinder.
TileFunction FindPlainHalfTile(int vectors, int rows);

}  // namespace mullion::cpu

#endif  // MULLION_TESTS_DEVICES_CPU_PLAIN_HALF_TILE_H_
