// SPDX-License-Identifier: MIT
// Of which kind the attributes of ai.onnx, ai.onnx.ml and the preview domains are.
#ifndef MULLION_OPERATORS_ATTRIBUTE_KINDS_H_
#define MULLION_OPERATORS_ATTRIBUTE_KINDS_H_

#include <string>

#include "graph/attribute.h"

namespace mullion::operators {

// Nothing when `attribute` is of a kind that an operator with an attribute of its name takes, in
// any version, or when no operator has one; otherwise the kind that they take: "int", "float or
// floats". Lists without elements are of every kind of list, as exporters do not tell them apart.
std::string OtherAttributeKind(const Attribute& attribute);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_ATTRIBUTE_KINDS_H_
