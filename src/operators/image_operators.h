// SPDX-License-Identifier: MIT
// What kinds of operators there are for tensors of images: batch first, then axes that may change
// places.
#ifndef MULLION_OPERATORS_IMAGE_OPERATORS_H_
#define MULLION_OPERATORS_IMAGE_OPERATORS_H_

#include "graph/graph.h"

namespace mullion::operators {

// Whether names mean what they do here: ai.onnx, com.microsoft, and the internal domain.
bool IsKnownDomain(const Node& node);
// Operators that have a channels-last form, chosen by the attribute `channels_last`: input 0 and
// output 0 are images.
bool IsSpatial(const Node& node);
// Operators whose every tensor input that is not a scalar broadcasts to the output.
bool IsElementwise(const Node& node);
// The input that may be a residual, shaped like output 0; -1 where there is none.
int ResidualInput(const Node& node);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_IMAGE_OPERATORS_H_
