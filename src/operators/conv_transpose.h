// SPDX-License-Identifier: MIT
// Sizes of a transposed convolution, from a node's attributes and the shapes of its image and
// weights.
#ifndef MULLION_OPERATORS_CONV_TRANSPOSE_H_
#define MULLION_OPERATORS_CONV_TRANSPOSE_H_

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"
#include "operators/convolution_geometry.h"

namespace mullion::operators {

// Checks attributes and shapes against each other as far as they are known. `weights` are
// [C, M / group, kernel...]; `image` follows the node's layout. Output pixel o gets input pixel i
// through kernel position k where o = i * stride - pad_begin + k * dilation; pad_end is what the
// full result has more behind the last output.
Result<ConvolutionGeometry> TransposedGeometry(const Node& node, const Shape& image,
                                               const Shape& weights);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_CONV_TRANSPOSE_H_
