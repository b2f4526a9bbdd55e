// SPDX-License-Identifier: MIT
#ifndef MULLION_API_SESSION_OPTIONS_H_
#define MULLION_API_SESSION_OPTIONS_H_

#include <cstdint>

#include "base/status.h"
#include "mullion/c/mullion.h"
#include "runtime/session.h"

struct MullionSessionOptions {
  mullion::SessionOptions options;
  uint32_t threads = 0;
  int precision = MULLION_PRECISION_FP32;  // as it was given
  bool close_model = false;
  bool incomplete = false;  // an option was lost for want of memory
};

namespace mullion::api {

// What the engine is given for `options`, which may be null.
Result<SessionOptions> EngineOptions(const MullionSessionOptions* options);

}  // namespace mullion::api

#endif  // MULLION_API_SESSION_OPTIONS_H_
