// SPDX-License-Identifier: MIT
// How one axis is resampled: for each output position, which source positions count how much.
#ifndef MULLION_IMAGE_FILTER_TAPS_H_
#define MULLION_IMAGE_FILTER_TAPS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mullion::image {

// All filters look at pixel centres: output position x has its centre at (x + 0.5) * in / out in
// the source, whose pixel i covers [i, i + 1) (half-pixel centres, as ONNX Resize "half_pixel").
enum class Filter : uint8_t {
  // kArea along an axis that shrinks to less than half, kBilinear along all others. At exactly half
  // the two agree, and below it bilinear begins to leave source pixels out, which shows as noise.
  kAuto,
  // The pixel that the centre lies in.
  kNearest,
  // The two nearest pixels, weighted by distance; edges repeat.
  kBilinear,
  // The mean of all that an output pixel covers, with partly covered pixels counted in part.
  kArea,
};

// Weights are 0 or more, and sum to 1 for each output up to rounding.
class FilterTaps {
 public:
  struct Tap {
    int32_t first;  // the first source position
    int32_t count;  // how many from there on; at least 1, and first + count <= in
    const float* weights;
  };

  // Both sizes from 1 to kMaxImageSide. Memory and time are proportional to in + out.
  FilterTaps(int64_t in, int64_t out, Filter filter);

  Tap operator[](int64_t position) const {
    const Span& span = spans_[static_cast<size_t>(position)];
    return {span.first, span.count, weights_.data() + span.offset};
  }

 private:
  struct Span {
    int32_t first;
    int32_t count;
    int32_t offset;  // into weights_
  };

  void AddNearest(int64_t in, int64_t out, int64_t position);
  void AddBilinear(int64_t in, int64_t out, int64_t position);
  void AddArea(int64_t in, int64_t out, int64_t position);
  void Add(int64_t first, int64_t count);

  std::vector<Span> spans_;
  std::vector<float> weights_;
};

}  // namespace mullion::image

#endif  // MULLION_IMAGE_FILTER_TAPS_H_
