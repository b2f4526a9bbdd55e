// SPDX-License-Identifier: MIT
#include "image/filter_taps.h"

#include <algorithm>

namespace mullion::image {

FilterTaps::FilterTaps(int64_t in, int64_t out, Filter filter) {
  if (filter == Filter::kAuto) filter = in > 2 * out ? Filter::kArea : Filter::kBilinear;
  spans_.reserve(static_cast<size_t>(out));
  // Neighbouring areas share at most one source pixel.
  weights_.reserve(static_cast<size_t>(filter == Filter::kArea ? in + out : 2 * out));
  for (int64_t position = 0; position < out; ++position) {
    switch (filter) {
      case Filter::kNearest:
        AddNearest(in, out, position);
        break;
      case Filter::kArea:
        AddArea(in, out, position);
        break;
      default:
        AddBilinear(in, out, position);
        break;
    }
  }
}

void FilterTaps::Add(int64_t first, int64_t count) {
  spans_.push_back({static_cast<int32_t>(first), static_cast<int32_t>(count),
                    static_cast<int32_t>(weights_.size())});
}

// The centre in source pixels is (2 * position + 1) * in / (2 * out), kept as that fraction.
void FilterTaps::AddNearest(int64_t in, int64_t out, int64_t position) {
  Add((2 * position + 1) * in / (2 * out), 1);
  weights_.push_back(1.0f);
}

void FilterTaps::AddBilinear(int64_t in, int64_t out, int64_t position) {
  const int64_t denominator = 2 * out;
  // How far the centre lies beyond the centre of source pixel 0.
  const int64_t numerator = (2 * position + 1) * in - out;
  const int64_t left = numerator / denominator;
  const int64_t rest = numerator % denominator;
  if (numerator <= 0 || left >= in - 1 || rest == 0) {
    Add(numerator <= 0 ? 0 : std::min(left, in - 1), 1);
    weights_.push_back(1.0f);
    return;
  }
  Add(left, 2);
  const double right_weight = static_cast<double>(rest) / static_cast<double>(denominator);
  weights_.push_back(static_cast<float>(1.0 - right_weight));
  weights_.push_back(static_cast<float>(right_weight));
}

// In units of 1 / out of a source pixel, the output pixel covers [position * in, (position + 1) *
// in) and source pixel i covers [i * out, (i + 1) * out): all overlaps are whole numbers.
void FilterTaps::AddArea(int64_t in, int64_t out, int64_t position) {
  const int64_t begin = position * in;
  const int64_t end = begin + in;
  const int64_t first = begin / out;
  const int64_t last = (end - 1) / out;
  Add(first, last - first + 1);
  for (int64_t i = first; i <= last; ++i) {
    const int64_t overlap = std::min(end, (i + 1) * out) - std::max(begin, i * out);
    weights_.push_back(static_cast<float>(static_cast<double>(overlap) / static_cast<double>(in)));
  }
}

}  // namespace mullion::image
