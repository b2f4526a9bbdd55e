// SPDX-License-Identifier: MIT
#ifndef MULLION_EVALUATION_CANCELLATION_H_
#define MULLION_EVALUATION_CANCELLATION_H_

#include <cstddef>
#include <new>

#include "mullion/handle.h"

namespace mullion {

// Stops evaluations that it was given to. A handle; thread-safe.
class EvaluationCancellation final {
 public:
  EvaluationCancellation() {
    handle_ = detail::CancellationHandle::Adopt(MullionCancellation_Create());
    if (!handle_) throw std::bad_alloc();
  }
  // For evaluations that nobody stops.
  EvaluationCancellation(std::nullptr_t) {}  // NOLINT(runtime/explicit)

  // From any thread: evaluations with it end soon with ErrorCode::Cancelled, later ones at once.
  void Cancel() const { MullionCancellation_Cancel(get()); }
  bool IsCancelled() const { return MullionCancellation_IsCancelled(get()) != 0; }

  MullionCancellation* get() const { return handle_.get(); }

 private:
  detail::CancellationHandle handle_;
};

}  // namespace mullion

#endif  // MULLION_EVALUATION_CANCELLATION_H_
