// SPDX-License-Identifier: MIT
// ShuffleNet's exchange of channels between groups, where a depthwise convolution and then a 1x1
// one in groups follow, with channels last. The depthwise one takes its channels in the order in
// which they come, and the one in groups finds its own without a copy: of a pixel of [groups, C /
// groups] it reads a few channels of each group, which is a convolution of a line of such groups
// with a kernel as long as there are groups, and as far from one output to the next.
//
//   Reshape  Transpose  Reshape  Conv (C groups)  Conv (1x1)
//   Conv (C groups)  Reshape  Conv (1 x groups, stride groups)
//
// Where that is not so, channels do not part evenly, or groups are short, a 1x1 convolution in four
// groups before the exchange gives out its channels shuffled (kShufflesChannels) if a device can do
// that.
#ifndef MULLION_OPTIMIZER_FOLD_SHUFFLE_H_
#define MULLION_OPTIMIZER_FOLD_SHUFFLE_H_

#include "graph/graph.h"
#include "optimizer/capabilities.h"

namespace mullion::optimizer {

// Returns whether anything changed. Wants channels last, and what Conv gives out to be its own.
// `capabilities` may be null.
bool FoldShuffle(Graph& graph, const Capabilities* capabilities);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_FOLD_SHUFFLE_H_
