// SPDX-License-Identifier: MIT
// Builds messages. A stand-in for std::format, which the library's compilers lack.
#ifndef MULLION_BASE_STR_CAT_H_
#define MULLION_BASE_STR_CAT_H_

#include <cstdarg>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace mullion {

namespace internal {

// What a piece is passed as to JoinPieces: a number or a pointer.
inline const char* PassedPiece(const char* text) { return text; }
inline const std::string* PassedPiece(const std::string& text) { return &text; }
inline const std::string_view* PassedPiece(const std::string_view& text) { return &text; }
inline char PassedPiece(char c) { return c; }
inline bool PassedPiece(bool value) { return value; }
template <typename T>
std::enable_if_t<std::is_integral_v<T> && std::is_signed_v<T>, int64_t> PassedPiece(T value) {
  return value;
}
template <typename T>
std::enable_if_t<std::is_integral_v<T> && !std::is_signed_v<T>, uint64_t> PassedPiece(T value) {
  return value;
}
template <typename T>
std::enable_if_t<std::is_floating_point_v<T>, double> PassedPiece(T value) {
  return static_cast<double>(value);
}

template <typename Piece>
using PassedPieceOf = decltype(PassedPiece(std::declval<const Piece&>()));

// A letter for each type of the above.
template <typename Passed>
inline constexpr char kPieceKind = '\0';
template <>
inline constexpr char kPieceKind<const char*> = 't';
template <>
inline constexpr char kPieceKind<const std::string*> = 's';
template <>
inline constexpr char kPieceKind<const std::string_view*> = 'v';
template <>
inline constexpr char kPieceKind<char> = 'c';
template <>
inline constexpr char kPieceKind<bool> = 'b';
template <>
inline constexpr char kPieceKind<int64_t> = 'i';
template <>
inline constexpr char kPieceKind<uint64_t> = 'u';
template <>
inline constexpr char kPieceKind<double> = 'd';

template <typename... Passed>
inline constexpr char kPieceKinds[] = {kPieceKind<Passed>..., '\0'};

// One function for all, with C's variable arguments: where hundreds of messages are built is little
// more than the address of each piece.
[[gnu::cold]] std::string JoinPieces(const char* kinds, ...);
[[gnu::cold]] std::string JoinPieceList(const char* kinds, va_list pieces);

}  // namespace internal

// Concatenates strings, characters and numbers. Floating values print with up to six digits.
template <typename... Pieces>
[[gnu::always_inline]] inline std::string StrCat(const Pieces&... pieces) {
  return internal::JoinPieces(internal::kPieceKinds<internal::PassedPieceOf<Pieces>...>,
                              internal::PassedPiece(pieces)...);
}

}  // namespace mullion

#endif  // MULLION_BASE_STR_CAT_H_
