// SPDX-License-Identifier: MIT
#ifndef MULLION_DEVICES_CPU_POOL_PLAIN_H_
#define MULLION_DEVICES_CPU_POOL_PLAIN_H_

#include <cstdint>
#include <memory>

#include "device/kernel.h"
#include "operators/pool.h"

namespace mullion::cpu {

// MaxPool with or without indices, AveragePool and LpPool in doubles, for every type that they
// have.
Result<std::unique_ptr<Executable>> MakePlainPool(const Node& node,
                                                  const operators::PoolParameters& parameters);

// x = |x|^p, by squares; p is 1 or more.
void RaiseSizes(int64_t p, double* x, int64_t count);
// x = x^(1/p) of numbers that are not negative.
void TakeRoots(int64_t p, double* x, int64_t count);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_POOL_PLAIN_H_
