// SPDX-License-Identifier: MIT
// The vector arithmetic of convolution by large kernels (see large_kernel.h), for a line of tiles
// at a time. Functions write up to kTransformSlack floats behind what they are asked for, and read
// as many behind each of their operands but the input lines.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_LARGE_KERNEL_TRANSFORM_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_LARGE_KERNEL_TRANSFORM_H_

#include <array>
#include <cstdint>

namespace mullion::cpu {

inline constexpr int kLargeTile = 3;    // outputs along an axis, and weights of a block
inline constexpr int kLargeWindow = 5;  // inputs, and points, along an axis
inline constexpr int kLargePoints = 25;
inline constexpr int64_t kTransformSlack = 16;

// Down the columns: `count` floats of five lines to the five points, `stride` floats apart.
void TransformLargeDown(const std::array<const float*, kLargeWindow>& lines, int64_t count,
                        float* out, int64_t stride);

// Across: each point's line of pixels, `stride` floats apart, to five points for each of `tiles`
// tiles. Point (i, j) is written to out + (5 i + j) * point_stride, as [tile][channel].
void TransformLargeAcross(const float* lines, int64_t stride, int64_t tiles, int64_t channels,
                          float* out, int64_t point_stride);

// Sums of each of `blocks` blocks, [tile][block][channel], to those of output tiles: of block b,
// that of the tile b tiles further. Neither may overlap the other.
void AddLargeBlocks(const float* sums, int64_t tiles, int64_t blocks, int64_t channels, float* out);

// Sums of `tiles` tiles, [point][tile][channel], to three lines of outputs, `line_stride` floats
// apart, as [pixel][channel]. `rows` holds nine times tiles * channels + kTransformSlack floats.
void TransformLargeOutput(const float* sums, int64_t point_stride, int64_t tiles, int64_t channels,
                          float* rows, float* lines, int64_t line_stride);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_LARGE_KERNEL_TRANSFORM_H_
