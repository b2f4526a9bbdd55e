// SPDX-License-Identifier: MIT
#ifndef MULLION_OPERATORS_LEGACY_AFFINE_H_
#define MULLION_OPERATORS_LEGACY_AFFINE_H_

#include "base/status.h"
#include "base/tensor.h"
#include "graph/graph.h"

namespace mullion::operators {

// Turns a node of one floating-point input into input * scale + shift, by a Mul (unless `scale` is
// 1) and an Add. `shift` is of float and broadcasts to the input; both take the input's type.
Status BecomeMulAdd(Node& node, float scale, const Tensor& shift);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_LEGACY_AFFINE_H_
