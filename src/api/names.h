// SPDX-License-Identifier: MIT
// Names of features and metadata are looked up without regard to case, as in Windows ML.
#ifndef MULLION_API_NAMES_H_
#define MULLION_API_NAMES_H_

#include <algorithm>
#include <string_view>

namespace mullion::api {

// ASCII letters only: nothing depends on a locale.
constexpr char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

inline bool SameIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return ToLower(x) == ToLower(y);
         });
}

}  // namespace mullion::api

#endif  // MULLION_API_NAMES_H_
