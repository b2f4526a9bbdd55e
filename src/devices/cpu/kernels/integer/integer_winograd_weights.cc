// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "devices/cpu/kernels/integer/integer_winograd.h"
#include "devices/cpu/kernels/integer/integer_winograd_transform.h"
#include "devices/cpu/kernels/matrix/transpose_tile.h"

namespace mullion::cpu::integer_winograd {

namespace {

// 24 times what the matrix G makes of three weights, but for the last, which is 12 times that.
void WeightPoints(int a, int b, int c, int16_t* points, int64_t stride) {
  const auto set = [&](int64_t i, int point) { points[i * stride] = static_cast<int16_t>(point); };
  set(0, 6 * a);
  set(1, -4 * (a + b + c));
  set(2, -4 * (a - b + c));
  set(3, a + 2 * b + 4 * c);
  set(4, a - 2 * b + 4 * c);
  set(5, 12 * c);
}

// Weights of one input channel for the columns of a panel.
using PanelLine = std::array<int16_t, kPanelColumns>;

// Column by column, so that loops over them are vectors.
void KernelsOf(const PanelLine (&w)[9], PanelLine (&kernels)[kPoints]) {
  PanelLine lines[3 * kWindow];
  const int64_t stride = kPanelColumns;
  for (size_t i = 0; i < 3; ++i) {
    for (size_t c = 0; c < kPanelColumns; ++c) {
      WeightPoints(w[3 * i][c], w[3 * i + 1][c], w[3 * i + 2][c], &lines[i * kWindow][c], stride);
    }
  }
  for (size_t j = 0; j < kWindow; ++j) {
    for (size_t c = 0; c < kPanelColumns; ++c) {
      WeightPoints(lines[j][c], lines[kWindow + j][c], lines[2 * kWindow + j][c], &kernels[j][c],
                   kWindow * stride);
    }
  }
}

int32_t WeightAt(const Weights& weights, int64_t i) {
  return weights.is_signed ? static_cast<const int8_t*>(weights.data)[i]
                           : static_cast<const uint8_t*>(weights.data)[i];
}

// Points are words for certain where 144 times a weight is one.
bool AllFit(const Weights& weights, int32_t* sums) {
  constexpr int64_t kMostSum = (int64_t{1} << 25) - 1;
  constexpr int32_t kMostWeight = 0x7fff / 144;
  const int64_t count = weights.in_channels * 9;
  for (int64_t out = 0; out < weights.out_channels; ++out) {
    int32_t sum = 0;
    int32_t size = 0;
    int32_t most = 0;
    for (int64_t i = 0; i < count; ++i) {
      const int32_t weight = WeightAt(weights, out * count + i) - weights.zero_points[out];
      sum += weight;
      size += std::abs(weight);
      most = std::max(most, std::abs(weight));
    }
    // The least and the greatest sum are those of the negative and the positive weights.
    if (most > kMostWeight || int64_t{255} * (size + std::abs(sum)) / 2 > kMostSum) return false;
    sums[out] = sum;
  }
  return true;
}

}  // namespace

IntegerPanels PanelsOf(int64_t in_channels, int64_t out_channels) {
  IntegerPanels panels;
  panels.form = IntegerForm::kWords;
  panels.columns = out_channels;
  panels.taps = kPoints;
  panels.depth = in_channels;
  return panels;
}

int64_t Weights::PackedBytes() const {
  const IntegerPanels panels = PanelsOf(in_channels, out_channels);
  return kHeaderBytes + panels.panel_bytes() + panels.padded_columns() * int64_t{sizeof(int32_t)};
}

// As integer_pack.h has words, the points in the place of taps, and sums behind them.
void Weights::Pack(uint8_t* packed) const {
  const IntegerPanels panels = PanelsOf(in_channels, out_channels);
  auto* const sums = reinterpret_cast<int32_t*>(packed + kHeaderBytes + panels.panel_bytes());
  std::memset(packed, 0, kHeaderBytes);
  std::fill_n(sums, panels.padded_columns(), 0);
  if (!AllFit(*this, sums)) {
    std::memset(packed, 0, static_cast<size_t>(PackedBytes()));
    return;
  }
  *packed = 1;
  packed += kHeaderBytes;
  PanelLine weights[9] = {};
  PanelLine kernels[2][kPoints];
  for (int64_t panel = 0; panel < panels.count(); ++panel) {
    const int64_t first = panels.FirstColumn(panel);
    const int64_t columns = std::min(panels.FirstColumn(panel + 1), out_channels) - first;
    const int64_t width = panels.Groups(panel) * kColumnGroup;
    auto* const words = reinterpret_cast<int16_t*>(packed + first * panels.column_bytes());
    for (PanelLine& line : weights) line = {};
    for (int64_t unit = 0; unit < panels.units(); ++unit) {
      for (int64_t half = 0; half < 2; ++half) {
        const int64_t in = 2 * unit + half;
        for (int64_t c = 0; c < columns; ++c) {
          const int64_t at = ((first + c) * in_channels + in) * 9;
          const int32_t zero = zero_points[first + c];
          for (int64_t i = 0; i < 9; ++i) {
            const int32_t weight = in < in_channels ? WeightAt(*this, at + i) - zero : 0;
            weights[i][static_cast<size_t>(c)] = static_cast<int16_t>(weight);
          }
        }
        KernelsOf(weights, kernels[half]);
      }
      for (int64_t point = 0; point < kPoints; ++point) {
        int16_t* const to = words + (point * panels.units() + unit) * width * 2;
        Interleave(sizeof(int16_t), 2, reinterpret_cast<const uint8_t*>(&kernels[0][point]),
                   sizeof(kernels[0]), reinterpret_cast<uint8_t*>(to), static_cast<size_t>(width));
      }
    }
  }
}

}  // namespace mullion::cpu::integer_winograd
