// SPDX-License-Identifier: MIT
// Sums of bytes in 32 bits.
#ifndef MULLION_DEVICES_CPU_KERNELS_REDUCTION_BYTE_SUM_H_
#define MULLION_DEVICES_CPU_KERNELS_REDUCTION_BYTE_SUM_H_

#include <cstdint>

#include "devices/cpu/kernels/reduction/reduce.h"

namespace mullion::cpu {

// So many bytes may be taken into one sum: 2^23 * 255 < 2^31.
inline constexpr int64_t kMaxSummedBytes = int64_t{1} << 23;

// For elements of uint8_t or int8_t; accumulators and results are int32_t. Of the instruction level
// in use.
ReduceFunctions ByteSumFunctions(bool is_signed);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_REDUCTION_BYTE_SUM_H_
