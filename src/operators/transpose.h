// SPDX-License-Identifier: MIT
// What Transpose's `perm` means.
#ifndef MULLION_OPERATORS_TRANSPOSE_H_
#define MULLION_OPERATORS_TRANSPOSE_H_

#include <span>

#include "base/status.h"
#include "operators/int_list.h"

namespace mullion::operators {

// Axis perm[i] of the input becomes axis i of the output. An empty attribute reverses the axes.
// Exporters write negative axes although the specification does not name them.
Result<IntList> TransposePermutation(std::span<const int64_t> perm, int rank);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_TRANSPOSE_H_
