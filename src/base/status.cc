// SPDX-License-Identifier: MIT
#include "base/status.h"

#include <atomic>
#include <cstdarg>

namespace mullion {

struct Status::Rep {
  StatusCode code;
  std::string message;
  std::atomic<int> owners = 1;
};

Status::Status(StatusCode code, std::string message) : rep_(new Rep{code, std::move(message)}) {}

void Status::Share(Rep* rep) noexcept { rep->owners.fetch_add(1, std::memory_order_relaxed); }

void Status::Release(Rep* rep) noexcept {
  if (rep->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete rep;
}

StatusCode Status::code() const { return rep_ != nullptr ? rep_->code : StatusCode::kOk; }

const char* StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "ok";
    case StatusCode::kInvalidArgument:
      return "invalid argument";
    case StatusCode::kNotFound:
      return "not found";
    case StatusCode::kInvalidModel:
      return "invalid model";
    case StatusCode::kUnsupported:
      return "unsupported";
    case StatusCode::kInvalidBinding:
      return "invalid binding";
    case StatusCode::kSizeMismatch:
      return "size mismatch";
    case StatusCode::kClosed:
      return "closed";
    case StatusCode::kCancelled:
      return "cancelled";
    case StatusCode::kOutOfMemory:
      return "out of memory";
    case StatusCode::kEvaluation:
      return "evaluation failed";
    case StatusCode::kOutOfRange:
      return "out of range";
    case StatusCode::kInternal:
      return "internal error";
  }
  return "unknown";
}

const std::string& Status::message() const {
  static const std::string empty;
  return rep_ != nullptr ? rep_->message : empty;
}

Status Status::WithPrefix(const std::string& prefix) const {
  return ok() ? *this : Status(code(), prefix + message());
}

Status internal::JoinedFailure(StatusCode code, const char* kinds, ...) {
  va_list pieces;
  va_start(pieces, kinds);
  Status failure(code, JoinPieceList(kinds, pieces));
  va_end(pieces);
  return failure;
}

}  // namespace mullion
