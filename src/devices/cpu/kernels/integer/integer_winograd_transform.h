// SPDX-License-Identifier: MIT
// The transforms of integer_winograd.h, a tile at a time.
#ifndef MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_WINOGRAD_TRANSFORM_H_
#define MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_WINOGRAD_TRANSFORM_H_

#include <array>
#include <cstdint>

#include "devices/cpu/kernels/integer/integer_tile.h"

namespace mullion::cpu::integer_winograd {

constexpr int64_t kWindow = 6;
constexpr int64_t kTile = 4;
constexpr int64_t kPoints = kWindow * kWindow;
// Lanes of a vector of words at most: an image of 16 channels fills one.
constexpr int64_t kFewestChannels = 16;
constexpr int64_t kPanelColumns = kMaxTileGroups * kColumnGroup;

struct Input {
  std::array<const uint8_t*, kPoints> pixels;
  int64_t channels;  // kFewestChannels at least
  uint8_t flip;      // bits of each byte
  int64_t point_stride;
  int16_t* out;
};
void TransformInput(const Input& tile);

// Sums at the points to those of the direct form, on top of `init`.
struct Output {
  const int32_t* sums;
  int64_t point_stride;
  const int32_t* init;
  int64_t columns;  // written up to a multiple of kColumnGroup, as sums and `init` are read
  int32_t* out;     // four lines, `line_stride` apart, of four pixels, kPanelColumns apart
  int64_t line_stride;
};
void TransformSums(const Output& tile);

}  // namespace mullion::cpu::integer_winograd

#endif  // MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_WINOGRAD_TRANSFORM_H_
