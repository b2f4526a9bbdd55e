// SPDX-License-Identifier: MIT
#include "devices/cpu/letter_case.h"

#include <gtest/gtest.h>

#include "devices/cpu/utf8.h"

#if defined(MULLION_WITH_UTF8PROC)
#include <utf8proc.h>
#endif

namespace mullion::cpu {
namespace {

TEST(LetterCase, ChangesOneLetterIntoOne) {
  EXPECT_EQ(InCase("aZ09@[`{", LetterCase::kUpper), "AZ09@[`{");
  EXPECT_EQ(InCase("aZ09@[`{", LetterCase::kLower), "az09@[`{");
  EXPECT_EQ(InCase("ÿßŉžǆǅꭰ", LetterCase::kUpper), "ŸßŉŽǄǄᎠ");
  EXPECT_EQ(InCase("İẞΩKꞲ𞤀", LetterCase::kLower), "ißωkʝ𞤢");
}

TEST(LetterCase, AgreesWithUtf8proc) {
#if defined(MULLION_WITH_UTF8PROC)
  if (std::string(utf8proc_unicode_version()) != "15.0.0") {
    GTEST_SKIP() << "the table is of Unicode 15.0";
  }
  const auto text = [](int32_t code) {
    char bytes[4];
    return std::string(bytes, static_cast<size_t>(EncodeUtf8(code, bytes)));
  };
  for (int32_t code = 0; code < 0x110000; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;  // surrogates are no characters
    // utf8proc has a capital of "ß", which Unicode's simple mappings have not.
    const int32_t upper = code == 0xDF ? code : utf8proc_toupper(code);
    ASSERT_EQ(InCase(text(code), LetterCase::kUpper), text(upper)) << code;
    ASSERT_EQ(InCase(text(code), LetterCase::kLower), text(utf8proc_tolower(code))) << code;
  }
#else
  GTEST_SKIP() << "built without utf8proc";
#endif
}

}  // namespace
}  // namespace mullion::cpu
