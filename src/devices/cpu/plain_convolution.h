// SPDX-License-Identifier: MIT
// Convolution by plain loops, for element types without kernels of their own.
#ifndef MULLION_DEVICES_CPU_PLAIN_CONVOLUTION_H_
#define MULLION_DEVICES_CPU_PLAIN_CONVOLUTION_H_

#include "base/parallel.h"
#include "devices/cpu/kernels/convolution/convolution.h"

namespace mullion::cpu {

// Images are [N, C, spatial...], or [N, spatial..., C] when `channels_last`. Weights are
// [out][in / groups][kernel]; `bias` may be null.
void PlainConvolve(const ConvolutionShape& shape, bool channels_last, const double* image,
                   const double* weights, const double* bias, double* out, Parallel& parallel);

// The transposed convolution (see kernels/convolution/transposed_convolution.h for what the shape's
// axes mean); weights are [in][out / groups][kernel].
void PlainConvolveTransposed(const ConvolutionShape& shape, bool channels_last, const double* image,
                             const double* weights, const double* bias, double* out,
                             Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_PLAIN_CONVOLUTION_H_
