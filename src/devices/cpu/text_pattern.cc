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
      : re2_(re2::StringPiece(expression.data(), expression.size()), re2::RE2::Quiet) {
    std::string low;
    std::string high;
    if (!re2_.ok() || !re2_.PossibleMatchRange(&low, &high, 4)) return;
    if (!low.empty()) least_ = static_cast<uint8_t>(low[0]);
    if (!high.empty()) greatest_ = static_cast<uint8_t>(high[0]);
  }
  const re2::RE2& re2() const { return re2_; }
  bool MatchesAll(std::string_view text) const override {
    // What cannot match by its first byte need not go through the set-up of a search, which takes
    // longer than the search of a short text.
    const int first = text.empty() ? kNone : static_cast<uint8_t>(text[0]);
    if (first < least_ || first > greatest_) return false;
    return re2_.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(),
                      re2::RE2::ANCHOR_BOTH, nullptr, 0);
  }

 private:
  static constexpr int kNone = -1;  // of an empty text

  re2::RE2 re2_;
  // What texts that match begin with.
  int least_ = kNone;
  int greatest_ = 255;
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
