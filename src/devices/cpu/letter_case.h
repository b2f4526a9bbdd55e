// SPDX-License-Identifier: MIT
// Upper and lower case of Unicode text, the same in every locale. Needs utf8proc at build time.
#ifndef MULLION_DEVICES_CPU_LETTER_CASE_H_
#define MULLION_DEVICES_CPU_LETTER_CASE_H_

#include <string>
#include <string_view>

#include "graph/graph.h"

namespace mullion::cpu {

enum class LetterCase { kLower, kUpper };

// An error, in the name of `node`, when this build cannot change the case of letters.
Status SupportsLetterCase(const Node& node);

// Character by character: "ß" stays as it is. Without utf8proc only ASCII letters change.
std::string InCase(std::string_view text, LetterCase letter_case);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_LETTER_CASE_H_
