// SPDX-License-Identifier: MIT
// A borrowed callable: two pointers, no allocation. It must not outlive what it refers to.
#ifndef MULLION_BASE_FUNCTION_REF_H_
#define MULLION_BASE_FUNCTION_REF_H_

#include <memory>
#include <type_traits>
#include <utility>

namespace mullion {

template <typename Signature>
class FunctionRef;

template <typename R, typename... Args>
class FunctionRef<R(Args...)> {
 public:
  template <typename F, typename = std::enable_if_t<!std::is_same_v<std::decay_t<F>, FunctionRef>>>
  FunctionRef(F&& callable)  // NOLINT(runtime/explicit)
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(std::forward<Args>(args)...);
        }) {}

  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

}  // namespace mullion

#endif  // MULLION_BASE_FUNCTION_REF_H_
