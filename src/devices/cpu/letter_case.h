// SPDX-License-Identifier: MIT
// Upper and lower case of Unicode text, the same in every locale.
#ifndef MULLION_DEVICES_CPU_LETTER_CASE_H_
#define MULLION_DEVICES_CPU_LETTER_CASE_H_

#include <string>
#include <string_view>

namespace mullion::cpu {

enum class LetterCase { kLower, kUpper };

// Character by character: "ß" stays as it is, as no one letter is its capital.
std::string InCase(std::string_view text, LetterCase letter_case);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_LETTER_CASE_H_
