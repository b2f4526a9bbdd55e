// SPDX-License-Identifier: MIT
// The activation that the optimizer folded into a node (see operators/epilogue.h), as kernels take
// it.
#ifndef MULLION_DEVICES_CPU_FUSED_ACTIVATION_H_
#define MULLION_DEVICES_CPU_FUSED_ACTIVATION_H_

#include "base/status.h"
#include "devices/cpu/kernels/elementwise/activation.h"
#include "graph/graph.h"

namespace mullion::cpu {

Result<Activation> FusedActivationOf(const Node& node);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_FUSED_ACTIVATION_H_
