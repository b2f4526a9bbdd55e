// SPDX-License-Identifier: MIT
// Which elements of an axis each element of the resized axis is made of, and with what weights.
#ifndef MULLION_DEVICES_CPU_RESIZE_PLAN_H_
#define MULLION_DEVICES_CPU_RESIZE_PLAN_H_

#include <cstdint>
#include <vector>

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

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_RESIZE_PLAN_H_
