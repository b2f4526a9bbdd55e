// SPDX-License-Identifier: MIT
#include "image/fit.h"

#include <algorithm>

namespace mullion::image {

namespace {

// round(a * b / c), halves up, within [1, most]. Sides are at most 2^20, so nothing overflows.
int64_t ScaledSide(int64_t a, int64_t b, int64_t c, int64_t most) {
  return std::clamp<int64_t>((2 * a * b + c) / (2 * c), 1, most);
}

}  // namespace

Result<Fit> FitRegion(const Rect& region, int64_t target_width, int64_t target_height,
                      FitMode mode) {
  MULLION_RETURN_IF_ERROR(CheckImageSize("the region to fit", region.width, region.height));
  MULLION_RETURN_IF_ERROR(CheckImageSize("the target image", target_width, target_height));
  Fit fit{region, {0, 0, target_width, target_height}};
  switch (mode) {
    case FitMode::kStretch:
      break;
    case FitMode::kCenterCrop:
      fit.source.width = ScaledSide(region.height, target_width, target_height, region.width);
      fit.source.height = ScaledSide(region.width, target_height, target_width, region.height);
      fit.source.left += (region.width - fit.source.width) / 2;
      fit.source.top += (region.height - fit.source.height) / 2;
      break;
    case FitMode::kLetterbox:
    case FitMode::kLetterboxTopLeft:
      fit.target.width = ScaledSide(target_height, region.width, region.height, target_width);
      fit.target.height = ScaledSide(target_width, region.height, region.width, target_height);
      if (mode == FitMode::kLetterbox) {
        fit.target.left = (target_width - fit.target.width) / 2;
        fit.target.top = (target_height - fit.target.height) / 2;
      }
      break;
  }
  return fit;
}

}  // namespace mullion::image
