// SPDX-License-Identifier: MIT
// A 1x1 convolution of images joined with a single pixel that Resize spread over the whole size, as
// networks do that look at the mean of the image (DeepLab's and PSPNet's heads): the pixel is
// convolved before it is spread, and added.
//
// Goals: no multiplication is repeated for every pixel. Non-goals: larger kernels, whose padding
// tells pixels apart.
#ifndef MULLION_OPTIMIZER_FOLD_SPREAD_PIXEL_H_
#define MULLION_OPTIMIZER_FOLD_SPREAD_PIXEL_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// Returns whether anything changed; leaves dead code. Before convolutions take activations in.
bool FoldSpreadPixel(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_FOLD_SPREAD_PIXEL_H_
