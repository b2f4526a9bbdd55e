// SPDX-License-Identifier: MIT
#include "api/status.h"

#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/str_cat.h"

namespace mullion::api {

namespace {

// Made while there is memory, given out when there is none; never released.
MullionStatus& NoMemoryStatus() {
  static MullionStatus status{OutOfMemory("there is no memory left; free some and try again")};
  return status;
}
const MullionStatus& made_at_start = NoMemoryStatus();

MullionStatus* ToC(Status status) noexcept {
  if (status.ok()) return nullptr;
  auto* const made = new (std::nothrow) MullionStatus{std::move(status)};
  return made != nullptr ? made : &NoMemoryStatus();
}

}  // namespace

MullionStatus* Call(FunctionRef<Status()> body) noexcept {
  try {
    return ToC(body());
  } catch (const std::bad_alloc&) {
    return &NoMemoryStatus();
  } catch (const std::length_error&) {
    return &NoMemoryStatus();  // more elements asked for than any memory holds
  } catch (const std::exception& error) {
    try {
      return ToC(InternalError(StrCat("unexpected failure: ", error.what())));
    } catch (...) {
      return &NoMemoryStatus();
    }
  } catch (...) {
    return &NoMemoryStatus();
  }
}

bool Try(FunctionRef<void()> body) noexcept {
  MullionStatus* const status = Call([&] {
    body();
    return OkStatus();
  });
  MullionStatus_Release(status);
  return status == nullptr;
}

Status NullArgument(const char* function, const char* argument) {
  return InvalidArgument(StrCat(function, ": '", argument, "' is null; pass a valid pointer"));
}

Status Closed(std::string message) { return Status(StatusCode::kClosed, std::move(message)); }

Status OutOfRange(std::string message) {
  return Status(StatusCode::kOutOfRange, std::move(message));
}

}  // namespace mullion::api

MullionStatusCode MullionStatus_Code(const MullionStatus* status) {
  return status == nullptr ? MULLION_OK : static_cast<MullionStatusCode>(status->status.code());
}

const char* MullionStatus_Message(const MullionStatus* status) {
  return status == nullptr ? "" : status->status.message().c_str();
}

void MullionStatus_Release(MullionStatus* status) {
  if (status != &mullion::api::NoMemoryStatus()) delete status;
}

const char* MullionVersion(void) { return "0.1.0"; }
