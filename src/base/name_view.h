// SPDX-License-Identifier: MIT
// Names that are mostly literals.
#ifndef MULLION_BASE_NAME_VIEW_H_
#define MULLION_BASE_NAME_VIEW_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>

namespace mullion {

// A parameter that is a view of characters and knows the length of a literal when it is compiled,
// where code made for size would count a std::string_view's at each of a thousand calls.
class NameView : public std::string_view {
 public:
  constexpr NameView() = default;
  constexpr NameView(std::string_view text) : std::string_view(text) {}  // NOLINT(runtime/explicit)
  NameView(const std::string& text) : std::string_view(text) {}          // NOLINT(runtime/explicit)
  template <size_t N>
  [[gnu::always_inline]] constexpr NameView(const char (&literal)[N])  // NOLINT(runtime/explicit)
      : std::string_view(literal, N - 1) {}
  template <typename T, typename = std::enable_if_t<std::is_same_v<T, const char*>>>
  constexpr NameView(const T& text) : std::string_view(text) {}  // NOLINT(runtime/explicit)
};

}  // namespace mullion

#endif  // MULLION_BASE_NAME_VIEW_H_
