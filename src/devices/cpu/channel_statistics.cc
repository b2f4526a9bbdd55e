// SPDX-License-Identifier: MIT
#include "devices/cpu/channel_statistics.h"

#include <algorithm>

#include "devices/cpu/axis_loops.h"
#include "devices/cpu/kernels/reduction/moments.h"

namespace mullion::cpu {

ChannelStatistics::ChannelStatistics(int64_t batch, int64_t rows, int64_t channels)
    : batch_(batch), rows_(rows), channels_(channels) {
  // At most 64 parts: enough for many threads, and merging them stays cheap.
  const int64_t worth = rows * channels / kParallelElements;
  const int64_t wanted = std::clamp<int64_t>(worth, 1, 64);
  rows_per_part_ = std::max<int64_t>((rows + wanted - 1) / wanted, 1);
  parts_ = std::max<int64_t>((rows + rows_per_part_ - 1) / rows_per_part_, 1);
}

size_t ChannelStatistics::ScratchBytes() const {
  return static_cast<size_t>(2 * batch_ * parts_ * channels_) * sizeof(float);
}

void ChannelStatistics::Run(const float* x, float* mean, float* deviation, void* scratch,
                            Parallel& parallel) const {
  float* const partial = static_cast<float*>(scratch);
  const auto channels = static_cast<size_t>(channels_);
  parallel.For(batch_ * parts_, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % parts_ * rows_per_part_;
      const int64_t rows = std::min(rows_per_part_, rows_ - first);
      float* const part = partial + 2 * i * channels_;
      MomentsOfColumns(x + (i / parts_ * rows_ + first) * channels_, static_cast<size_t>(rows),
                       channels, channels, 0, part, part + channels_);
    }
  });
  for (int64_t b = 0; b < batch_; ++b) {
    for (int64_t c = 0; c < channels_; ++c) {
      Moments moments;
      for (int64_t p = 0; p < parts_; ++p) {
        const float* const part = partial + 2 * (b * parts_ + p) * channels_;
        moments.Merge(
            {std::min(rows_per_part_, rows_ - p * rows_per_part_), part[c], part[channels_ + c]});
      }
      mean[b * channels_ + c] = moments.mean;
      deviation[b * channels_ + c] = moments.deviation;
    }
  }
}

}  // namespace mullion::cpu
