// SPDX-License-Identifier: MIT
// Changes the size of an image.
#ifndef MULLION_IMAGE_SCALE_H_
#define MULLION_IMAGE_SCALE_H_

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "image/bitmap.h"
#include "image/filter_taps.h"

namespace mullion::image {

// Scales all of `source` to all of `target`, which has the same pixel format and does not overlap
// it. All channels alike, alpha too; results are computed in float and rounded to nearest, the same
// bits on every machine. Equal sizes are a plain copy.
// kInvalidArgument for a view that CheckImage refuses, or when the formats differ.
Status Scale(const ImageView& source, const MutableImageView& target,
             Filter filter = Filter::kAuto);

// The same by rows, for a caller that uses each row at once and needs no scaled image in memory.
// Borrows the source, which must have passed CheckImage.
class RowScaler {
 public:
  RowScaler(const ImageView& source, int64_t target_width, int64_t target_height, Filter filter);

  // Writes row `y` of the target, in the source's pixel format. Not thread-safe: it uses scratch.
  void Row(int64_t y, uint8_t* target);

 private:
  ImageView source_;
  int64_t target_width_;
  bool copies_;  // equal sizes
  FilterTaps vertical_;
  FilterTaps horizontal_;
  std::vector<float> sums_;  // one source row, mixed from the rows that `y` needs
};

}  // namespace mullion::image

#endif  // MULLION_IMAGE_SCALE_H_
