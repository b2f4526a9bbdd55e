// SPDX-License-Identifier: MIT
// Mean and variance of every channel of channels-last data.
#ifndef MULLION_DEVICES_CPU_CHANNEL_STATISTICS_H_
#define MULLION_DEVICES_CPU_CHANNEL_STATISTICS_H_

#include <cstddef>
#include <cstdint>

#include "base/parallel.h"

namespace mullion::cpu {

// For `batch` matrices of `rows` rows and `channels` columns each. The rows are cut into parts by
// shape alone, which threads share.
class ChannelStatistics {
 public:
  ChannelStatistics(int64_t batch, int64_t rows, int64_t channels);

  size_t ScratchBytes() const;
  // Per matrix and channel, in `mean` and `deviation`: the mean, and the sum of squared differences
  // from it. `rows` must not be 0.
  void Run(const float* x, float* mean, float* deviation, void* scratch, Parallel& parallel) const;

 private:
  int64_t batch_;
  int64_t rows_;
  int64_t channels_;
  int64_t parts_;
  int64_t rows_per_part_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_CHANNEL_STATISTICS_H_
