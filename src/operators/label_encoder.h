// SPDX-License-Identifier: MIT
// LabelEncoder and CategoryMapper: tables from keys to values, from attributes of several kinds.
#ifndef MULLION_OPERATORS_LABEL_ENCODER_H_
#define MULLION_OPERATORS_LABEL_ENCODER_H_

#include "base/tensor.h"
#include "graph/graph.h"

namespace mullion::operators {

// Keys and values are vectors of the same length, the default one value.
struct LabelTable {
  Tensor keys;
  Tensor values;
  Tensor fallback;
};

// Of a LabelEncoder in its newest form.
Result<LabelTable> ParseLabelTable(const Node& node);
// Of a CategoryMapper whose input has this type: string or int64.
Result<LabelTable> ParseCategoryTable(const Node& node, ElementType input);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_LABEL_ENCODER_H_
