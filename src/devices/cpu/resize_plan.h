// SPDX-License-Identifier: MIT
// Which elements of an axis each element of the resized axis is made of, and with what weights.
#ifndef MULLION_DEVICES_CPU_RESIZE_PLAN_H_
#define MULLION_DEVICES_CPU_RESIZE_PLAN_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "base/tensor.h"
#include "device/kernel.h"
#include "operators/resize.h"

namespace mullion::cpu {

// Output j is the sum over k < taps of weight[k * output + j] times element index[k * output + j].
// Indices lie within the axis. Nearest neighbours have one tap and no weights.
struct ResizeTable {
  int64_t input = 1;
  int64_t output = 1;
  int64_t taps = 1;
  std::vector<int32_t> index;
  std::vector<float> weight;
  // Not empty when some outputs lie outside the region of tf_crop_and_resize: 1 for those.
  std::vector<uint8_t> outside;

  // All outputs are elements j / factor, as in enlarging by a whole number; 0 when they are not.
  int64_t repeat_factor = 0;
};

ResizeTable MakeResizeTable(const operators::ResizeParameters& parameters,
                            const operators::ResizeAxis& axis);

// The axes of a tensor that change, outermost first, and the shapes before and after.
struct ResizePlan : BoundState {
  struct Step {
    int axis;
    ResizeTable table;
  };
  Shape input;
  Shape output;
  std::vector<Step> steps;
};

// Reads inputs 1 'roi', 2 'scales' and 3 'sizes', which are null where they are left out.
Result<std::unique_ptr<ResizePlan>> MakeResizePlan(const operators::ResizeParameters& parameters,
                                                   const Shape& input, const TensorView* roi,
                                                   const TensorView* scales,
                                                   const TensorView* sizes);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_RESIZE_PLAN_H_
