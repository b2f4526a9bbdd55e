// SPDX-License-Identifier: MIT
// Builds messages. A stand-in for std::format, which the library's compilers lack.
#ifndef MULLION_BASE_STR_CAT_H_
#define MULLION_BASE_STR_CAT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace mullion {

namespace internal {
std::string FormatDouble(double value);

inline void AppendPiece(std::string& out, std::string_view text) { out += text; }
inline void AppendPiece(std::string& out, const char* text) { out += text; }
inline void AppendPiece(std::string& out, const std::string& text) { out += text; }
inline void AppendPiece(std::string& out, char c) { out += c; }
inline void AppendPiece(std::string& out, bool value) { out += value ? "true" : "false"; }
template <typename T>
std::enable_if_t<std::is_integral_v<T>> AppendPiece(std::string& out, T value) {
  out += std::to_string(value);
}
template <typename T>
std::enable_if_t<std::is_floating_point_v<T>> AppendPiece(std::string& out, T value) {
  out += FormatDouble(static_cast<double>(value));
}
}  // namespace internal

// Concatenates strings, characters and numbers. Floating values print with up to six digits.
template <typename... Pieces>
std::string StrCat(const Pieces&... pieces) {
  std::string out;
  (internal::AppendPiece(out, pieces), ...);
  return out;
}

}  // namespace mullion

#endif  // MULLION_BASE_STR_CAT_H_
