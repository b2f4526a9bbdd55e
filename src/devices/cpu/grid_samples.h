// SPDX-License-Identifier: MIT
// What GridSample's outputs are made of: elements of an image and their weights.
#ifndef MULLION_DEVICES_CPU_GRID_SAMPLES_H_
#define MULLION_DEVICES_CPU_GRID_SAMPLES_H_

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "base/shape.h"
#include "operators/grid_sample.h"

namespace mullion::cpu {

using operators::GridSampleParameters;

// The most elements that one sample is made of: cubic in three dimensions, linear in six.
inline constexpr int kMaxTaps = 64;

// x mirrored into [low, high] as often as it takes.
template <typename Number>
Number Reflect(Number x, Number low, Number high) {
  const Number span = high - low;
  if (!(span > 0)) return low;
  const Number distance = std::fmod(std::abs(x - low), 2 * span);
  return low + (distance > span ? 2 * span - distance : distance);
}

// Position i of an axis of `size`, or -1 where the padding is zero.
inline int64_t PaddedPosition(GridSampleParameters::Padding padding, bool align_corners, int64_t i,
                              int64_t size) {
  if (i >= 0 && i < size) return i;
  switch (padding) {
    case GridSampleParameters::Padding::kZeros:
      return -1;
    case GridSampleParameters::Padding::kBorder:
      return std::clamp<int64_t>(i, 0, size - 1);
    case GridSampleParameters::Padding::kReflection: {
      const double edge = align_corners ? 0 : 0.5;
      const double x = Reflect(static_cast<double>(i), -edge, static_cast<double>(size - 1) + edge);
      return std::clamp<int64_t>(static_cast<int64_t>(x), 0, size - 1);
    }
  }
  return -1;
}

// Elements of one axis with their weights.
template <typename Number>
struct AxisTaps {
  int count = 0;
  int64_t position[4];  // -1 is a zero
  Number weight[4];
};

// Weights of the four elements around a coordinate that lies t behind the second of them: cubic
// convolution with a = -0.75, as the operator defines it.
template <typename Number>
void CubicWeights(Number t, Number* weights) {
  const Number a = static_cast<Number>(-0.75);
  const auto near = [a](Number x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
  const auto far = [a](Number x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
  weights[0] = far(t + 1);
  weights[1] = near(t);
  weights[2] = near(1 - t);
  weights[3] = far(2 - t);
}

// The element that coordinate x names, which may lie between two, before the first or behind the
// last one.
template <typename Number>
Number ElementOf(const GridSampleParameters& parameters, Number x, int64_t size) {
  const auto length = static_cast<Number>(size);
  // From [-1, 1] to elements: the ends are centers of elements, or their outer edges.
  Number at = parameters.align_corners ? (x + 1) / 2 * (length - 1) : ((x + 1) * length - 1) / 2;
  if (parameters.mode == GridSampleParameters::Mode::kNearest) at = std::nearbyint(at);
  const Number low = parameters.align_corners ? Number{0} : static_cast<Number>(-0.5);
  const Number high = length - 1 - low;
  if (at < low || at > high) {
    if (parameters.padding == GridSampleParameters::Padding::kBorder)
      at = std::clamp(at, Number{0}, length - 1);
    if (parameters.padding == GridSampleParameters::Padding::kReflection)
      at = Reflect(at, low, high);
  }
  // Beyond this all that counts is that it is outside; NaN goes there too.
  return at > -4 ? std::min(at, length + 4) : Number{-4};
}

// Processors have had no instruction for std::floor from the beginning.
template <typename Number>
int64_t Floor(Number x) {
  const auto whole = static_cast<int64_t>(x);
  return whole - (x < static_cast<Number>(whole) ? 1 : 0);
}

template <typename Number>
AxisTaps<Number> TapsAt(const GridSampleParameters& parameters, Number x, int64_t size) {
  const Number at = ElementOf(parameters, x, size);
  AxisTaps<Number> taps;
  int64_t first = Floor(at);
  const auto base = static_cast<Number>(first);
  if (parameters.mode == GridSampleParameters::Mode::kNearest) {
    taps.count = 1;
    taps.weight[0] = 1;
  } else if (parameters.mode == GridSampleParameters::Mode::kLinear) {
    taps.count = 2;
    taps.weight[1] = at - base;
    taps.weight[0] = 1 - taps.weight[1];
  } else {
    taps.count = 4;
    CubicWeights(at - base, taps.weight);
    --first;
  }
  for (int k = 0; k < taps.count; ++k) {
    taps.position[k] =
        PaddedPosition(parameters.padding, parameters.align_corners, first + k, size);
  }
  return taps;
}

// What one sample is made of. Zeros have weight 0 and offset 0.
template <typename Number>
struct Sample {
  int64_t offset[kMaxTaps];
  Number weight[kMaxTaps];
};

// `coordinates` name the last axis first, as x, y, z. Elements are of `parts` numbers.
template <typename Number>
void MakeSample(const GridSampleParameters& parameters, const Shape& image, int64_t parts,
                const Number* coordinates, Sample<Number>& sample) {
  const int rank = image.rank() - 2;
  int count = 1;
  sample.offset[0] = 0;
  sample.weight[0] = 1;
  int64_t stride = parts;
  for (int i = 0; i < rank; ++i) {
    const int64_t size = image.Back(i);
    const AxisTaps<Number> taps = TapsAt(parameters, coordinates[i], size);
    // From the last to the first, so that combinations still to be read are not overwritten.
    for (int c = count - 1; c >= 0; --c) {
      const int64_t offset = sample.offset[c];
      const Number weight = sample.weight[c];
      for (int k = taps.count - 1; k >= 0; --k) {
        const bool zero = taps.position[k] < 0;
        sample.offset[c * taps.count + k] = offset + (zero ? 0 : taps.position[k] * stride);
        sample.weight[c * taps.count + k] = zero ? Number{0} : weight * taps.weight[k];
      }
    }
    count *= taps.count;
    stride *= size;
  }
}

inline int TapCount(GridSampleParameters::Mode mode, int rank) {
  const int each = mode == GridSampleParameters::Mode::kNearest  ? 1
                   : mode == GridSampleParameters::Mode::kLinear ? 2
                                                                 : 4;
  int count = 1;
  for (int i = 0; i < rank && count <= kMaxTaps; ++i) count *= each;
  return count;
}

template <typename T, typename Number>
T ToElement(Number value) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    constexpr auto kLow = static_cast<double>(std::numeric_limits<T>::min());
    constexpr auto kHigh = static_cast<double>(std::numeric_limits<T>::max());
    const double rounded = std::nearbyint(static_cast<double>(value));
    if (!(rounded > kLow)) return std::numeric_limits<T>::min();
    return rounded < kHigh ? static_cast<T>(rounded) : std::numeric_limits<T>::max();
  }
}

// Samples of a few outputs, which serve all channels.
template <typename Number>
class AnySamples {
 public:
  static constexpr int64_t kTile = 16;

  // Of at most kTile outputs, whose coordinates follow each other.
  void Make(const GridSampleParameters& parameters, const Shape& image, int64_t parts,
            const Number* coordinates, int64_t count) {
    const int rank = image.rank() - 2;
    count_ = count;
    taps_ = TapCount(parameters.mode, rank);
    for (int64_t j = 0; j < count; ++j) {
      MakeSample(parameters, image, parts, coordinates + j * rank, samples_[j]);
    }
  }

  // The samples of one channel to y, `stride` apart.
  template <typename T>
  void Take(const T* x, T* y, int64_t stride) const {
    for (int64_t j = 0; j < count_; ++j) {
      Number sum = 0;
      for (int k = 0; k < taps_; ++k) {
        // A zero must stay one beside an infinite element.
        if (samples_[j].weight[k] == 0) continue;
        sum += samples_[j].weight[k] * static_cast<Number>(x[samples_[j].offset[k]]);
      }
      y[j * stride] = ToElement<T>(sum);
    }
  }

 private:
  int64_t count_ = 0;
  int taps_ = 0;
  Sample<Number> samples_[kTile];
};

// The same of images of two dimensions, linearly, which most are: several outputs side by side, in
// loops that compilers make vectors of.
template <typename Number>
class LinearSamples {
 public:
  static constexpr int64_t kTile = 32;
  // Larger images have offsets beyond 32 bits, or sides that floats do not count.
  static bool Fits(const GridSampleParameters& parameters, const Shape& image, int64_t parts) {
    constexpr int64_t kSide = int64_t{1} << 20;
    return parameters.mode == GridSampleParameters::Mode::kLinear && image.rank() == 4 &&
           image[2] < kSide && image[3] < kSide &&
           image[2] * image[3] * parts < std::numeric_limits<int32_t>::max();
  }

  void Make(const GridSampleParameters& parameters, const Shape& image, int64_t parts,
            const Number* coordinates, int64_t count) {
    count_ = count;
    Axis x, y;
    x.Make(parameters, coordinates, count, image[3]);
    y.Make(parameters, coordinates + 1, count, image[2]);
    const auto step = static_cast<int32_t>(parts);
    const auto line = static_cast<int32_t>(image[3] * parts);
    for (int k = 0; k < 4; ++k) {
      for (int64_t j = 0; j < kTile; ++j) {
        offset_[k][j] = x.position[k / 2][j] * step + y.position[k % 2][j] * line;
        weight_[k][j] = x.weight[k / 2][j] * y.weight[k % 2][j];
      }
    }
  }

  template <typename T>
  void Take(const T* x, T* y, int64_t stride) const {
    for (int64_t j = 0; j < count_; ++j) {
      Number sum = 0;
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        sum += weight_[k][j] * static_cast<Number>(x[offset_[k][j]]);
      }
      if (std::is_floating_point_v<T> && !(sum - sum == 0)) {
        // A zero must stay one beside an infinite element.
        sum = 0;
        for (int k = 0; k < 4; ++k) {
          if (weight_[k][j] != 0) sum += weight_[k][j] * static_cast<Number>(x[offset_[k][j]]);
        }
      }
      y[j * stride] = ToElement<T>(sum);
    }
  }

 private:
  // The two elements along one axis.
  struct Axis {
    int32_t position[2][kTile];
    Number weight[2][kTile];

    void Make(const GridSampleParameters& parameters, const Number* coordinates, int64_t count,
              int64_t size) {
      Number at[kTile] = {};
      for (int64_t j = 0; j < count; ++j) {
        at[j] = ElementOf(parameters, coordinates[2 * j], size);
      }
      const auto end = static_cast<int32_t>(size);
      for (int64_t j = 0; j < kTile; ++j) {
        const auto whole = static_cast<int32_t>(at[j]);
        const int32_t first = whole - (at[j] < static_cast<Number>(whole) ? 1 : 0);
        weight[1][j] = at[j] - static_cast<Number>(first);
        weight[0][j] = 1 - weight[1][j];
        position[0][j] = first;
        position[1][j] = first + 1;
      }
      const bool zeros = parameters.padding == GridSampleParameters::Padding::kZeros;
      const bool reflects = parameters.padding == GridSampleParameters::Padding::kReflection;
      for (int k = 0; k < 2; ++k) {
        for (int64_t j = 0; reflects && j < kTile; ++j) {
          position[k][j] = static_cast<int32_t>(
              PaddedPosition(parameters.padding, parameters.align_corners, position[k][j], size));
        }
        for (int64_t j = 0; j < kTile; ++j) {
          const int32_t inside = std::clamp<int32_t>(position[k][j], 0, end - 1);
          weight[k][j] = zeros && inside != position[k][j] ? Number{0} : weight[k][j];
          position[k][j] = inside;
        }
      }
    }
  };

  int64_t count_ = 0;
  int32_t offset_[4][kTile];
  Number weight_[4][kTile];
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_GRID_SAMPLES_H_
