// SPDX-License-Identifier: MIT
// The loops that conversions between element types consist of, one or a few after the other.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_CONVERT_STEP_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_CONVERT_STEP_H_

#include <cstddef>
#include <cstdint>

#include "base/float8.h"

namespace mullion::cpu {

// U and I are unsigned and signed integers of that many bits, F and D float and double.
enum class ConvertStep : uint8_t {
  // Integers keep their value in more bits, and their low bits in fewer.
  kU8To16,
  kI8To16,
  kU8To32,
  kI8To32,
  kU16To32,
  kI16To32,
  kU32To64,
  kI32To64,
  k16To8,
  k32To8,
  k32To16,
  k64To32,
  // Whether it is not 0, as a bool.
  kTest8,
  kTest16,
  kTest32,
  kTest64,
  kTestF,
  kTestD,
  kU8ToF,
  kI8ToF,
  kI32ToF,
  kI32ToOddF,  // see RoundToOdd
  kU32ToOddF,
  kI64ToF,
  kU64ToF,
  kI32ToD,
  kU32ToD,
  kI64ToD,
  kU64ToD,
  // Towards 0; the nearer end stands for what is beyond, 0 for NaN. U32 has the low bits of I64.
  kFToI32,
  kFToU32,
  kFToI64,
  kFToU64,
  kDToI32,
  kDToU32,
  kDToI64,
  kDToU64,
  kFToD,
  kDToF,
  kDToOddF,
  // To whole numbers, ties to even.
  kRoundF,
  kRoundD,
  // Floats of 8 and 4 bits, a byte each.
  kFToSmall,
  kFToScale,
  kScaleToF,
  // Two and four integers a byte, signed or not, and a byte each.
  kUnpack4,
  kUnpack2,
  kPack4,
  kPack2,
  kFloat16ToF,
  kBfloat16ToF,
  kFToFloat16,
  kFToBfloat16,
  // Bytes' elements of that many bits in a table of 256.
  kLookUp8,
  kLookUp16,
  kLookUp32,
  kLookUp64,
};

struct ConvertStepOptions {
  const SmallFloatFormat* format = nullptr;  // of kFToSmall
  bool saturate = true;                      // of kFToSmall and kFToScale
  ScaleRounding rounding = ScaleRounding::kUp;
  bool is_signed = false;       // of kUnpack4 and kUnpack2
  const void* table = nullptr;  // of kLookUp*
};

// How many elements loops take at once: as many bytes as the longest vector has.
inline constexpr size_t kConvertBlock = 64;

// `count` is a multiple of kConvertBlock.
void RunConvertStep(ConvertStep step, const void* x, void* y, size_t count,
                    const ConvertStepOptions& options);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_CONVERT_STEP_H_
