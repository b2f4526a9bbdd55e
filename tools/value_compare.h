// SPDX-License-Identifier: MIT
// Compares what a model gave with what a test data file holds.
#ifndef MULLION_TOOLS_VALUE_COMPARE_H_
#define MULLION_TOOLS_VALUE_COMPARE_H_

#include "mullion/c/mullion.h"
#include "onnx/tensor_file.h"
#include "tools/compare.h"

namespace mullion::tools {

// Tensors by the tolerance; sequences item by item; optionals both empty or both equal.
Comparison CompareValues(const MullionValue* actual, const TensorFileValue& expected,
                         const Tolerance& tolerance);

// The values of a sequence of maps as one tensor [maps, keys], columns in the order of the keys.
// The expected file of such an output holds that tensor.
Comparison CompareZipMap(const MullionValue* actual, const Tensor& expected,
                         const Tolerance& tolerance);

// The declared kind of an output as tensor files need it.
ValueKind KindOf(const MullionFeature* feature);

}  // namespace mullion::tools

#endif  // MULLION_TOOLS_VALUE_COMPARE_H_
