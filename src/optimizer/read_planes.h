// SPDX-License-Identifier: MIT
// Pictures that come as a few planes are read as such by the convolution that meets them first, in
// the place of a Transpose before it.
#ifndef MULLION_OPTIMIZER_READ_PLANES_H_
#define MULLION_OPTIMIZER_READ_PLANES_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// True when something changed.
bool ReadPlanes(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_READ_PLANES_H_
