// SPDX-License-Identifier: MIT
// StringConcat, StringSplit, StringNormalizer, RegexFullMatch.
#include <gtest/gtest.h>

#include "devices/cpu/letter_case.h"
#include "devices/cpu/text_pattern.h"
#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

using Words = std::vector<std::string>;

OperatorCase Case(const char* name, std::vector<Tensor> inputs) {
  OperatorCase c;
  c.name = name;
  c.opset = 20;
  c.inputs = std::move(inputs);
  return c;
}

Tensor Row(const Words& words) {
  return TensorOf<std::string>({static_cast<int64_t>(words.size())}, words);
}

TEST(StringConcat, Broadcasts) {
  ExpectOutput<std::string>(
      Case("StringConcat", {TensorOf<std::string>({2, 1}, {"a", "ü"}), Row({"", "1", "長い"})}),
      {2, 3}, {"a", "a1", "a長い", "ü", "ü1", "ü長い"});
  ExpectOutput<std::string>(Case("StringConcat", {Row({}), Row({"x"})}), {0}, {});
  ExpectError(Case("StringConcat", {Row({"a", "b"}), Row({"a", "b", "c"})}), "");
}

// Pieces and their counts, for one text.
void ExpectPieces(const std::string& text, const Words& pieces, const char* delimiter = nullptr,
                  std::optional<int64_t> most = {}) {
  SCOPED_TRACE(text);
  OperatorCase c = Case("StringSplit", {TensorOf<std::string>({1, 1}, {text})});
  if (delimiter != nullptr) c.Set("delimiter", std::string(delimiter));
  if (most.has_value()) c.Set("maxsplit", *most);
  c.output_count = 2;
  const auto count = static_cast<int64_t>(pieces.size());
  ExpectOutput<std::string>(c, {1, 1, count}, pieces);
  EXPECT_EQ(c.Run()[1].span<int64_t>()[0], count);
}

TEST(StringSplit, SplitsAtSpaceAsPythonDoes) {
  ExpectPieces("", {});
  ExpectPieces(" \t\n", {});
  ExpectPieces("  a  b\tc ", {"a", "b", "c"});
  ExpectPieces("a\u00A0b\u3000c\u2003d\u200Be", {"a", "b", "c", "d\u200Be"});
  ExpectPieces("  a  b  c  ", {"a", "b  c  "}, "", 1);
  ExpectPieces("  a  ", {"a  "}, "", 0);
  ExpectPieces("  a  ", {"a"}, "", 1);
  ExpectPieces("\xFF \x80 x", {"\xFF", "\x80", "x"});
}

TEST(StringSplit, SplitsAtADelimiter) {
  ExpectPieces("", {""}, "-");
  ExpectPieces("-", {"", ""}, "-");
  ExpectPieces("a--b", {"a", "", "b"}, "-");
  ExpectPieces("a--b---c", {"a", "b", "-c"}, "--");
  ExpectPieces("a-b-c", {"a", "b-c"}, "-", 1);
  ExpectPieces("a-b-c", {"a-b-c"}, "-", 0);
  ExpectPieces("a-b-c", {"a", "b", "c"}, "-", -1);
  ExpectPieces("一、二", {"一", "二"}, "、");
}

TEST(StringSplit, PadsShorterRows) {
  OperatorCase c = Case("StringSplit", {Row({"a", "b c d", ""})});
  c.output_count = 2;
  ExpectOutput<std::string>(c, {3, 3}, {"a", "", "", "b", "c", "d", "", "", ""});
  const Tensor lengths = c.Run()[1];
  const auto counts = lengths.span<int64_t>();
  EXPECT_EQ(std::vector<int64_t>(counts.begin(), counts.end()), std::vector<int64_t>({1, 3, 0}));
  ExpectOutput<std::string>(Case("StringSplit", {TensorOf<std::string>({0, 2}, {})}), {0, 2, 0},
                            {});
  ExpectOutput<std::string>(Case("StringSplit", {TensorOf<std::string>({}, {"x y"})}), {2},
                            {"x", "y"});
}

TEST(StringNormalizer, ChangesCaseOfAllScripts) {
  OperatorCase c = Case("StringNormalizer", {Row({"Größe", "ÉTÉ", "ΣΊΣΥΦΟΣ", "Жук", "𐐀"})});
  c.Set("case_change_action", std::string("LOWER"));
  ExpectOutput<std::string>(c, {5}, {"größe", "été", "σίσυφοσ", "жук", "𐐨"});
  c.attributes.clear();
  c.Set("case_change_action", std::string("UPPER"));
  ExpectOutput<std::string>(c, {5}, {"GRÖßE", "ÉTÉ", "ΣΊΣΥΦΟΣ", "ЖУК", "𐐀"});
  EXPECT_EQ(InCase("\xC3(a\xFF\xED\xA0\x80", LetterCase::kUpper), "\xC3(A\xFF\xED\xA0\x80");
}

TEST(StringNormalizer, DropsStopWords) {
  OperatorCase c = Case("StringNormalizer", {Row({"Mo", "mo", "Tu", "É", "mo"})});
  c.Set("stopwords", Words{"MO", "é"});
  ExpectOutput<std::string>(c, {1}, {"Tu"});
  c.Set("is_case_sensitive", int64_t{1});
  ExpectOutput<std::string>(c, {5}, {"Mo", "mo", "Tu", "É", "mo"});
}

TEST(StringNormalizer, LeavesAnEmptyTextForNothing) {
  OperatorCase c = Case("StringNormalizer", {TensorOf<std::string>({1, 2}, {"a", "a"})});
  c.Set("is_case_sensitive", int64_t{1});
  c.Set("stopwords", Words{"a"});
  ExpectOutput<std::string>(c, {1, 1}, {""});
  c.inputs[0] = Row({});
  ExpectOutput<std::string>(c, {1}, {""});
  c.attributes.clear();
  ExpectOutput<std::string>(c, {1}, {""});
}

TEST(StringNormalizer, RefusesWhatMakesNoSense) {
  OperatorCase c = Case("StringNormalizer", {TensorOf<std::string>({2, 1}, {"a", "b"})});
  ExpectError(c, "must be [C] or [1,C]");
  c.inputs[0] = Row({"a"});
  c.Set("case_change_action", std::string("TITLE"));
  ExpectError(c, "'case_change_action' is 'TITLE'");
}

bool HasPatterns() { return TextPattern::Make("a").ok(); }

TEST(RegexFullMatch, MatchesAllOfATextOrNothing) {
  if (!HasPatterns()) GTEST_SKIP() << "built without RE2";
  OperatorCase c = Case("RegexFullMatch",
                        {TensorOf<std::string>({2, 3}, {"ab", "abab", "aba", "", "xab", "Ab"})});
  c.Set("pattern", std::string("(ab)+"));
  const Tensor output = RunEveryWay(c)[0];
  EXPECT_EQ(output.shape(), Shape({2, 3}));
  const auto matches = output.span<bool>();
  EXPECT_EQ(std::vector<bool>(matches.begin(), matches.end()),
            std::vector<bool>({true, true, false, false, false, false}));
  c.attributes.clear();
  c.Set("pattern", std::string("\\p{L}."));
  c.inputs[0] = Row({"é長"});
  EXPECT_TRUE(c.Run()[0].span<bool>()[0]);
}

TEST(RegexFullMatch, KnowsWhatTextsMayBeginWith) {
  if (!HasPatterns()) GTEST_SKIP() << "built without RE2";
  const Words texts = {"", "a", "z", "zb", "A", "`", "{", "k", "\u212a", "é", "\xff", "\n", "b1"};
  const auto matching = [&](const char* pattern) {
    OperatorCase c = Case("RegexFullMatch", {Row(texts)});
    c.Set("pattern", std::string(pattern));
    const Tensor output = c.Run()[0];
    Words of;
    for (size_t i = 0; i < texts.size(); ++i) {
      if (output.span<bool>()[i]) of.push_back(texts[i]);
    }
    return of;
  };
  EXPECT_EQ(matching("[a-z]+"), Words({"a", "z", "zb", "k"}));
  EXPECT_EQ(matching("[^a-z]+"), Words({"A", "`", "{", "\u212a", "é", "\n"}));
  EXPECT_EQ(matching("(?i)k"), Words({"k", "\u212a"}));  // the Kelvin sign
  EXPECT_EQ(matching("(?i)a|z.*"), Words({"a", "z", "zb", "A"}));
  EXPECT_EQ(matching("^(k|\\n)?$"), Words({"", "k", "\n"}));
  EXPECT_EQ(matching(".*1"), Words({"b1"}));
  EXPECT_EQ(matching("(?s).*"),
            Words({"", "a", "z", "zb", "A", "`", "{", "k", "\u212a", "é", "\n", "b1"}));
  EXPECT_EQ(matching("\\C"), Words({"a", "z", "A", "`", "{", "k", "\xff", "\n"}));
  EXPECT_EQ(matching(""), Words({""}));
  EXPECT_EQ(matching("\\pN"), Words({}));
}

TEST(RegexFullMatch, RefusesWhatIsNoPattern) {
  if (!HasPatterns()) GTEST_SKIP() << "built without RE2";
  OperatorCase c = Case("RegexFullMatch", {Row({"a"})});
  c.Set("pattern", std::string("(a"));
  ExpectError(c, "the pattern '(a' is not a regular expression of RE2: missing )");
  c.attributes.clear();
  c.Set("pattern", std::string("((a{1000}){1000}){1000}"));
  ExpectError(c, "is not a regular expression of RE2");
}

TEST(RegexFullMatch, IsLinear) {
  if (!HasPatterns()) GTEST_SKIP() << "built without RE2";
  OperatorCase c = Case("RegexFullMatch", {Row({std::string(100000, 'a') + "b"})});
  c.Set("pattern", std::string("(a*)*c"));
  EXPECT_FALSE(c.Run()[0].span<bool>()[0]);
}

}  // namespace
}  // namespace mullion::cpu
