// SPDX-License-Identifier: MIT
// Depthwise convolution of 8-bit images, channels last: every channel has one kernel of its own,
// and vectors run along the channels.
#ifndef MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_DEPTHWISE_H_
#define MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_DEPTHWISE_H_

#include <cstdint>

#include "base/parallel.h"
#include "devices/cpu/kernels/convolution/pixel_rows.h"
#include "devices/cpu/kernels/integer/integer_finish.h"
#include "devices/cpu/kernels/integer/integer_tile.h"

namespace mullion::cpu {

constexpr int64_t PadDepthwiseChannels(int64_t channels) { return (channels + 15) / 16 * 16; }

// Packed weights have the zero points of the weights subtracted, and either form:
//
//   kWords   [tap][padded channel], 32 bits each
//   kBytes   for AVX-512 VNNI: [block of 64 channels][four taps][vector v][lane][tap], where lane
//            4 q + i of vector v is channel 16 q + 4 v + i of the block, as unpacking leaves them.
//            A last block of at most 32 or 16 channels has them two or four times. Sums of signed
//            images are those of their elements plus 128. Of nine taps the four are a column of
//            the kernel and nothing, so that neighbours share what is unpacked of the image.
//
// The sum of each channel's weights follows, as int32.
constexpr int64_t kDepthwiseBlock = 64;
// The columns that a block of `channels` takes, padded to a half or a quarter of the largest.
constexpr int64_t DepthwiseBlockWidth(int64_t channels) {
  return channels > 32 ? 64 : channels > 16 ? 32 : 16;
}
constexpr bool TapsAreColumns(int64_t taps) { return taps == 9; }
// The tap at place `i` of the four in a group; none from `taps` on.
constexpr int64_t TapOfGroup(int64_t taps, int64_t group, int64_t i) {
  if (!TapsAreColumns(taps)) return 4 * group + i;
  return i < 3 ? 3 * i + group : taps;
}
int64_t IntegerDepthwiseBytes(IntegerForm form, int64_t channels, int64_t taps);
// From [channel][tap], as ONNX has it; one zero point per channel. In byte form the differences
// must fit in 8 bits.
void PackIntegerDepthwise(IntegerForm form, const void* weights, bool is_signed,
                          const int32_t* zero_points, int64_t channels, int64_t taps, void* packed);
const int32_t* DepthwiseWeightSums(IntegerForm form, const void* packed, int64_t channels,
                                   int64_t taps);

// The inner loop of the job below: rows x at most 64 channels.
struct IntegerDepthwiseTile {
  const uint8_t* const* rows;  // [tap][row], at channel 0
  int64_t rows_stride;         // from one tap to the next
  int64_t row_count;
  int64_t taps;
  int64_t first_channel;
  int64_t channels;
  const void* weights;  // at the first channel
  int64_t weights_stride;
  const int32_t* init;
  int32_t* out;  // in byte form whole groups of 16 channels are written
  int64_t out_stride;
};

namespace vnni {
// In integer_depthwise_vnni.cc, for processors that have it.
void SumDepthwise(const IntegerDepthwiseTile& tile, bool is_signed);
}  // namespace vnni

struct IntegerDepthwise {
  const PixelRows* rows = nullptr;
  int64_t images = 1;
  int64_t channels = 0;
  const uint8_t* input = nullptr;  // dense, channels last
  bool is_signed = false;
  const uint8_t* padding = nullptr;  // `channels` bytes
  IntegerForm form = IntegerForm::kWords;
  const void* weights = nullptr;
  const int32_t* init = nullptr;  // padded, as per-column values of `finish` are
  IntegerFinish finish;
  FloatRange* ranges = nullptr;  // takes the place of finish.range: one for each thread
  void* out = nullptr;           // elements of finish.output
  bool transposed = false;       // out is channels first: no residual, no ranges
};

// Of a job whose rows and order are known.
int64_t IntegerDepthwiseScratchBytes(const IntegerDepthwise& job, int threads);
void RunIntegerDepthwise(const IntegerDepthwise& job, void* scratch, Parallel& parallel);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_DEPTHWISE_H_
