// SPDX-License-Identifier: MIT
// Where a session runs, behind the C interface.
#ifndef MULLION_API_DEVICE_H_
#define MULLION_API_DEVICE_H_

#include <memory>
#include <string>
#include <utility>

#include "api/ref_counted.h"
#include "base/status.h"
#include "device/device.h"
#include "mullion/c/mullion.h"

struct MullionDevice final : mullion::api::RefCounted {
  explicit MullionDevice(std::unique_ptr<const mullion::Device> of)
      : device(std::move(of)), name(device->name()) {}

  const std::unique_ptr<const mullion::Device> device;
  const std::string name;
};

namespace mullion::api {

Result<Ref<MullionDevice>> MakeDevice(MullionDeviceKind kind);

}  // namespace mullion::api

#endif  // MULLION_API_DEVICE_H_
