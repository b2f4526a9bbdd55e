// SPDX-License-Identifier: MIT
// What the tests of the C++ interface share.
#ifndef MULLION_TESTS_API_FIXTURES_H_
#define MULLION_TESTS_API_FIXTURES_H_

#include <filesystem>
#include <functional>
#include <string>

#include "mullion/mullion.h"

namespace mullion::test {

LearningModel Load(const std::string& bytes);
LearningModelSession Open(const std::string& bytes);

// What `action` throws: "InvalidBinding: message", or "nothing". For golden messages.
std::string Failure(const std::function<void()>& action);

std::filesystem::path DigitsModel();
std::filesystem::path DigitsImage(int digit);

}  // namespace mullion::test

#endif  // MULLION_TESTS_API_FIXTURES_H_
