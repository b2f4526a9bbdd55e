// SPDX-License-Identifier: MIT
// Which of Winograd's forms a convolution takes, if any (see winograd.h), and how its output is cut
// into tiles.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_WINOGRAD_FORM_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_WINOGRAD_FORM_H_

#include <algorithm>
#include <cstdint>
#include <utility>

#include "devices/cpu/kernels/convolution/convolution.h"
#include "devices/cpu/kernels/convolution/winograd_transform.h"

namespace mullion::cpu {

// Whether this way is open and is worth its memory: that of the weights times 1.8, 4 or 7, and as
// much again besides where the direct form may serve some sizes better. Hangs on channels and
// kernel alone, so that packed weights serve images of any size, unless the size is fixed.
bool UsesWinograd(const ConvolutionShape& shape);

// Whether it has so few channels that it is done tile by tile (see thin_winograd.h).
bool IsThinWinograd(const ConvolutionShape& shape);

WinogradForm WinogradFormOf(const ConvolutionShape& shape);

// Whether an image's size leaves most of its tiles empty: dilated pixels make as many tiles at
// least as the dilation says, and a line may be a frame or two of a stream. Compares what products
// take, and a quarter of that for the transforms.
bool PrefersDirectToWinograd(const ConvolutionShape& shape);
// Whether there are such sizes.
bool MayPreferDirectToWinograd(const ConvolutionShape& shape);

// An axis of the output in tiles.
struct TileAxis {
  TileAxis() = default;
  TileAxis(const ConvolutionShape::Axis& axis, int64_t tile);

  // The input pixel of an output at kernel position 0; may be negative.
  int64_t FirstInput(int64_t output_pixel) const { return output_pixel * stride - pad; }
  int64_t FirstOutput(int64_t index) const {
    return index / dilation * dilation * tile + index % dilation;
  }
  // Of the window that begins at input pixel `first`, those [first, second) that exist.
  std::pair<int64_t, int64_t> InputsInside(int64_t first) const {
    const int64_t begin = std::clamp<int64_t>((dilation - 1 - first) / dilation, 0, window);
    const int64_t end = (input - first + dilation - 1) / dilation;
    return {begin, std::clamp(end, begin, window)};
  }
  // Those of a tile that exist.
  int Outputs(int64_t first) const {
    return static_cast<int>(
        std::clamp<int64_t>((output - first + dilation - 1) / dilation, 0, tile));
  }

  int64_t input = 1;
  int64_t output = 1;
  int64_t pad = 0;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t tile = 1;    // outputs, and
  int64_t window = 1;  // inputs of a tile, `dilation` apart
  int64_t tiles = 1;   // side by side as far as the dilation, then one tile's length further
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_WINOGRAD_FORM_H_
