// SPDX-License-Identifier: MIT
#include "devices/cpu/group_moments.h"

#include <algorithm>
#include <cmath>

#include "devices/cpu/axis_loops.h"
#include "devices/cpu/channel_statistics.h"
#include "devices/cpu/kernels/elementwise/scale_shift.h"
#include "devices/cpu/kernels/reduction/moments.h"

namespace mullion::cpu {

namespace {

// Elements that are scaled before what comes next is applied to them: they stay in the level 1
// cache meanwhile.
constexpr int64_t kBlock = 2048;

float InverseDeviation(const Moments& moments, float epsilon) {
  const double variance =
      static_cast<double>(moments.deviation) / static_cast<double>(moments.count);
  return static_cast<float>(1.0 / std::sqrt(variance + static_cast<double>(epsilon)));
}

}  // namespace

// What comes behind the scaling, for elements [offset, offset + count) of `y`.
void GroupNormalizer::Finish(int64_t offset, int64_t count, int64_t residual_offset,
                             float* y) const {
  if (activation.kind == Activation::Kind::kNone && residual == nullptr) return;
  ActivationRows rows;
  rows.x = rows.out = y + offset;
  rows.residual = residual == nullptr ? nullptr : residual + residual_offset;
  rows.columns = count;
  rows.count = 1;
  ActivateRows(activation, rows);
}

// The same for pixels side by side, channels last.
void GroupNormalizer::FinishPixels(int64_t image, int64_t pixel, int64_t count, float* y) const {
  const int64_t offset = (image * spatial + pixel) * channels;
  if (larger.width == 0) return Finish(offset, count * channels, offset, y);
  for (int64_t done = 0; done < count;) {
    const int64_t line = (pixel + done) / larger.width;
    const int64_t across = (pixel + done) % larger.width;
    const int64_t here = std::min(count - done, larger.width - across);
    const int64_t from = image * larger.image + line * larger.line + across + larger.first;
    Finish(offset + done * channels, here * channels, from * channels, y);
    done += here;
  }
}

size_t GroupNormalizer::ScratchBytes() const {
  if (!channels_last) return 0;
  const size_t factors = static_cast<size_t>(2 * batch * channels) * sizeof(float);
  return factors + ChannelStatistics(batch, spatial, channels).ScratchBytes();
}

void GroupNormalizer::Run(const float* x, const float* scale, const float* bias, bool per_group,
                          float* y, void* scratch, Parallel& parallel) const {
  if (batch * channels * spatial == 0) return;
  if (channels_last) {
    RunChannelsLast(x, scale, bias, per_group, y, scratch, parallel);
  } else {
    RunChannelsFirst(x, scale, bias, per_group, y, parallel);
  }
}

void GroupNormalizer::RunChannelsFirst(const float* x, const float* scale, const float* bias,
                                       bool per_group, float* y, Parallel& parallel) const {
  const int64_t members = channels / groups;
  const int64_t size = members * spatial;
  const int64_t chunk = std::max<int64_t>(kParallelElements / size, 1);
  parallel.For(batch * groups, chunk, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const Moments moments = MomentsOf(x + i * size, static_cast<size_t>(size));
      const float inverse = InverseDeviation(moments, epsilon);
      const int64_t group = i % groups;
      for (int64_t m = 0; m < members; ++m) {
        const int64_t parameter = per_group ? group : group * members + m;
        const float factor = inverse * scale[parameter];
        const int64_t offset = i * size + m * spatial;
        const float shift = bias[parameter] - moments.mean * factor;
        for (int64_t j = 0; j < spatial; j += kBlock) {
          const int64_t count = std::min(kBlock, spatial - j);
          ScaleShift(x + offset + j, y + offset + j, static_cast<size_t>(count), factor, shift);
          Finish(offset + j, count, offset + j, y);
        }
      }
    }
  });
}

void GroupNormalizer::RunChannelsLast(const float* x, const float* scale, const float* bias,
                                      bool per_group, float* y, void* scratch,
                                      Parallel& parallel) const {
  // Per image and channel: the mean, later the scale; and the deviation, later the shift.
  float* const scales = static_cast<float*>(scratch);
  float* const shifts = scales + batch * channels;
  ChannelStatistics(batch, spatial, channels)
      .Run(x, scales, shifts, shifts + batch * channels, parallel);
  const int64_t members = channels / groups;
  for (int64_t i = 0; i < batch * groups; ++i) {
    Moments moments;
    for (int64_t c = i * members; c < (i + 1) * members; ++c) {
      moments.Merge({spatial, scales[c], shifts[c]});
    }
    const float inverse = InverseDeviation(moments, epsilon);
    for (int64_t c = i * members; c < (i + 1) * members; ++c) {
      const int64_t parameter = per_group ? i % groups : c % channels;
      scales[c] = inverse * scale[parameter];
      shifts[c] = bias[parameter] - moments.mean * scales[c];
    }
  }
  const int64_t chunk = std::max<int64_t>(kParallelElements / channels, 1);
  const int64_t chunks = (spatial + chunk - 1) / chunk;
  const int64_t block = std::max<int64_t>(kBlock / channels, 1);
  parallel.For(batch * chunks, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / chunks;
      const int64_t last = std::min((i % chunks + 1) * chunk, spatial);
      for (int64_t row = i % chunks * chunk; row < last; row += block) {
        const int64_t rows = std::min(block, last - row);
        const int64_t offset = (image * spatial + row) * channels;
        ScaleShiftColumns(x + offset, y + offset, static_cast<size_t>(rows),
                          static_cast<size_t>(channels), scales + image * channels,
                          shifts + image * channels);
        FinishPixels(image, row, rows, y);
      }
    }
  });
}

void NormalizeGroups(const GroupNormalizer& sizes, const double* x, const double* scale,
                     const double* bias, bool per_group, double* y) {
  const int64_t members = sizes.channels / sizes.groups;
  const int64_t size = members * sizes.spatial;
  for (int64_t i = 0; i < sizes.batch * sizes.groups; ++i) {
    const double* const from = x + i * size;
    double mean = 0;
    for (int64_t j = 0; j < size; ++j) mean += from[j];
    mean /= static_cast<double>(size);
    double variance = 0;
    for (int64_t j = 0; j < size; ++j) variance += (from[j] - mean) * (from[j] - mean);
    variance /= static_cast<double>(size);
    const double inverse = 1 / std::sqrt(variance + static_cast<double>(sizes.epsilon));
    const int64_t group = i % sizes.groups;
    for (int64_t j = 0; j < size; ++j) {
      const int64_t parameter = per_group ? group : group * members + j / sizes.spatial;
      y[i * size + j] = (from[j] - mean) * inverse * scale[parameter] + bias[parameter];
    }
  }
}

}  // namespace mullion::cpu
