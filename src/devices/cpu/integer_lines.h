// SPDX-License-Identifier: MIT
// Convolutions of few channels, in which a line of the kernel is one tap: its pixels stand side by
// side in the image, so units of the product are full where a pixel's would not be, and there is
// one address a line instead of one a pixel. For that the image is copied with its padding.
#ifndef MULLION_DEVICES_CPU_INTEGER_LINES_H_
#define MULLION_DEVICES_CPU_INTEGER_LINES_H_

#include <cstdint>
#include <vector>

#include "base/parallel.h"
#include "base/shape.h"
#include "base/tensor.h"
#include "devices/cpu/kernels/convolution/convolution.h"
#include "devices/cpu/kernels/integer/integer_input.h"
#include "devices/cpu/kernels/integer/integer_tile.h"

namespace mullion::cpu {

// Whether that pays; `dilation` is that of the last axis. Weights are [out][in][kernel...].
bool TakesLines(IntegerForm form, const Shape& weights, int64_t groups, int64_t dilation);

// What is read: the last axis has one position and the padding inside.
ConvolutionShape LinesOf(const ConvolutionShape& shape);

// 8-bit weights as [out][line of the kernel][position in it][in].
std::vector<uint8_t> LineWeights(const TensorView& weights);

// Copies the images of `shape` to where LinesOf(shape) reads them, pixels without gaps. All bytes
// of the padding are `padding`.
void StageLines(const ConvolutionShape& shape, bool channels_last,
                const IntegerConversion& conversion, int32_t padding, const uint8_t* from,
                uint8_t* to, Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_INTEGER_LINES_H_
