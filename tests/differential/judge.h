// SPDX-License-Identifier: MIT
// What Mullion makes of a case, against what the peer made of it.
#ifndef MULLION_TESTS_DIFFERENTIAL_JUDGE_H_
#define MULLION_TESTS_DIFFERENTIAL_JUDGE_H_

#include <filesystem>
#include <string>

#include "tests/differential/case.h"

namespace mullion::differential {

struct Verdict {
  std::string outcome;
  std::string detail;
  bool disagrees = false;
};

// Runs the case in `folder`, checks inferred shapes against those that come out, and compares with
// the peer's outputs there. `peer` is "ok", the peer's complaint, or "hostile" when nothing is
// compared; `refusal` what our inference said of the model.
Verdict Judge(Case& built, const std::filesystem::path& folder, const std::string& peer,
              const std::string& refusal);

// Puts numbers that are out of any range into integer inputs and attributes, and NaN, infinities
// and huge numbers into others.
void Corrupt(Case& built);

}  // namespace mullion::differential

#endif  // MULLION_TESTS_DIFFERENTIAL_JUDGE_H_
