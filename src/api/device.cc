// SPDX-License-Identifier: MIT
#include "api/device.h"

#include "api/status.h"
#include "base/str_cat.h"
#include "devices/cpu/cpu_device.h"
#include "devices/cpu/kernels/simd/isa.h"

namespace mullion::api {

Result<Ref<MullionDevice>> MakeDevice(MullionDeviceKind kind) {
  switch (kind) {
    case MULLION_DEVICE_DEFAULT:
    case MULLION_DEVICE_CPU:
      MULLION_RETURN_IF_ERROR(cpu::CheckForcedIsa());
      return Ref<MullionDevice>::Adopt(new MullionDevice(std::make_unique<cpu::CpuDevice>()));
    case MULLION_DEVICE_GPU:
    case MULLION_DEVICE_GPU_HIGH_PERFORMANCE:
    case MULLION_DEVICE_GPU_MIN_POWER:
      return NotFound(
          "there is no GPU device in this build of the library; use the device kind CPU or "
          "DEFAULT");
  }
  return InvalidArgument("device kind ", static_cast<int>(kind),
                         " does not exist; use a value of MullionDeviceKind (0 to 4)");
}

}  // namespace mullion::api

MullionStatus* MullionDevice_Create(MullionDeviceKind kind, MullionDevice** device) {
  return mullion::api::Call([&]() -> mullion::Status {
    if (device == nullptr) return mullion::api::NullArgument("MullionDevice_Create", "device");
    MULLION_ASSIGN_OR_RETURN(auto made, mullion::api::MakeDevice(kind));
    *device = made.Detach();
    return mullion::OkStatus();
  });
}

void MullionDevice_Retain(MullionDevice* device) {
  if (device != nullptr) device->Retain();
}

void MullionDevice_Release(MullionDevice* device) {
  if (device != nullptr) device->Release();
}

const char* MullionDevice_Name(const MullionDevice* device) {
  return device == nullptr ? "" : device->name.c_str();
}

// Names of levels are literals, hence end with a zero byte.
const char* MullionCpuLevel(void) {
  return mullion::cpu::IsaName(mullion::cpu::CurrentIsa()).data();
}
