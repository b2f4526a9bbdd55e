// SPDX-License-Identifier: MIT
// One value, over and over.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_FILL_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_FILL_H_

#include <cstddef>
#include <cstdint>

namespace mullion::cpu {

// The eight bytes that elements of the value's size repeat.
constexpr uint64_t RepeatBits(uint8_t value) { return 0x0101010101010101u * value; }
constexpr uint64_t RepeatBits(uint16_t value) { return 0x0001000100010001u * value; }
constexpr uint64_t RepeatBits(uint32_t value) { return 0x0000000100000001u * value; }
constexpr uint64_t RepeatBits(uint64_t value) { return value; }

// Writes `bytes` bytes that repeat the eight of `pattern`. In whole vectors: what is larger than
// the level 2 cache takes two thirds of the time that stores of 16 bytes take, as more lines are on
// their way at once.
void FillBytes(uint64_t pattern, void* to, size_t bytes);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_FILL_H_
