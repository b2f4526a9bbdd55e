// SPDX-License-Identifier: MIT
// Pixels to tensor elements.
#ifndef MULLION_IMAGE_TENSORIZE_H_
#define MULLION_IMAGE_TENSORIZE_H_

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "image/bitmap.h"
#include "image/convert.h"
#include "image/tensor_format.h"

namespace mullion::image {

// Writes `source` into `target`, whose height and width must be the image's. Alpha is dropped,
// colour becomes gray and gray becomes colour as in Convert. Elements are exact to the last bit of
// their type: computed once per byte value in double.
// Errors of CheckImage and CheckImageTensor; kSizeMismatch when the sizes differ.
Status Tensorize(const ImageView& source, const TensorFormat& format,
                 const MutableTensorView& target);

// The same by rows: for images that are made row by row.
class RowTensorizer {
 public:
  // `target` must have passed CheckImageTensor for `format`, which gave `grid`.
  RowTensorizer(PixelFormat source, const TensorFormat& format, const TensorGrid& grid,
                const MutableTensorView& target);

  // Writes the pixels of one row, in the format that the constructor was told, as row `y`. Not
  // thread-safe: it uses scratch.
  void Row(const uint8_t* pixels, int64_t y);

 private:
  template <typename T>
  void WriteRow(const uint8_t* pixels, int64_t y);

  TensorGrid grid_;
  MutableTensorView target_;
  int pixel_bytes_;                 // of the pixels that are looked up
  int channel_offsets_[3] = {};     // byte of each tensor channel within such a pixel
  RowConverter to_gray_ = nullptr;  // for colour pixels and a gray tensor
  std::vector<uint8_t> gray_row_;
  std::vector<uint8_t> tables_;  // per channel, the element for each of the 256 byte values
};

}  // namespace mullion::image

#endif  // MULLION_IMAGE_TENSORIZE_H_
