// SPDX-License-Identifier: MIT
// Cast, CastLike and BitCast: the parameters that inference and kernels share.
#ifndef MULLION_OPERATORS_CAST_H_
#define MULLION_OPERATORS_CAST_H_

#include "base/element_type.h"
#include "base/float8.h"
#include "graph/graph.h"

namespace mullion::operators {

struct CastParameters {
  ElementType to = ElementType::kUndefined;  // of Cast and BitCast; CastLike takes its input's
  bool saturate = true;
  ScaleRounding rounding = ScaleRounding::kUp;
};

CastParameters CastParametersOf(const Node& node);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_CAST_H_
