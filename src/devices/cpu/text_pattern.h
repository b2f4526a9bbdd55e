// SPDX-License-Identifier: MIT
// Regular expressions, in time linear in the text. Needs RE2 at build time.
#ifndef MULLION_DEVICES_CPU_TEXT_PATTERN_H_
#define MULLION_DEVICES_CPU_TEXT_PATTERN_H_

#include <memory>
#include <string>
#include <string_view>

#include "graph/graph.h"

namespace mullion::cpu {

// Immutable, so thread-safe.
class TextPattern {
 public:
  // An error, in the name of `node`, when this build knows no regular expressions.
  static Status Supports(const Node& node);
  // The message of an error says what is wrong with the expression.
  static Result<std::unique_ptr<TextPattern>> Make(std::string_view expression);

  virtual ~TextPattern() = default;
  // Whether the expression matches all of the text.
  virtual bool MatchesAll(std::string_view text) const = 0;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_TEXT_PATTERN_H_
