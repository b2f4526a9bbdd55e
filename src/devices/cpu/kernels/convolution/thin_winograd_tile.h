// SPDX-License-Identifier: MIT
// The vector arithmetic of Winograd's convolution of few channels (see thin_winograd.h).
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_THIN_WINOGRAD_TILE_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_THIN_WINOGRAD_TILE_H_

#include <array>
#include <cstdint>

#include "devices/cpu/kernels/convolution/winograd_transform.h"

namespace mullion::cpu {

// Numbers of a point that lie together: of all channels, or of as many tiles with one channel.
inline constexpr int kThinChannels = 4;
inline constexpr int kThinTile = 4;  // outputs along an axis

// Tiles side by side, all of which read the same lines of the input.
struct ThinTiles {
  int window = 0;  // inputs of a tile along an axis: 6 or 8
  int64_t channels = 0;
  int64_t count = 0;

  // As many lines as a window has, of pixels that follow each other, already transformed along the
  // columns. The numbers of a pixel behind the last one of all windows, rounded up to tiles of
  // kThinChannels, may be read.
  const float* lines = nullptr;
  int64_t line_stride = 0;
  // What tiles are transformed to: [tile][point][channel], or with one channel
  // [tile / kThinChannels][point][tile % kThinChannels].
  float* points = nullptr;

  // A block of columns from PackWinograd.
  const float* weights = nullptr;
  int vectors = 0;
  int64_t columns = 0;
  const float* bias = nullptr;  // may be null
  float low = 0;
  float high = 0;

  float* out = nullptr;
  int64_t out_stride = 0;   // from a pixel to the next
  int64_t line_pixels = 0;  // from a pixel to the one below
  // Lines of each tile and pixels of all their lines that exist.
  int64_t out_lines = 0;
  int64_t out_pixels = 0;

  int Points() const { return window * window; }
  // Where the numbers of a tile begin; those of its next point lie kThinChannels further.
  const float* PointsOf(int64_t tile) const {
    const int64_t floats = int64_t{kThinChannels} * Points();
    if (channels > 1) return points + tile * floats;
    return points + tile / kThinChannels * floats + tile % kThinChannels;
  }
};

// Lines of `count` floats by address, as many as `window` says, along their columns. Whole vectors
// are written.
void TransformThinLines(const float* const* lines, int window, int64_t count, float* out,
                        int64_t stride);
// Makes `points`.
void TransformThinTiles(const ThinTiles& tiles);
// Takes them to the outputs of one block of columns.
void MultiplyThinTiles(const ThinTiles& tiles);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_THIN_WINOGRAD_TILE_H_
