// SPDX-License-Identifier: MIT
#ifndef MULLION_DEVICES_CPU_HALF_PRECISION_H_
#define MULLION_DEVICES_CPU_HALF_PRECISION_H_

#include "devices/cpu/kernels/matrix/half_product.h"
#include "operators/precision.h"

namespace mullion::cpu {

// The tiles that a product of float may use in place of the float ones, or null. Half precision is
// for weights that are packed once.
inline TileFinder HalfTilesFor(const Node& node) {
  const bool allowed = operators::AllowsHalfPrecision(node) && node.input(1)->IsConstant();
  return allowed ? HalfTiles() : nullptr;
}
inline TileFinder HalfTilesFor(const Node& node, int64_t columns) {
  return columns >= kFewestHalfColumns ? HalfTilesFor(node) : nullptr;
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_HALF_PRECISION_H_
