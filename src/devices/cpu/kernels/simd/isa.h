// SPDX-License-Identifier: MIT
// The instruction level that the CPU device uses: found once, or forced by MULLION_CPU.
#ifndef MULLION_DEVICES_CPU_KERNELS_SIMD_ISA_H_
#define MULLION_DEVICES_CPU_KERNELS_SIMD_ISA_H_

#include <string_view>
#include <vector>

#include "base/status.h"

namespace mullion::cpu {

// Levels in order of preference within a processor family.
enum class Isa { kScalar, kNeon, kSse4, kAvx2, kAvx512, kAvx512Vnni, kAvx512Fp16 };

// "scalar", "neon", "sse4", "avx2", "avx512", "avx512vnni", "avx512fp16": as MULLION_CPU and
// `bench --json` spell them.
std::string_view IsaName(Isa isa);

// Every level that this processor and this build have, worst first. Never empty.
const std::vector<Isa>& AvailableIsas();

// The level in use: the best available one, unless MULLION_CPU or SetIsaForTest says otherwise.
Isa CurrentIsa();

// Whether kernels may use AVX512-VBMI, permutations of bytes: at the levels from avx512vnni on, on
// processors that have it.
bool HasVbmi();

// Whether the environment's MULLION_CPU names an available level (or is not set). The error lists
// the available ones.
Status CheckForcedIsa();

// Changes the level of kernels called from now on. For tests: not while an evaluation runs.
void SetIsaForTest(Isa isa);

// Sizes of the data caches of one core in bytes; guesses where the system does not tell.
struct CacheSizes {
  size_t l1 = 32 * 1024;
  size_t l2 = 1024 * 1024;
};
const CacheSizes& Caches();

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_SIMD_ISA_H_
