// SPDX-License-Identifier: MIT
// Whether two graphs say the same, told by the first difference.
#ifndef MULLION_TESTS_ONNX_GRAPH_EQUALITY_H_
#define MULLION_TESTS_ONNX_GRAPH_EQUALITY_H_

#include <string>

#include "graph/model.h"

namespace mullion {

// "" when they are equal: nodes in order with operators, opsets, attributes, inputs and outputs,
// constants to the bit, types up to the numbers of symbols, and all that the models say about
// themselves. The names of inner values and function paths do not count.
std::string FirstDifference(const Model& a, const Model& b);

}  // namespace mullion

#endif  // MULLION_TESTS_ONNX_GRAPH_EQUALITY_H_
