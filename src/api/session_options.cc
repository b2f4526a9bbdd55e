// SPDX-License-Identifier: MIT
#include "api/session_options.h"

#include <new>

#include "api/status.h"
#include "base/str_cat.h"

namespace mullion::api {

namespace {

// Far more than any machine's processors; a number above it is a mistake, and each costs a stack.
constexpr uint32_t kMostThreads = 1024;

}  // namespace

Result<SessionOptions> EngineOptions(const MullionSessionOptions* options) {
  if (options == nullptr) return SessionOptions();
  if (options->incomplete) return OutOfMemory("no memory for the options of a session");
  if (options->threads > kMostThreads) {
    return InvalidArgument("a session cannot have ", options->threads,
                           " threads; ask for 0 (all processors) to ", kMostThreads);
  }
  if (options->precision != MULLION_PRECISION_FP32 &&
      options->precision != MULLION_PRECISION_FP16) {
    return InvalidArgument("a session cannot have the precision ", options->precision,
                           "; ask for MULLION_PRECISION_FP32 (0) or _FP16 (1)");
  }
  SessionOptions engine = options->options;
  engine.precision =
      options->precision == MULLION_PRECISION_FP16 ? Precision::kHalf : Precision::kFloat;
  engine.threads = static_cast<int>(options->threads);
  return engine;
}

}  // namespace mullion::api

MullionSessionOptions* MullionSessionOptions_Create(void) {
  return new (std::nothrow) MullionSessionOptions();
}

void MullionSessionOptions_Release(MullionSessionOptions* options) { delete options; }

void MullionSessionOptions_SetBatchSizeOverride(MullionSessionOptions* options, uint32_t size) {
  if (options != nullptr) options->options.batch_size = size;
}

void MullionSessionOptions_OverrideNamedDimension(MullionSessionOptions* options, const char* name,
                                                  uint32_t size) {
  if (options == nullptr || name == nullptr) return;
  auto& dimensions = options->options.dimensions;
  options->incomplete |= !mullion::api::Try([&] {
    for (auto& [known, value] : dimensions) {
      if (known == name) {
        value = size;
        return;
      }
    }
    dimensions.emplace_back(name, size);
  });
}

void MullionSessionOptions_SetCloseModelOnSessionCreation(MullionSessionOptions* options,
                                                          int close) {
  if (options != nullptr) options->close_model = close != 0;
}

void MullionSessionOptions_SetThreads(MullionSessionOptions* options, uint32_t threads) {
  if (options != nullptr) options->threads = threads;
}

void MullionSessionOptions_SetPrecision(MullionSessionOptions* options,
                                        MullionPrecision precision) {
  if (options != nullptr) options->precision = precision;
}

void MullionSessionOptions_SetOptimize(MullionSessionOptions* options, int optimize) {
  if (options != nullptr) options->options.optimize = optimize != 0;
}
