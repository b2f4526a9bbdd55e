// SPDX-License-Identifier: MIT
// Addresses of the pixels that a convolution reads, for images of any element size.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_PIXEL_ROWS_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_PIXEL_ROWS_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "devices/cpu/kernels/convolution/convolution.h"

namespace mullion::cpu {

// Worked out for one shape of a channels-last image. Immutable.
class PixelRows {
 public:
  explicit PixelRows(const ConvolutionShape& shape);

  int64_t taps() const { return taps_; }
  int64_t input_pixels() const { return input_pixels_; }    // of one image
  int64_t output_pixels() const { return output_pixels_; }  // of one image

  // The pixels under every tap for outputs [first, first + count) of one image:
  // rows[tap * stride + (output - first)]. Outside the image that is `padding`.
  void Find(const uint8_t* image, int64_t pixel_bytes, const uint8_t* padding, int64_t first,
            int64_t count, const uint8_t** rows, int64_t stride) const;

 private:
  struct Line;
  void FindLine(const Line& line, const uint8_t** rows, int64_t stride) const;

  ConvolutionShape shape_;
  int64_t taps_;
  int64_t input_pixels_ = 1;
  int64_t output_pixels_ = 1;
  bool in_place_ = true;  // output pixels are made of the same pixels of the input
  size_t last_;           // the last spatial axis
  // Offsets of the taps on the axes before the last, in pixels of each: [outer tap][axis].
  std::vector<int64_t> outer_taps_;
  // Along the last axis, the outputs whose tap lies in the image.
  std::vector<std::pair<int64_t, int64_t>> inside_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_PIXEL_ROWS_H_
