// SPDX-License-Identifier: MIT
#ifndef MULLION_DEVICES_CPU_RESIZE_NEAREST_H_
#define MULLION_DEVICES_CPU_RESIZE_NEAREST_H_

#include "base/parallel.h"
#include "base/tensor.h"
#include "devices/cpu/resize_plan.h"

namespace mullion::cpu {

// Copies every output element from its nearest input element. Any element type of whole bytes, or
// strings. `extrapolation` fills what lies outside the region of tf_crop_and_resize.
void ResizeNearest(const ResizePlan& plan, float extrapolation, const TensorView& input,
                   const MutableTensorView& output, Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_RESIZE_NEAREST_H_
