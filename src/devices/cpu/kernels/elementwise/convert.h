// SPDX-License-Identifier: MIT
// Conversion of contiguous elements between any two element types but strings and complex numbers.
#ifndef MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_CONVERT_H_
#define MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_CONVERT_H_

#include <cstddef>

#include "base/element_type.h"
#include "base/float8.h"

namespace mullion::cpu {

// What ONNX's Cast lets the model choose for 8-bit floating types.
struct ConvertOptions {
  bool saturate = true;
  ScaleRounding rounding = ScaleRounding::kUp;
};

// y[i] = x[i] in the other type, as ONNX's Cast-25 says. Elements of packed types begin at a whole
// byte; x and y do not overlap. What Cast leaves open:
//
//   NaN to an integer is 0.
//   Floating to an integer drops the fraction; for 4 and 2 bits it rounds to nearest even. What is
//   beyond int64 (int32, for integers of 16 bits and less) becomes the nearer end of that; then the
//   low bits are taken, as between integers, except that int32 takes the nearer end of its own.
void ConvertElements(ElementType from, const void* x, ElementType to, void* y, size_t count,
                     const ConvertOptions& options = {});

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_ELEMENTWISE_CONVERT_H_
