// SPDX-License-Identifier: MIT
// How anything inside the library says that it could not do what was asked.
#ifndef MULLION_BASE_STATUS_H_
#define MULLION_BASE_STATUS_H_

#include <optional>
#include <string>
#include <utility>

#include "base/str_cat.h"

namespace mullion {

// The kinds of failure. The values are part of the C ABI (`MullionStatusCode`).
enum class StatusCode : int {
  kOk = 0,
  kInvalidArgument = 1,  // the caller used an interface wrongly
  kNotFound = 2,         // a file, name or device does not exist
  kInvalidModel = 3,     // the model's bytes or graph are broken
  kUnsupported = 4,      // legal, but not available in this build or on this device
  kInvalidBinding = 5,   // a bound value has the wrong kind or element type
  kSizeMismatch = 6,     // a bound value has the wrong rank or dimensions
  kClosed = 7,           // the object was closed
  kCancelled = 8,        // the evaluation was cancelled
  kOutOfMemory = 9,      // memory could not be had
  kEvaluation = 10,      // a run-time value made an operator fail
  kOutOfRange = 11,      // an index or key outside what exists
  kInternal = 12,        // an invariant of ours was broken
};

const char* StatusCodeName(StatusCode code);

// Success, or a code with one sentence: what, where, why, and what to do.
// One pointer, null for success, so that whoever hands one on is short; copies of a failure share
// it. Movable and copyable; thread-compatible.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message);
  Status(const Status& other) : rep_(other.rep_) {
    if (rep_ != nullptr) Share(rep_);
  }
  Status(Status&& other) noexcept : rep_(std::exchange(other.rep_, nullptr)) {}
  Status& operator=(Status other) noexcept {
    std::swap(rep_, other.rep_);
    return *this;
  }
  ~Status() {
    if (rep_ != nullptr) Release(rep_);
  }

  bool ok() const { return rep_ == nullptr; }
  StatusCode code() const;
  const std::string& message() const;

  // The same failure with `prefix` put before its message.
  Status WithPrefix(const std::string& prefix) const;

 private:
  struct Rep;
  [[gnu::cold]] static void Share(Rep* rep) noexcept;
  [[gnu::cold]] static void Release(Rep* rep) noexcept;

  Rep* rep_ = nullptr;
};

inline Status OkStatus() { return Status(); }

namespace internal {
[[gnu::cold]] Status JoinedFailure(StatusCode code, const char* kinds, ...);
}  // namespace internal

// A failure whose message is made of `pieces` as by StrCat.
template <typename... Pieces>
[[gnu::always_inline]] inline Status Failure(StatusCode code, const Pieces&... pieces) {
  return internal::JoinedFailure(code, internal::kPieceKinds<internal::PassedPieceOf<Pieces>...>,
                                 internal::PassedPiece(pieces)...);
}

// Short makers, so that a call site reads as a sentence.
template <typename... Pieces>
[[gnu::always_inline]] inline Status InvalidArgument(const Pieces&... pieces) {
  return Failure(StatusCode::kInvalidArgument, pieces...);
}
template <typename... Pieces>
[[gnu::always_inline]] inline Status NotFound(const Pieces&... pieces) {
  return Failure(StatusCode::kNotFound, pieces...);
}
template <typename... Pieces>
[[gnu::always_inline]] inline Status InvalidModel(const Pieces&... pieces) {
  return Failure(StatusCode::kInvalidModel, pieces...);
}
template <typename... Pieces>
[[gnu::always_inline]] inline Status Unsupported(const Pieces&... pieces) {
  return Failure(StatusCode::kUnsupported, pieces...);
}
template <typename... Pieces>
[[gnu::always_inline]] inline Status InvalidBinding(const Pieces&... pieces) {
  return Failure(StatusCode::kInvalidBinding, pieces...);
}
template <typename... Pieces>
[[gnu::always_inline]] inline Status SizeMismatch(const Pieces&... pieces) {
  return Failure(StatusCode::kSizeMismatch, pieces...);
}
template <typename... Pieces>
[[gnu::always_inline]] inline Status OutOfMemory(const Pieces&... pieces) {
  return Failure(StatusCode::kOutOfMemory, pieces...);
}
template <typename... Pieces>
[[gnu::always_inline]] inline Status EvaluationError(const Pieces&... pieces) {
  return Failure(StatusCode::kEvaluation, pieces...);
}
template <typename... Pieces>
[[gnu::always_inline]] inline Status InternalError(const Pieces&... pieces) {
  return Failure(StatusCode::kInternal, pieces...);
}

// A value, or the reason why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT(runtime/explicit)
  Result(Status status) : status_(std::move(status)) {}  // NOLINT(runtime/explicit)

  bool ok() const { return value_.has_value(); }
  const Status& status() const& { return status_; }
  Status status() && { return std::move(status_); }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return *std::move(value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace mullion

#define MULLION_CONCAT_INNER_(a, b) a##b
#define MULLION_CONCAT_(a, b) MULLION_CONCAT_INNER_(a, b)

#define MULLION_RETURN_IF_ERROR(expression)                                      \
  do {                                                                           \
    if (::mullion::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

#define MULLION_ASSIGN_OR_RETURN(declaration, expression) \
  MULLION_ASSIGN_OR_RETURN_IMPL_(MULLION_CONCAT_(result_, __LINE__), declaration, expression)
#define MULLION_ASSIGN_OR_RETURN_IMPL_(result, declaration, expression) \
  auto result = (expression);                                           \
  if (!result.ok()) return std::move(result).status();                  \
  declaration = *std::move(result)

#endif  // MULLION_BASE_STATUS_H_
