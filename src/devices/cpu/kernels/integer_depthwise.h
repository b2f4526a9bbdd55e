// SPDX-License-Identifier: MIT
// Depthwise convolution of 8-bit images, channels last: every channel has one kernel of its own,
// and vectors run along the channels.
#ifndef MULLION_DEVICES_CPU_KERNELS_INTEGER_DEPTHWISE_H_
#define MULLION_DEVICES_CPU_KERNELS_INTEGER_DEPTHWISE_H_

#include <cstdint>

#include "base/parallel.h"
#include "devices/cpu/kernels/integer_finish.h"
#include "devices/cpu/kernels/pixel_rows.h"

namespace mullion::cpu {

constexpr int64_t PadDepthwiseChannels(int64_t channels) { return (channels + 15) / 16 * 16; }

// [channel][tap], as ONNX has it, to [tap][padded channel], less the zero points: one per channel.
void PackIntegerDepthwise(const void* weights, bool is_signed, const int32_t* zero_points,
                          int64_t channels, int64_t taps, int32_t* packed);

// The inner loop of the job below: rows x at most 64 channels.
struct IntegerDepthwiseTile {
  const uint8_t* const* rows;  // [tap][row], at channel 0
  int64_t row_count;
  int64_t taps;
  int64_t first_channel;
  int64_t channels;
  const int32_t* weights;  // at the first channel
  int64_t weights_stride;
  const int32_t* init;
  int32_t* out;
  int64_t out_stride;
};

struct IntegerDepthwise {
  const PixelRows* rows = nullptr;
  int64_t images = 1;
  int64_t channels = 0;
  const uint8_t* input = nullptr;  // dense, channels last
  bool is_signed = false;
  const uint8_t* padding = nullptr;  // `channels` bytes
  const int32_t* weights = nullptr;
  const int32_t* init = nullptr;  // padded, as per-column values of `finish` are
  IntegerFinish finish;
  void* out = nullptr;      // elements of finish.output
  bool transposed = false;  // out is channels first
};

int64_t IntegerDepthwiseScratchBytes(int64_t taps, int threads);
void RunIntegerDepthwise(const IntegerDepthwise& job, void* scratch, Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_INTEGER_DEPTHWISE_H_
