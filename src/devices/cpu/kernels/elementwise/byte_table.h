// SPDX-License-Identifier: MIT
// Functions of one byte by way of a table of all their values.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_BYTE_TABLE_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_BYTE_TABLE_H_

#include <cstdint>

namespace mullion::cpu {

// y[i] = table256[x[i]]; y may be x. Signed bytes are indices by their bits: -1 is 255.
void LookUpBytes(const uint8_t* table256, const uint8_t* x, uint8_t* y, int64_t count);

namespace vbmi {
// In byte_table_vbmi.cc, for processors that have it; see HasVbmi.
void LookUpBytes(const uint8_t* table256, const uint8_t* x, uint8_t* y, int64_t count);
}  // namespace vbmi

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_BYTE_TABLE_H_
