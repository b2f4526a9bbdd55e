// SPDX-License-Identifier: MIT
// Winograd's F(4x4, 3x3) for 8-bit images, exactly: the same sums as the direct form has, by four
// times fewer multiplications (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
// 2015; winograd.h has it for floats).
//
// The matrices are scaled to whole numbers, the weights' by 24 along each axis. With inputs in
// [0, 255] transformed ones are within 100 * 255 / 2 = 12750, and transformed weights within
// 144 * 128 = 18432: both are words. Everything is computed modulo 2^32, and the result is
// 24 * 24 = 9 * 2^6 times the sum: the inverse of 9 modulo 2^32 and a shift make the sum of it, as
// long as that is less than 2^25. Whether it always is, the weights tell.
#ifndef MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_WINOGRAD_H_
#define MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_WINOGRAD_H_

#include <cstdint>

#include "base/parallel.h"
#include "devices/cpu/kernels/convolution/convolution.h"
#include "devices/cpu/kernels/integer/integer_finish.h"
#include "devices/cpu/kernels/integer/integer_pack.h"

namespace mullion::cpu::integer_winograd {

// Weights in ONNX order [out][in][3][3], less a zero point for each output channel.
struct Weights {
  const void* data;
  bool is_signed;
  const int32_t* zero_points;
  int64_t in_channels;
  int64_t out_channels;

  int64_t PackedBytes() const;
  // Of those that do not fit, see above, only that is packed.
  void Pack(uint8_t* packed) const;
};

// In front of packed weights.
inline constexpr int64_t kHeaderBytes = 64;
// How they lie behind it: the points in the place of taps.
IntegerPanels PanelsOf(int64_t in_channels, int64_t out_channels);

// Whether this way is open to 3x3 kernels of stride 1 for so many channels, where products in
// `form` are the direct one.
bool Takes(int64_t in_channels, int64_t out_channels, IntegerForm form);
// Whether packed weights do fit.
bool Fit(const uint8_t* packed);
// Whether it is faster than products in `form` of the direct way, for the sizes at hand.
bool Prefers(const ConvolutionShape& shape, IntegerForm form);
// The sum of each channel's weights, and zeros up to whole groups of columns.
const int32_t* Sums(const ConvolutionShape& shape, const uint8_t* packed);

struct Job {
  ConvolutionShape shape;
  const uint8_t* input = nullptr;  // dense, channels last
  bool is_signed = false;          // sums are those of elements plus 128 then
  const uint8_t* padding = nullptr;
  const uint8_t* packed = nullptr;
  const int32_t* init = nullptr;  // padded, as per-column values of `finish` are
  IntegerFinish finish;
  FloatRange* ranges = nullptr;  // takes the place of finish.range: one for each thread
  void* out = nullptr;           // dense pixels of elements of finish.output
};

int64_t ScratchBytes(const ConvolutionShape& shape, int threads);
void Run(const Job& job, void* scratch, Parallel& parallel);

}  // namespace mullion::cpu::integer_winograd

#endif  // MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_WINOGRAD_H_
