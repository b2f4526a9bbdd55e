// SPDX-License-Identifier: MIT
// Which part of a picture goes where when its shape is not that of the model's input.
#ifndef MULLION_IMAGE_FIT_H_
#define MULLION_IMAGE_FIT_H_

#include <cstdint>

#include "base/status.h"
#include "image/bitmap.h"

namespace mullion::image {

enum class FitMode : uint8_t {
  // The largest centred part of the region that has the target's aspect ratio; fills the target.
  // What Windows ML does with an image that is bound without bounds.
  kCenterCrop,
  // The whole region, each axis scaled by itself. What Windows ML does with bounds.
  kStretch,
  // The whole region in its own aspect ratio, centred, with margins.
  kLetterbox,
  // The same, in the top left corner.
  kLetterboxTopLeft,
};

// `source` (within the picture) is scaled to `target` (within the model's input). A point (x, y) of
// the model's input lies in the picture at source.left + (x - target.left) * source.width /
// target.width, and likewise for y: this is how boxes that a detector gives are mapped back.
struct Fit {
  Rect source;
  Rect target;
};

// Fits `region` of a picture into `target_width` by `target_height` pixels. Sizes round to nearest,
// halves up, and never below 1; what is left over is halved downwards.
// kInvalidArgument when a size is out of bounds (see CheckImageSize).
Result<Fit> FitRegion(const Rect& region, int64_t target_width, int64_t target_height,
                      FitMode mode);

}  // namespace mullion::image

#endif  // MULLION_IMAGE_FIT_H_
