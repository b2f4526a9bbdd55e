// SPDX-License-Identifier: MIT
// Which element types an operator takes on the CPU device, in words.
#ifndef MULLION_TOOLS_OPERATOR_SUPPORT_H_
#define MULLION_TOOLS_OPERATOR_SUPPORT_H_

#include <string>
#include <string_view>

#include "operators/registry.h"

namespace mullion::tools {

// Of one form of an operator: "float double (float16 bfloat16 in float)"; what is written out as
// other operators, or belongs to the runtime, says so.
std::string DescribeSupport(const OperatorDefinition& form);

// docs/operators.md.
std::string OperatorPage();

}  // namespace mullion::tools

#endif  // MULLION_TOOLS_OPERATOR_SUPPORT_H_
