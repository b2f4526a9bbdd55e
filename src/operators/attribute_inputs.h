// SPDX-License-Identifier: MIT
// Import normalisation that many operators share: an attribute of an old form becomes a constant
// input of the next one.
#ifndef MULLION_OPERATORS_ATTRIBUTE_INPUTS_H_
#define MULLION_OPERATORS_ATTRIBUTE_INPUTS_H_

#include <string_view>

#include "graph/graph.h"

namespace mullion::operators {

// Moves a list of integers to input `index` as an int64 vector. An absent attribute, or an input
// that is there already, changes nothing but that the attribute is gone afterwards.
void MoveIntsToInput(Node& node, std::string_view attribute, int index);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_ATTRIBUTE_INPUTS_H_
