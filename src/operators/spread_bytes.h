// SPDX-License-Identifier: MIT
// Numbers of less than 8 bits that lie in bytes, the first of a byte in its lowest bits, as
// com.microsoft's weights do.
#ifndef MULLION_OPERATORS_SPREAD_BYTES_H_
#define MULLION_OPERATORS_SPREAD_BYTES_H_

#include "operators/expansion.h"

namespace mullion::operators {

// Of uint8 [..., count] the numbers of `bits` (2, 4 or 8) as uint8 [..., count, 8 / bits]. Numbers
// of 8 bits stay as they are.
Value& SpreadBytes(Expansion& expansion, Graph& graph, Value& bytes, int64_t bits);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_SPREAD_BYTES_H_
