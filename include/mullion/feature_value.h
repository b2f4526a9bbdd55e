// SPDX-License-Identifier: MIT
// What goes into a model and comes out of it.
#ifndef MULLION_FEATURE_VALUE_H_
#define MULLION_FEATURE_VALUE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "mullion/error.h"
#include "mullion/handle.h"
#include "mullion/kinds.h"

namespace mullion {

// Any value: a tensor, sequence, map, image, or an optional that holds nothing. It and the classes
// derived from it are handles: copies mean the same value. Reading one value from several threads
// is fine; writing is for one thread at a time, and not during an evaluation that it is bound to.
class ILearningModelFeatureValue {
 public:
  ILearningModelFeatureValue(std::nullptr_t) {}  // NOLINT(runtime/explicit)
  explicit ILearningModelFeatureValue(detail::ValueHandle value) : handle_(std::move(value)) {}

  LearningModelFeatureKind Kind() const {
    return static_cast<LearningModelFeatureKind>(MullionValue_Kind(get()));
  }

  // The value as a TensorFloat, SequenceValue, ...: try_as gives nothing, as throws
  // (ErrorCode::InvalidArgument), when it is something else.
  template <typename T>
  std::optional<T> try_as() const {
    if (!handle_ || !T::IsInstance(get())) return std::nullopt;
    return T(handle_);
  }
  template <typename T>
  T as() const {
    if (!handle_ || !T::IsInstance(get())) {
      throw Error(ErrorCode::InvalidArgument, std::string("the value is not ") + T::kDescription +
                                                  "; ask Kind() and TensorKind() for what it is");
    }
    return T(handle_);
  }

  // False for nullptr. The functions of such a value fail.
  explicit operator bool() const { return static_cast<bool>(handle_); }
  // Whether two handles mean one value.
  friend bool operator==(const ILearningModelFeatureValue& a, const ILearningModelFeatureValue& b) {
    return a.handle_ == b.handle_;
  }
  // For calls of the C interface; no reference is added.
  MullionValue* get() const { return handle_.get(); }

  static constexpr char kDescription[] = "a value";
  static bool IsInstance(const MullionValue* /*value*/) { return true; }

 private:
  detail::ValueHandle handle_;
};

// An optional that holds nothing, for models with inputs of that type. One that holds something is
// that something.
inline ILearningModelFeatureValue CreateEmptyOptional() {
  MullionValue* value = nullptr;
  detail::Check(MullionValue_CreateEmptyOptional(&value));
  return ILearningModelFeatureValue(detail::ValueHandle::Adopt(value));
}

}  // namespace mullion

#endif  // MULLION_FEATURE_VALUE_H_
