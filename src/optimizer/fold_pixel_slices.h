// SPDX-License-Identifier: MIT
// A convolution of every other pixel's slices, joined along the channels, is a convolution of the
// image with a larger kernel and stride: YOLO's Focus layer is one of 6x6 with stride 2.
#ifndef MULLION_OPTIMIZER_FOLD_PIXEL_SLICES_H_
#define MULLION_OPTIMIZER_FOLD_PIXEL_SLICES_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// Images of known size, of floats or quantized, with at most four channels: what is saved is the
// moving of pixels, which weighs little where there are many channels. Runs before layouts are
// placed.
bool FoldPixelSlices(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_FOLD_PIXEL_SLICES_H_
