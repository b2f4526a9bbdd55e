// SPDX-License-Identifier: MIT
// What the C++ interface throws.
#ifndef MULLION_ERROR_H_
#define MULLION_ERROR_H_

#include <stdexcept>
#include <string>

#include "mullion/c/mullion.h"

namespace mullion {

// The kinds of failure, with the numbers of the C interface. See docs/errors.md.
enum class ErrorCode : int {
  InvalidArgument = MULLION_INVALID_ARGUMENT,
  NotFound = MULLION_NOT_FOUND,
  InvalidModel = MULLION_INVALID_MODEL,
  Unsupported = MULLION_UNSUPPORTED,
  InvalidBinding = MULLION_INVALID_BINDING,
  SizeMismatch = MULLION_SIZE_MISMATCH,
  Closed = MULLION_CLOSED,
  Cancelled = MULLION_CANCELLED,
  OutOfMemory = MULLION_OUT_OF_MEMORY,
  Evaluation = MULLION_EVALUATION,
  OutOfRange = MULLION_OUT_OF_RANGE,
  Internal = MULLION_INTERNAL,
};

// The only exception of this interface, apart from std::bad_alloc. what() is one UTF-8 sentence:
// what, where, why, what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

namespace detail {

[[noreturn]] inline void Throw(MullionStatus* status) {
  const Error error(static_cast<ErrorCode>(MullionStatus_Code(status)),
                    MullionStatus_Message(status));
  MullionStatus_Release(status);
  throw error;
}

// Throws what a C function gave back, if it is a failure.
inline void Check(MullionStatus* status) {
  if (status != nullptr) Throw(status);
}

}  // namespace detail

}  // namespace mullion

#endif  // MULLION_ERROR_H_
