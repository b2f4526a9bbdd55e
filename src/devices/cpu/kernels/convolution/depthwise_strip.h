// SPDX-License-Identifier: MIT
// Some lines of a depthwise convolution by 3x3 of stride 1 or 2 at once (see depthwise.h).
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_DEPTHWISE_STRIP_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_DEPTHWISE_STRIP_H_

#include <array>
#include <cstdint>

namespace mullion::cpu {

inline constexpr int64_t kMostStripLines = 8;
inline constexpr int64_t kStripKernel = 3;
inline constexpr int64_t kFewestStripPixels = 4;

// Output lines that follow each other, or with stride 1 lie a dilation apart; so do their pixels.
// Channels are at least as many as a vector's lanes.
struct DepthwiseStrip {
  int64_t stride;
  int64_t line_count;  // of the output
  // The (line_count - 1) * stride + 3 of the input that they read: where the first pixel lies, or
  // null outside the image.
  std::array<const float*, (kMostStripLines - 1) * 2 + kStripKernel> lines;
  std::array<float*, kMostStripLines> out;
  int64_t pixels;      // of an output line: kFewestStripPixels or more
  int64_t inputs;      // pixels of an input line
  int64_t pad;         // of them before the first, 0 or 1; at most one is missing behind the last
  int64_t input_step;  // from one pixel to the next
  int64_t out_step;
  int64_t channels;
  const float* weights;  // [tap] of PackDepthwise
  int64_t weights_stride;
  const float* bias;  // or null
  float low;
  float high;
};

// Each input is loaded once for all outputs that it is a part of, which takes more registers than
// some instruction sets have.
bool HasDepthwiseStrips();

// The sums are those of RunDepthwiseLine, to the last bit.
void RunDepthwiseStrip(const DepthwiseStrip& strip);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_DEPTHWISE_STRIP_H_
