// SPDX-License-Identifier: MIT
// One output line of a depthwise convolution (see depthwise.h).
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_DEPTHWISE_LINE_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_DEPTHWISE_LINE_H_

#include <cstdint>
#include <utility>

#include "devices/cpu/kernels/convolution/convolution.h"

namespace mullion::cpu {

// A line of the input that an output line reads, with the weights of the kernel's line over it.
struct DepthwiseLine {
  const float* input;
  const float* weights;
};

// One output line, or a part of its pixels and channels.
struct DepthwiseJob {
  const DepthwiseLine* lines;
  int64_t line_count;
  ConvolutionShape::Axis axis;         // the last one
  std::pair<int64_t, int64_t> inside;  // outputs that see the whole kernel along it
  int64_t first_input;                 // floats from the line to what output 0 reads first
  int64_t input_step;                  // from one pixel to the next
  int64_t first_pixel;                 // the part of the line to fill
  int64_t last_pixel;
  int64_t channels;
  int64_t first_channel;  // the part of them: whole vectors, or all there are
  int64_t last_channel;
  int64_t weights_stride;  // from one tap to the next, see PackDepthwise
  const float* bias;       // or null
  float low;
  float high;
  float* out;
  int64_t out_stride;
};

void RunDepthwiseLine(const DepthwiseJob& job);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_DEPTHWISE_LINE_H_
