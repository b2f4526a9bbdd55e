// SPDX-License-Identifier: MIT
// Winograd's transformed weights (see winograd.h).
#include <algorithm>
#include <array>
#include <cstring>

#include "devices/cpu/kernels/convolution/winograd.h"
#include "devices/cpu/kernels/convolution/winograd_column.h"
#include "devices/cpu/kernels/matrix/transpose_tile.h"

namespace mullion::cpu {

namespace {

// G of the points 0, 1, -1, 2, -2 and infinity, for `kLanes` columns of weights at once.
constexpr int kLanes = 16;
using Lanes = std::array<float, kLanes>;
constexpr size_t kMostTaps = 36;  // of a kernel of 6x6

void ToPoints(const Lanes& a, const Lanes& b, const Lanes& c, std::array<Lanes, 6>& out) {
  for (size_t l = 0; l < kLanes; ++l) {
    const float outer = (a[l] + c[l]) * (1.0f / 6);
    const float inner = b[l] * (1.0f / 6);
    const float far_outer = a[l] * (1.0f / 24) + c[l] * (1.0f / 6);
    const float far_inner = b[l] * (1.0f / 12);
    out[0][l] = a[l] * 0.25f;
    out[1][l] = -outer - inner;
    out[2][l] = inner - outer;
    out[3][l] = far_outer + far_inner;
    out[4][l] = far_outer - far_inner;
    out[5][l] = c[l];
  }
}

// Of the points 0, 1, -1, 2, -2, 1/2 and infinity: the numbers above over the distance of their
// points to 1/2, and that of 1/2.
void ToPoints(const Lanes& a, const Lanes& b, const Lanes& c, std::array<Lanes, 7>& out) {
  constexpr std::array<float, 5> kFactors = {-2, 2, -2.0f / 3, 2.0f / 3, -0.4f};
  std::array<Lanes, 6> others;
  ToPoints(a, b, c, others);
  for (size_t point = 0; point < kFactors.size(); ++point) {
    for (size_t l = 0; l < kLanes; ++l) out[point][l] = others[point][l] * kFactors[point];
  }
  for (size_t l = 0; l < kLanes; ++l) {
    out[5][l] = (a[l] + b[l] * 0.5f + c[l] * 0.25f) * (32.0f / 45);
  }
  out[6] = c;
}

// Of the points 0, 1, -1 and infinity.
void ToPoints(const Lanes& a, const Lanes& b, const Lanes& c, std::array<Lanes, 4>& out) {
  for (size_t l = 0; l < kLanes; ++l) {
    const float outer = (a[l] + c[l]) * 0.5f;
    const float inner = b[l] * 0.5f;
    out[0][l] = a[l];
    out[1][l] = outer + inner;
    out[2][l] = outer - inner;
    out[3][l] = c[l];
  }
}

// Of the points 0, 1, -1, 2 and infinity for the first and last weight, and the one in the middle.
void ToStridedPoints(const Lanes& a, const Lanes& b, const Lanes& c, std::array<Lanes, 6>& out) {
  for (size_t l = 0; l < kLanes; ++l) {
    out[0][l] = a[l] * 0.5f;
    out[1][l] = (a[l] + c[l]) * -0.5f;
    out[2][l] = (c[l] - a[l]) * (1.0f / 6);
    out[3][l] = (a[l] + 2 * c[l]) * (1.0f / 6);
    out[4][l] = c[l];
    out[5][l] = b[l];
  }
}

// Of the points 0, 1, -1, 2, -2, 1/2, -1/2 and infinity for `kernel` weights, 3 to 7: powers of the
// point, over the product of its distances to the others (see ToPoints in winograd_transform.cc).
void ToPoints(const Lanes* weights, size_t kernel, std::array<Lanes, kWinogradLinePoints>& out) {
  constexpr std::array<float, kWinogradLinePoints - 1> kPoints = {0, 1, -1, 2, -2, 0.5f, -0.5f};
  constexpr std::array<float, kWinogradLinePoints - 1> kFactors = {
      1, -2.0f / 9, -2.0f / 9, 1.0f / 90, 1.0f / 90, 32.0f / 45, 32.0f / 45};
  for (size_t point = 0; point < kPoints.size(); ++point) {
    Lanes sum = weights[kernel - 1];
    for (size_t i = kernel - 1; i-- > 0;) {
      for (size_t l = 0; l < kLanes; ++l) sum[l] = sum[l] * kPoints[point] + weights[i][l];
    }
    for (size_t l = 0; l < kLanes; ++l) out[point][l] = sum[l] * kFactors[point];
  }
  out.back() = weights[kernel - 1];
}

// The same of kernels of `height` x `width` weights; of those of one line along that line.
void TransformEightPoints(const Lanes* weights, size_t height, size_t width, size_t bytes,
                          float* out, int64_t step) {
  constexpr size_t kMost = 7;
  std::array<std::array<Lanes, kMost>, kWinogradLinePoints> columns{};
  std::array<Lanes, kWinogradLinePoints> points;
  for (size_t i = 0; i < height; ++i) {
    ToPoints(weights + i * width, width, points);
    for (size_t j = 0; j < points.size(); ++j) columns[j][i] = points[j];
  }
  for (size_t j = 0; j < columns.size(); ++j) {
    if (height > 1) {
      ToPoints(columns[j].data(), height, points);
    } else {
      points[0] = columns[j][0];
    }
    const size_t lines = height > 1 ? points.size() : 1;
    for (size_t i = 0; i < lines; ++i) {
      std::memcpy(out + static_cast<int64_t>(i * columns.size() + j) * step, points[i].data(),
                  bytes);
    }
  }
}

// Kernels of 3x3 weights to [point][lane] at distances of `step`, `bytes` of each point.
template <size_t kWindow>
using PointsOf = void (*)(const Lanes& a, const Lanes& b, const Lanes& c,
                          std::array<Lanes, kWindow>& out);

template <size_t kWindow, PointsOf<kWindow> kPointsOf = &ToPoints>
void TransformWeights(const Lanes* g, size_t bytes, float* out, int64_t step) {
  std::array<std::array<Lanes, kWindow>, 3> lines;
  for (size_t i = 0; i < 3; ++i) kPointsOf(g[3 * i], g[3 * i + 1], g[3 * i + 2], lines[i]);
  for (size_t j = 0; j < kWindow; ++j) {
    std::array<Lanes, kWindow> points;
    kPointsOf(lines[0][j], lines[1][j], lines[2][j], points);
    for (size_t i = 0; i < kWindow; ++i) {
      float* const to = out + static_cast<int64_t>(i * kWindow + j) * step;
      if (bytes == sizeof(Lanes)) {  // without a call
        std::memcpy(to, points[i].data(), sizeof(Lanes));
      } else {
        std::memcpy(to, points[i].data(), bytes);
      }
    }
  }
}

// Across only, for tiles of 5x5 outputs.
void TransformLines(const Lanes* g, float* out, int64_t step) {
  std::array<Lanes, 7> points;
  for (int64_t i = 0; i < 3; ++i, g += 3, out += kWinogradColumnVectors * kLanes) {
    ToPoints(g[0], g[1], g[2], points);
    for (size_t j = 0; j < points.size(); ++j) {
      std::memcpy(out + static_cast<int64_t>(j) * step, points[j].data(), sizeof(Lanes));
    }
  }
}

size_t TransformedFloats(const ConvolutionShape& shape) {
  return static_cast<size_t>(
      ColumnBlocks::Of(shape.out_channels)
          .PackedFloats(shape.in_channels * WinogradFormOf(shape).weight_points()));
}

}  // namespace

size_t PackedWinogradFloats(const ConvolutionShape& shape) {
  const size_t direct =
      MayPreferDirectToWinograd(shape)
          ? PackedConvolutionFloats(shape.out_channels, 1, shape.in_channels, shape.Taps())
          : 0;
  return TransformedFloats(shape) + direct;
}

void PackWinograd(const RightSource& weights, const ConvolutionShape& shape, float* packed) {
  const ColumnBlocks blocks = ColumnBlocks::Of(shape.out_channels);
  const WinogradForm form = WinogradFormOf(shape);
  const int64_t depth = shape.in_channels;
  const int64_t taps = shape.Taps();
  const int64_t points = form.weight_points();
  const auto transform = form.strided     ? &TransformWeights<6, &ToStridedPoints>
                         : form.tile == 5 ? &TransformWeights<7>
                         : form.tile == 4 ? &TransformWeights<6>
                                          : &TransformWeights<4>;
  const size_t floats = TransformedFloats(shape);
  std::array<Lanes, kMostTaps> kernels{};
  for (int64_t block = 0; block < blocks.count(); ++block) {
    const int64_t first = blocks.FirstColumn(block);
    const int64_t width = blocks.Vectors(block) * blocks.lanes;
    if (blocks.Columns(block) < width) {
      std::memset(packed + first * depth * points, 0,
                  static_cast<size_t>(width * depth * points) * sizeof(float));
    }
    for (int64_t column = 0; column < blocks.Columns(block); column += kLanes) {
      const int64_t count = std::min<int64_t>(kLanes, blocks.Columns(block) - column);
      const size_t bytes = static_cast<size_t>(count) * sizeof(float);
      const float* const from = weights.Columns(first + column, count);
      for (int64_t channel = 0; channel < depth; ++channel) {
        TransposeTile(sizeof(float), reinterpret_cast<const uint8_t*>(from + channel * taps),
                      depth * taps * ptrdiff_t{sizeof(float)},
                      reinterpret_cast<uint8_t*>(kernels.data()), sizeof(Lanes),
                      static_cast<size_t>(count), static_cast<size_t>(taps));
        float* const to = packed + first * depth * points + channel * width + column;
        if (form.across_only) {
          constexpr int64_t kPart = kWinogradColumnVectors * kLanes;
          TransformLines(kernels.data(),
                         packed + first * depth * points + column / kPart * depth * 3 * kPart +
                             channel * 3 * kPart + column % kPart,
                         depth * 3 * width);
        } else if (form.window() == kWinogradLinePoints) {
          const auto height = static_cast<size_t>(form.line ? 1 : form.kernel);
          TransformEightPoints(kernels.data(), height, static_cast<size_t>(taps) / height, bytes,
                               to, depth * width);
        } else {
          transform(kernels.data(), bytes, to, depth * width);
        }
      }
    }
  }
  if (MayPreferDirectToWinograd(shape)) {
    PackConvolution(weights, shape.out_channels, 1, packed + floats);
  }
}

}  // namespace mullion::cpu
