// SPDX-License-Identifier: MIT
// What DFT and STFT read from where, and how much they give.
#ifndef MULLION_OPERATORS_FOURIER_H_
#define MULLION_OPERATORS_FOURIER_H_

#include <cstdint>
#include <optional>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"

namespace mullion::operators {

// DFT-20. `input` is a concrete shape whose last axis holds 1 (real) or 2 (complex) components.
struct DftGeometry {
  bool inverse = false;
  bool onesided = false;
  int axis = 0;
  int64_t length = 0;  // of the transform: input beyond it is not read, what lacks is zero
  Shape output;
};
// The message of an error names the input that is wrong. `length` is the input 'dft_length'.
Result<DftGeometry> DftGeometryOf(const Node& node, const Shape& input,
                                  std::optional<int64_t> length, int64_t axis);

// STFT-17. `signal` is a concrete shape [batch, length, components], or [batch, length] of reals.
struct StftGeometry {
  int64_t components = 1;
  int64_t step = 0;
  int64_t length = 0;  // of a frame
  Shape output;        // [batch, frames, bins, 2]
};
// `window` is the number of its elements.
Result<StftGeometry> StftGeometryOf(const Node& node, const Shape& signal, int64_t step,
                                    std::optional<int64_t> window, std::optional<int64_t> length);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_FOURIER_H_
