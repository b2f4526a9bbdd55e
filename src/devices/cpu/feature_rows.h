// SPDX-License-Identifier: MIT
// Operators of ai.onnx.ml that change each row of features.
#ifndef MULLION_DEVICES_CPU_FEATURE_ROWS_H_
#define MULLION_DEVICES_CPU_FEATURE_ROWS_H_

#include <algorithm>
#include <cstdint>

#include "device/kernel.h"
#include "devices/cpu/class_labels.h"

namespace mullion::cpu {

// Output 0 is input 0 as floats, of which `change` gets one row after the other, in place.
template <typename Change>
Status ChangeFeatureRows(RunContext& context, const Change& change) {
  const TensorView& input = context.Input(0);
  MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, input.shape));
  const int64_t count = input.count();
  if (count == 0) return OkStatus();
  const int64_t features = input.shape.Back(0);
  constexpr int64_t kChunk = 16 * 1024;
  const int64_t chunk = std::max<int64_t>(kChunk / features, 1);
  context.parallel().For(count / features, chunk, [&](int64_t begin, int64_t end, int) {
    float* const rows = output.as<float>() + begin * features;
    ReadFeatures(input, begin * features, (end - begin) * features, rows);
    for (int64_t i = 0; i < end - begin; ++i) change(rows + i * features, features);
  });
  return OkStatus();
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_FEATURE_ROWS_H_
