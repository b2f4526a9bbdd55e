// SPDX-License-Identifier: MIT
// The vector arithmetic of convolution by Fourier transforms (see fourier_convolution.h), for as
// many tiles side by side as a vector has lanes.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_FOURIER_TILE_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_FOURIER_TILE_H_

#include <array>
#include <cstdint>
#include <span>

namespace mullion::cpu {

inline constexpr int kFourierWindow = 16;  // inputs of a tile along an axis
// Complex numbers that a line of a tile is transformed to: the others are their conjugates.
inline constexpr int kFourierColumns = 8;
inline constexpr int kFourierNumbers = kFourierColumns * kFourierWindow;  // of a tile
inline constexpr int kMostFourierOutputs = 4;  // channels that a block of weights makes

// Tiles whose sides overlap: pixel n of a tile's line is row n % step * channels + channel of
// `planes`, from n / step on.
struct FourierLine {
  const float* planes;
  int64_t plane_stride;
  int64_t step;
  int64_t channels;
  // [column][part][channel][lane]; parts are real and imaginary.
  float* out;
  int64_t column_stride;
  int64_t part_stride;
};
// x[n] to the sum over n of x[n] exp(pi i (4 m + 1) n / 16), for columns m.
void TransformFourierLine(const FourierLine& line);

// One column of the tiles' numbers: down, times the weights, and back.
struct FourierColumn {
  std::array<const float*, kFourierWindow> lines;  // [part][channel][lane]
  int64_t part_stride;
  int64_t in_channels;
  float* numbers;  // [row][part][channel][lane]
  int64_t number_stride;
  // [row][block of kMostFourierOutputs channels][in channel][channel of the block][part]
  const float* weights;
  int64_t out_channels;
  float* products;  // [row][part][channel][lane]
  int64_t product_stride;
  float* out;  // [line][part][channel][lane]
  int64_t out_line_stride;
  int64_t out_part_stride;
  int outputs;  // lines that are wanted
  // What will be read and written next, fetched meanwhile.
  std::span<const float> ahead;
  std::span<float> ahead_out;
};
void ConvolveFourierColumn(const FourierColumn& column);

// Back to pixels [0, outputs) of a line: [pixel][channel][lane].
struct FourierOutput {
  const float* numbers;  // [column][part][channel][lane]
  int64_t column_stride;
  int64_t part_stride;
  int64_t channels;
  const float* bias;  // may be null
  float* out;
  int outputs;
};
void TransformFourierOutput(const FourierOutput& output);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_FOURIER_TILE_H_
