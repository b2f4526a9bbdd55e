// SPDX-License-Identifier: MIT
#include "devices/cpu/text_pattern.h"

#include "base/str_cat.h"

#if defined(MULLION_WITH_RE2)
#include <re2/re2.h>
#endif

namespace mullion::cpu {

#if defined(MULLION_WITH_RE2)

namespace {

class Re2Pattern final : public TextPattern {
 public:
  explicit Re2Pattern(std::string_view expression)
      : re2_(re2::StringPiece(expression.data(), expression.size()), re2::RE2::Quiet) {}
  const re2::RE2& re2() const { return re2_; }
  bool MatchesAll(std::string_view text) const override {
    return re2_.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(),
                      re2::RE2::ANCHOR_BOTH, nullptr, 0);
  }

 private:
  re2::RE2 re2_;
};

}  // namespace

Status TextPattern::Supports(const Node& /*node*/) { return OkStatus(); }

Result<std::unique_ptr<TextPattern>> TextPattern::Make(std::string_view expression) {
  auto pattern = std::make_unique<Re2Pattern>(expression);
  if (pattern->re2().ok()) return std::unique_ptr<TextPattern>(std::move(pattern));
  return InvalidModel("the pattern '", expression,
                      "' is not a regular expression of RE2: ", pattern->re2().error());
}

#else

Status TextPattern::Supports(const Node& node) {
  return node.Error(StatusCode::kUnsupported,
                    "this build of the library knows no regular expressions, because RE2 was "
                    "missing when it was made; use one that has it");
}

Result<std::unique_ptr<TextPattern>> TextPattern::Make(std::string_view /*expression*/) {
  return Unsupported("this build of the library knows no regular expressions");
}

#endif

}  // namespace mullion::cpu
