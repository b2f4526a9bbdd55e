// SPDX-License-Identifier: MIT
// Writing the labels of classes.
#ifndef MULLION_DEVICES_CPU_CLASS_LABELS_H_
#define MULLION_DEVICES_CPU_CLASS_LABELS_H_

#include <string>

#include "base/tensor.h"
#include "operators/class_scores.h"

namespace mullion::cpu {

// Element `row` of `output` becomes the label of class `index`.
inline void WriteLabel(const operators::ClassLabels& labels, int64_t index,
                       const MutableTensorView& output, int64_t row) {
  if (output.type == ElementType::kString) {
    output.as<std::string>()[row] = labels.strings[static_cast<size_t>(index)];
  } else {
    output.as<int64_t>()[row] = labels.ints[static_cast<size_t>(index)];
  }
}

// Numbers of any type that ai.onnx.ml takes as features, as a classifier compares them.
template <typename T>
void ReadFeatures(const TensorView& input, int64_t first, int64_t count, T* features) {
  const auto copy = [&](const auto* from) {
    for (int64_t i = 0; i < count; ++i) features[i] = static_cast<T>(from[first + i]);
  };
  switch (input.type) {
    case ElementType::kDouble:
      return copy(input.as<double>());
    case ElementType::kInt64:
      return copy(input.as<int64_t>());
    case ElementType::kInt32:
      return copy(input.as<int32_t>());
    case ElementType::kFloat16:
      for (int64_t i = 0; i < count; ++i) {
        features[i] = static_cast<T>(static_cast<float>(input.as<Float16>()[first + i]));
      }
      return;
    default:
      return copy(input.as<float>());
  }
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_CLASS_LABELS_H_
