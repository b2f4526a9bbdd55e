// SPDX-License-Identifier: MIT
// What the optimizer may ask about devices without knowing any.
#ifndef MULLION_OPTIMIZER_CAPABILITIES_H_
#define MULLION_OPTIMIZER_CAPABILITIES_H_

#include "graph/graph.h"

namespace mullion::optimizer {

class Capabilities {
 public:
  virtual ~Capabilities() = default;
  // Whether some device of the session has a kernel for the node as it stands.
  virtual bool Supports(const Node& node) const = 0;
};

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_CAPABILITIES_H_
