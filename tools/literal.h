// SPDX-License-Identifier: MIT
// Tensors that a user types or keeps in a table.
#ifndef MULLION_TOOLS_LITERAL_H_
#define MULLION_TOOLS_LITERAL_H_

#include <string>

#include "base/tensor.h"
#include "graph/type_info.h"

namespace mullion::tools {

// "1", "1,2,3", "[[1, 2], [3, 4]]" or, for strings, "a,b" as a tensor of the declared type.
// Brackets give the shape; without them the declared shape does, in which one free dimension is
// worked out from the count. `what` begins messages: "--input x". Throws Failure.
Tensor ParseLiteral(const std::string& text, const TypeInfo& type, const std::string& what);

// Rows of numbers separated by commas, semicolons, tabs or spaces; a first row without numbers is a
// heading. The declared shape holds as above, else [rows, columns].
Tensor ReadCsv(const std::string& path, const TypeInfo& type, const std::string& what);

}  // namespace mullion::tools

#endif  // MULLION_TOOLS_LITERAL_H_
