// SPDX-License-Identifier: MIT
#ifndef MULLION_API_CANCELLATION_H_
#define MULLION_API_CANCELLATION_H_

#include "api/ref_counted.h"
#include "base/cancellation.h"
#include "mullion/c/mullion.h"

struct MullionCancellation final : mullion::api::RefCounted {
  mullion::CancellationToken token;
};

namespace mullion::api {

inline const CancellationToken* TokenOf(const MullionCancellation* cancellation) {
  return cancellation == nullptr ? nullptr : &cancellation->token;
}

}  // namespace mullion::api

#endif  // MULLION_API_CANCELLATION_H_
