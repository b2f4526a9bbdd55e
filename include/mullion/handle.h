// SPDX-License-Identifier: MIT
// How the classes of this interface hold the library's reference-counted objects.
#ifndef MULLION_HANDLE_H_
#define MULLION_HANDLE_H_

#include <cstddef>
#include <utility>

#include "mullion/c/mullion.h"

namespace mullion::detail {

// Holds one reference, or none. Copies share the object; copying and destroying are thread-safe.
template <typename T, void (*kRetain)(T*), void (*kRelease)(T*)>
class Handle {
 public:
  Handle() = default;
  // Takes over a reference that a C function gave.
  static Handle Adopt(T* object) noexcept {
    Handle handle;
    handle.object_ = object;
    return handle;
  }
  // Adds a reference to an object that somebody else holds.
  static Handle Share(T* object) noexcept {
    kRetain(object);
    return Adopt(object);
  }
  Handle(const Handle& other) noexcept : object_(other.object_) { kRetain(object_); }
  Handle(Handle&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Handle& operator=(Handle other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Handle() { kRelease(object_); }

  T* get() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  friend bool operator==(const Handle& a, const Handle& b) noexcept {
    return a.object_ == b.object_;
  }

 private:
  T* object_ = nullptr;
};

using ModelHandle = Handle<MullionModel, MullionModel_Retain, MullionModel_Release>;
using DeviceHandle = Handle<MullionDevice, MullionDevice_Retain, MullionDevice_Release>;
using SessionHandle = Handle<MullionSession, MullionSession_Retain, MullionSession_Release>;
using ValueHandle = Handle<MullionValue, MullionValue_Retain, MullionValue_Release>;
using BindingHandle = Handle<MullionBinding, MullionBinding_Retain, MullionBinding_Release>;
using ResultHandle = Handle<MullionResult, MullionResult_Retain, MullionResult_Release>;
using CancellationHandle =
    Handle<MullionCancellation, MullionCancellation_Retain, MullionCancellation_Release>;

}  // namespace mullion::detail

#endif  // MULLION_HANDLE_H_
