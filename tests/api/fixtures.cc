// SPDX-License-Identifier: MIT
#include "api/fixtures.h"

namespace mullion::test {

LearningModel Load(const std::string& bytes) {
  return LearningModel::LoadFromBuffer(bytes.data(), bytes.size());
}

LearningModelSession Open(const std::string& bytes) { return LearningModelSession(Load(bytes)); }

namespace {

std::string NameOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument:
      return "InvalidArgument";
    case ErrorCode::NotFound:
      return "NotFound";
    case ErrorCode::InvalidModel:
      return "InvalidModel";
    case ErrorCode::Unsupported:
      return "Unsupported";
    case ErrorCode::InvalidBinding:
      return "InvalidBinding";
    case ErrorCode::SizeMismatch:
      return "SizeMismatch";
    case ErrorCode::Closed:
      return "Closed";
    case ErrorCode::Cancelled:
      return "Cancelled";
    case ErrorCode::OutOfMemory:
      return "OutOfMemory";
    case ErrorCode::Evaluation:
      return "Evaluation";
    case ErrorCode::OutOfRange:
      return "OutOfRange";
    case ErrorCode::Internal:
      return "Internal";
  }
  return "?";
}

}  // namespace

std::string Failure(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return NameOf(error.code()) + ": " + error.what();
  }
  return "nothing";
}

std::filesystem::path DigitsModel() {
  return std::filesystem::path(MULLION_DIGITS_DIR) / "digits.onnx";
}

std::filesystem::path DigitsImage(int digit) {
  return std::filesystem::path(MULLION_DIGITS_DIR) / "images" / (std::to_string(digit) + ".png");
}

}  // namespace mullion::test
