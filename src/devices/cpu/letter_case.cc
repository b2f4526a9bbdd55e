// SPDX-License-Identifier: MIT
#include "devices/cpu/letter_case.h"

#include <algorithm>
#include <iterator>

#include "devices/cpu/letter_case_table.h"
#include "devices/cpu/utf8.h"

namespace mullion::cpu {

namespace {

template <size_t kRuns>
int32_t Partner(const CaseRun (&runs)[kRuns], int32_t code) {
  const CaseRun* run = std::lower_bound(std::begin(runs), std::end(runs), code,
                                        [](const CaseRun& r, int32_t c) { return r.last < c; });
  const bool within = run != std::end(runs) && code >= run->first;
  return within && (code - run->first) % run->step == 0 ? code + run->distance : code;
}

int32_t Changed(int32_t code, LetterCase letter_case) {
  if (code < 0x80) {
    const int32_t first = letter_case == LetterCase::kUpper ? 'a' : 'A';
    return code >= first && code < first + 26 ? code ^ 0x20 : code;
  }
  return letter_case == LetterCase::kUpper ? Partner(kToUpper, code) : Partner(kToLower, code);
}

}  // namespace

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
