// SPDX-License-Identifier: MIT
// Values for inputs that nobody gave.
#ifndef MULLION_TOOLS_RANDOM_VALUES_H_
#define MULLION_TOOLS_RANDOM_VALUES_H_

#include <cstdint>

#include "base/status.h"
#include "base/tensor.h"

namespace mullion::tools {

struct ValueRange {
  double low = 0;
  double high = 0;
};

// Uniform values: floats in [low, high), integers in [low, high], booleans true where a value of
// that range is not 0, strings empty. The same seed and stream give the same values everywhere.
// kInvalidArgument when no value of the type is in the range, kUnsupported for other types.
Status FillWithRandom(Tensor& tensor, const ValueRange& range, uint64_t seed, uint64_t stream);

// Integers 0, 1, 2, ... along the last axis, as positions are counted.
void FillWithPositions(Tensor& tensor);

}  // namespace mullion::tools

#endif  // MULLION_TOOLS_RANDOM_VALUES_H_
