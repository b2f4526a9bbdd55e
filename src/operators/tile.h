// SPDX-License-Identifier: MIT
// The shape that Tile makes.
#ifndef MULLION_OPERATORS_TILE_H_
#define MULLION_OPERATORS_TILE_H_

#include "base/shape.h"
#include "base/status.h"
#include "operators/int_list.h"

namespace mullion::operators {

// Dimension i of `input` times repeats[i]; unknown dimensions stay unknown.
Result<Shape> TileTarget(const Shape& input, const IntList& repeats);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_TILE_H_
