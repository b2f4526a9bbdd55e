// SPDX-License-Identifier: MIT
#ifndef MULLION_LEARNING_MODEL_DEVICE_H_
#define MULLION_LEARNING_MODEL_DEVICE_H_

#include <string>
#include <utility>

#include "mullion/error.h"
#include "mullion/handle.h"
#include "mullion/kinds.h"

namespace mullion {

// Where sessions run. A handle; thread-safe; may serve any number of sessions.
class LearningModelDevice final {
 public:
  // ErrorCode::NotFound when there is no device of that kind: never another one instead.
  // ErrorCode::InvalidArgument also when the environment's MULLION_CPU names an instruction level
  // that this processor or build does not have.
  explicit LearningModelDevice(LearningModelDeviceKind kind) {
    MullionDevice* device = nullptr;
    detail::Check(MullionDevice_Create(static_cast<MullionDeviceKind>(kind), &device));
    handle_ = detail::DeviceHandle::Adopt(device);
  }
  explicit LearningModelDevice(detail::DeviceHandle device) : handle_(std::move(device)) {}

  // "cpu".
  std::string Name() const { return MullionDevice_Name(get()); }
  // The instruction level of the CPU's kernels: "avx512", "avx2", "scalar", ...
  static std::string CpuLevel() { return MullionCpuLevel(); }

  // For calls of the C interface; no reference is added.
  MullionDevice* get() const { return handle_.get(); }

 private:
  detail::DeviceHandle handle_;
};

}  // namespace mullion

#endif  // MULLION_LEARNING_MODEL_DEVICE_H_
