// SPDX-License-Identifier: MIT
// Errors on their way out through the C interface.
#ifndef MULLION_API_STATUS_H_
#define MULLION_API_STATUS_H_

#include "base/function_ref.h"
#include "base/status.h"
#include "mullion/c/mullion.h"

struct MullionStatus {
  mullion::Status status;
};

namespace mullion::api {

// Runs the body of a C function. No exception passes: memory that could not be had becomes
// kOutOfMemory, anything else the standard library throws kInternal.
MullionStatus* Call(FunctionRef<Status()> body) noexcept;

// The same for functions that cannot tell; says whether all went well.
bool Try(FunctionRef<void()> body) noexcept;

// The error for a null pointer: NullArgument("MullionModel_Close", "model").
Status NullArgument(const char* function, const char* argument);
Status Closed(std::string message);
Status OutOfRange(std::string message);

}  // namespace mullion::api

#endif  // MULLION_API_STATUS_H_
