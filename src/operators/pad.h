// SPDX-License-Identifier: MIT
// What Pad's pads and mode mean.
#ifndef MULLION_OPERATORS_PAD_H_
#define MULLION_OPERATORS_PAD_H_

#include <array>
#include <cstdint>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"
#include "operators/int_list.h"

namespace mullion::operators {

enum class PadMode : uint8_t { kConstant, kReflect, kEdge, kWrap };

Result<PadMode> PadModeOf(const Node& node);

// What is added at both ends of each axis; negative amounts cut off.
struct Pads {
  int rank = 0;
  std::array<int64_t, kMaxRank> begin{};
  std::array<int64_t, kMaxRank> end{};
};

// `pads` holds all begins, then all ends, of `axes`, or of all axes when that is null.
Result<Pads> ResolvePads(int rank, const IntList& pads, const IntList* axes);

// The padded shape; unknown dimensions stay unknown unless they are not padded. A mode that takes
// its values from the data cannot pad an empty axis.
Result<Shape> PadTarget(const Shape& input, const Pads& pads, PadMode mode);

// Which of `dim` positions an output position shows that lies `i` after the first (negative: before
// it); -1 for the constant.
int64_t PadSource(PadMode mode, int64_t i, int64_t dim);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_PAD_H_
