// SPDX-License-Identifier: MIT
// What the operators over regions of images share.
#ifndef MULLION_DEVICES_CPU_ROI_BLOCKS_H_
#define MULLION_DEVICES_CPU_ROI_BLOCKS_H_

#include <algorithm>
#include <cstdint>

#include "base/parallel.h"

namespace mullion::cpu {

// Channels that share the search for a region's pixels, few enough that the lines of their planes
// that a row of bins reads stay in the level 1 cache.
constexpr int64_t kRoiChannels = 32;

// Calls `body(region, first channel, channels)`, at most kRoiChannels at once, on all threads.
template <typename Body>
void ForRoiBlocks(int64_t regions, int64_t channels, Parallel& parallel, const Body& body) {
  const int64_t blocks = (channels + kRoiChannels - 1) / kRoiChannels;
  parallel.For(regions * blocks, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % blocks * kRoiChannels;
      body(i / blocks, first, std::min(kRoiChannels, channels - first));
    }
  });
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_ROI_BLOCKS_H_
