// SPDX-License-Identifier: MIT
#include "api/status.h"

#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/str_cat.h"
#include "base/version.h"

namespace mullion::api {

namespace {

// What is given out when there is no memory for a status: an address that stands for
// kOutOfMemory and is never looked into.
constexpr char kNoMemoryMessage[] = "there is no memory left; free some and try again";
char no_memory_mark = 0;
MullionStatus* NoMemory() { return reinterpret_cast<MullionStatus*>(&no_memory_mark); }

MullionStatus* ToC(Status status) noexcept {
  if (status.ok()) return nullptr;
  auto* const made = new (std::nothrow) MullionStatus{std::move(status)};
  return made != nullptr ? made : NoMemory();
}

}  // namespace

MullionStatus* Call(FunctionRef<Status()> body) noexcept {
  try {
    return ToC(body());
  } catch (const std::bad_alloc&) {
    return NoMemory();
  } catch (const std::length_error&) {
    return NoMemory();  // more elements asked for than any memory holds
  } catch (const std::exception& error) {
    try {
      return ToC(InternalError("unexpected failure: ", error.what()));
    } catch (...) {
      return NoMemory();
    }
  } catch (...) {
    return NoMemory();
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
  return InvalidArgument(function, ": '", argument, "' is null; pass a valid pointer");
}

Status Closed(std::string message) { return Status(StatusCode::kClosed, std::move(message)); }

Status OutOfRange(std::string message) {
  return Status(StatusCode::kOutOfRange, std::move(message));
}

}  // namespace mullion::api

using mullion::api::kNoMemoryMessage;
using mullion::api::NoMemory;

MullionStatusCode MullionStatus_Code(const MullionStatus* status) {
  if (status == nullptr) return MULLION_OK;
  if (status == NoMemory()) return MULLION_OUT_OF_MEMORY;
  return static_cast<MullionStatusCode>(status->status.code());
}

const char* MullionStatus_Message(const MullionStatus* status) {
  if (status == nullptr) return "";
  if (status == NoMemory()) return kNoMemoryMessage;
  return status->status.message().c_str();
}

void MullionStatus_Release(MullionStatus* status) {
  if (status != NoMemory()) delete status;
}

const char* MullionVersion(void) { return mullion::kVersion; }
