// SPDX-License-Identifier: MIT
#include "base/status.h"

namespace mullion {

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
  return rep_ ? rep_->message : empty;
}

Status Status::WithPrefix(const std::string& prefix) const {
  return ok() ? *this : Status(code(), prefix + message());
}

Status InvalidArgument(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}
Status NotFound(std::string message) { return Status(StatusCode::kNotFound, std::move(message)); }
Status InvalidModel(std::string message) {
  return Status(StatusCode::kInvalidModel, std::move(message));
}
Status Unsupported(std::string message) {
  return Status(StatusCode::kUnsupported, std::move(message));
}
Status InvalidBinding(std::string message) {
  return Status(StatusCode::kInvalidBinding, std::move(message));
}
Status SizeMismatch(std::string message) {
  return Status(StatusCode::kSizeMismatch, std::move(message));
}
Status OutOfMemory(std::string message) {
  return Status(StatusCode::kOutOfMemory, std::move(message));
}
Status EvaluationError(std::string message) {
  return Status(StatusCode::kEvaluation, std::move(message));
}
Status InternalError(std::string message) {
  return Status(StatusCode::kInternal, std::move(message));
}

}  // namespace mullion
