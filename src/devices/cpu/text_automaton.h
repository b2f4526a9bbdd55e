// SPDX-License-Identifier: MIT
// Simple regular expressions as tables, for texts of ASCII: one look-up a character, and no set-up
// a text, which takes RE2 longer than short texts themselves.
#ifndef MULLION_DEVICES_CPU_TEXT_AUTOMATON_H_
#define MULLION_DEVICES_CPU_TEXT_AUTOMATON_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace mullion::cpu {

// Immutable, so thread-safe.
class TextAutomaton {
 public:
  // `expression` must be one of RE2. Nothing for those that say more than literals, classes,
  // groups, alternatives and repetitions, or that need too many states.
  static std::optional<TextAutomaton> Make(std::string_view expression);

  enum class Answer : uint8_t { kNo, kYes, kUnknown };

  // Whether the expression matches all of the text; unknown where that hangs on characters beyond
  // ASCII.
  Answer MatchesAll(std::string_view text) const;

 private:
  static constexpr int kCharacters = 128;

  // State 0 is left by no character; the search begins in state 1.
  std::vector<std::array<uint8_t, kCharacters>> next_;
  std::vector<Answer> ends_;  // whether a text may end in a state
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_TEXT_AUTOMATON_H_
