// SPDX-License-Identifier: MIT
#ifndef MULLION_DEVICES_CPU_POOL_PLAIN_H_
#define MULLION_DEVICES_CPU_POOL_PLAIN_H_

#include <memory>

#include "device/kernel.h"
#include "operators/pool.h"

namespace mullion::cpu {

// MaxPool with or without indices, AveragePool and LpPool, window by window, for every type that
// they have.
Result<std::unique_ptr<Executable>> MakePlainPool(const Node& node,
                                                  const operators::PoolParameters& parameters);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_POOL_PLAIN_H_
