// SPDX-License-Identifier: MIT
// The triangles of MelWeightMatrix.
#ifndef MULLION_OPERATORS_SIGNAL_WINDOW_H_
#define MULLION_OPERATORS_SIGNAL_WINDOW_H_

#include <cstdint>

#include "base/shape.h"
#include "base/status.h"

namespace mullion::operators {

// [dft_length / 2 + 1, mel_bins], or an error that names the input that is wrong.
Result<Shape> MelWeightShape(int64_t mel_bins, int64_t dft_length);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_SIGNAL_WINDOW_H_
