// SPDX-License-Identifier: MIT
// The equation of Einsum, parsed for operands of known ranks.
#ifndef MULLION_OPERATORS_EINSUM_H_
#define MULLION_OPERATORS_EINSUM_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/shape.h"
#include "base/status.h"

namespace mullion::operators {

// Every axis has a label: letters of the equation are 0 to 51, axes that an ellipsis stands for
// come behind them, the last of them with the greatest number, as they are aligned at the end.
struct EinsumEquation {
  static constexpr int kFirstEllipsisLabel = 52;
  static constexpr int kLabels = kFirstEllipsisLabel + kMaxRank;

  // One list for each operand, and one for the result.
  std::vector<std::vector<int>> operands;
  std::vector<int> output;

  static Result<EinsumEquation> Parse(std::string_view equation, std::span<const int> ranks);

  // The size of each label; kUnknownDim where it is not known or the label does not occur. Operands
  // may have 1 where others have more.
  Result<std::vector<int64_t>> Sizes(std::span<const Shape> shapes) const;
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_EINSUM_H_
