// SPDX-License-Identifier: MIT
#include "devices/cpu/letter_case.h"

#include "devices/cpu/utf8.h"

#if defined(MULLION_WITH_UTF8PROC)
#include <utf8proc.h>
#endif

namespace mullion::cpu {

namespace {

int32_t Changed(int32_t code, LetterCase letter_case) {
  if (code < 0x80) {
    const int32_t first = letter_case == LetterCase::kUpper ? 'a' : 'A';
    return code >= first && code < first + 26 ? code ^ 0x20 : code;
  }
#if defined(MULLION_WITH_UTF8PROC)
  // Unicode has no capital of "ß" that is one letter; utf8proc takes U+1E9E.
  constexpr int32_t kSharpS = 0xDF;
  if (code == kSharpS) return code;
  return letter_case == LetterCase::kUpper ? utf8proc_toupper(code) : utf8proc_tolower(code);
#else
  return code;
#endif
}

}  // namespace

Status SupportsLetterCase([[maybe_unused]] const Node& node) {
#if defined(MULLION_WITH_UTF8PROC)
  return OkStatus();
#else
  return node.Error(StatusCode::kUnsupported,
                    "this build of the library cannot change the case of letters, because utf8proc "
                    "was missing when it was made; use one that has it");
#endif
}

std::string InCase(std::string_view text, LetterCase letter_case) {
  std::string changed;
  changed.reserve(text.size());
  while (!text.empty()) {
    const Character character = FirstCharacter(text);
    if (character.code < 0) {
      changed += text[0];
    } else {
      char bytes[4];
      changed.append(bytes, EncodeUtf8(Changed(character.code, letter_case), bytes));
    }
    text.remove_prefix(character.bytes);
  }
  return changed;
}

}  // namespace mullion::cpu
