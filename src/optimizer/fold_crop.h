// SPDX-License-Identifier: MIT
// Pixels that are cut off what a transposed convolution makes are not made: the cut becomes its
// pads. Those that are cut off what a normalization adds are not read.
#ifndef MULLION_OPTIMIZER_FOLD_CROP_H_
#define MULLION_OPTIMIZER_FOLD_CROP_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// True when something changed.
bool FoldCrop(Graph& graph);
// The same, of residuals of normalizations with channels last.
bool CropResiduals(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_FOLD_CROP_H_
