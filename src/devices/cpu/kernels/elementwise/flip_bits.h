// SPDX-License-Identifier: MIT
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_FLIP_BITS_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_FLIP_BITS_H_

#include <cstddef>
#include <cstdint>

namespace mullion::cpu {

// y[i] = x[i] ^ bits; x and y may be the same.
void FlipBits(const uint8_t* x, uint8_t* y, size_t count, uint8_t bits);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_FLIP_BITS_H_
