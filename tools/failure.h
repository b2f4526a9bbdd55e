// SPDX-License-Identifier: MIT
// How a subcommand ends when it cannot do its job, and the exit codes that scripts rely on.
#ifndef MULLION_TOOLS_FAILURE_H_
#define MULLION_TOOLS_FAILURE_H_

#include <stdexcept>
#include <string>

#include "base/status.h"

namespace mullion::tools {

inline constexpr int kExitDone = 0;
inline constexpr int kExitNo = 1;          // the job ran and its answer is "no"
inline constexpr int kExitWrongUse = 2;    // unknown flag, missing file, bad value
inline constexpr int kExitRefused = 3;     // the model or an input was refused
inline constexpr int kExitEvaluation = 4;  // an evaluation failed

// Thrown by subcommands; main prints the sentence and exits with the code.
class Failure : public std::runtime_error {
 public:
  Failure(int exit_code, const std::string& sentence,
          StatusCode status_code = StatusCode::kInvalidArgument)
      : std::runtime_error(sentence), exit_code_(exit_code), status_code_(status_code) {}
  int exit_code() const { return exit_code_; }
  StatusCode status_code() const { return status_code_; }

 private:
  int exit_code_;
  StatusCode status_code_;
};

// The exit code for a failure of the library.
inline int ExitCodeOf(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return kExitDone;
    case StatusCode::kNotFound:
    case StatusCode::kInvalidArgument:
      return kExitWrongUse;
    case StatusCode::kInvalidModel:
    case StatusCode::kUnsupported:
    case StatusCode::kInvalidBinding:
    case StatusCode::kSizeMismatch:
    case StatusCode::kOutOfRange:
      return kExitRefused;
    default:
      return kExitEvaluation;
  }
}

inline void ThrowIfError(const Status& status) {
  if (!status.ok()) throw Failure(ExitCodeOf(status.code()), status.message(), status.code());
}

template <typename T>
T ValueOrThrow(Result<T> result) {
  ThrowIfError(result.status());
  return *std::move(result);
}

}  // namespace mullion::tools

#endif  // MULLION_TOOLS_FAILURE_H_
