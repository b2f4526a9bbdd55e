// SPDX-License-Identifier: MIT
// The vector arithmetic of convolutions of planes (see plane_convolution.h).
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_PLANE_TILE_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_PLANE_TILE_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace mullion::cpu {

// The most pixels of a tile on any instruction set.
inline constexpr int64_t kPlaneTilePixels = 24;
// Up to so many channels, half a vector of AVX-512, that instruction set takes vectors of pixels.
inline constexpr int64_t kNarrowPlaneColumns = 8;

// One tap, or two whose inputs are neighbours, in floats.
struct PlaneTap {
  int64_t input;        // from the first output's first tap
  int64_t first;        // of the weights
  int64_t second = -1;  // those of the second tap
};

// A line of outputs of at most one vector of channels.
struct PlaneTiles {
  // Of the first output's first tap; the next output's lies behind it. kPlaneTilePixels behind
  // those of the last output may be read, by vectors of pixels whole pairs of them.
  const float* input = nullptr;
  const PlaneTap* taps = nullptr;
  int64_t tap_count = 0;
  int64_t pixels = 0;

  const float* weights = nullptr;
  size_t columns = 0;
  const float* bias = nullptr;  // may be null
  float low = 0;
  float high = 0;

  float* out = nullptr;
  int64_t out_stride = 0;  // from a pixel to the next
};

void MultiplyPlaneTiles(const PlaneTiles& tiles);

// Pixels of a line that go to `to[i % stride]`, as many to each as its count says. Strides are 1
// or 2.
struct PlaneLine {
  const float* from;
  int64_t count;
  std::array<float*, 2> to;
  std::array<int64_t, 2> counts;
};
void CopyPlaneLine(const PlaneLine& line, int stride);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_PLANE_TILE_H_
