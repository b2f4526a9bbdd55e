// SPDX-License-Identifier: MIT
#ifndef MULLION_OPERATORS_WIDEN_CONSTANT_H_
#define MULLION_OPERATORS_WIDEN_CONSTANT_H_

#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

// Turns a constant input of 16-bit floats into one of floats, inside an upgrade; leaves all others.
// Kernels that pack their weights need that: a Cast would hide the constant where nothing is
// optimized.
Status WidenConstant(Node& node, int i);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_WIDEN_CONSTANT_H_
