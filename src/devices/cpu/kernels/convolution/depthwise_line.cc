// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/depthwise_line.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/convolution/depthwise_line.cc"
#include <algorithm>
#include <utility>

#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/elementwise/activation-inl.h"
#include "devices/cpu/kernels/simd/registers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using FloatVector = hn::Vec<Floats>;

// Whole vectors of channels, or the first few when there are fewer channels than lanes.
template <bool kWhole>
HWY_INLINE FloatVector LoadChannels(const float* from, int64_t channels) {
  const Floats d;
  if constexpr (kWhole) return hn::LoadU(d, from);
  return LoadFirst(d, from, static_cast<size_t>(channels));
}

// Without a register for the address of every pixel: there are fewer of them than pixels, and
// moving them about takes as long as the arithmetic.
template <typename T>
HWY_INLINE void Advance(T*& pointer, int64_t by) {
  pointer += by;
  KeepPointer(pointer);
}

// `kPixels` outputs from `pixel` on, for `kVectors` vectors of channels from `c` on, with taps
// [first_tap, last_tap) along the last axis.
template <int kPixels, int kVectors, bool kWhole>
HWY_INLINE void AddAnyTaps(const DepthwiseJob& job, int64_t pixel, int64_t c, int64_t first_tap,
                           int64_t last_tap, FloatVector* sums) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(Floats()));
  const int64_t channels = job.channels;
  const int64_t step = job.axis.stride * job.input_step;
  const int64_t tap_step = job.axis.dilation * job.input_step;
  const int64_t first = job.first_input + pixel * step + first_tap * tap_step + c;
  for (int64_t i = 0; i < job.line_count; ++i) {
    const float* x = job.lines[i].input + first;
    const float* w = job.lines[i].weights + first_tap * job.weights_stride + c;
    for (int64_t tap = first_tap; tap < last_tap; ++tap) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        const FloatVector weight = LoadChannels<kWhole>(w + v * lanes, channels);
#pragma GCC unroll 8
        for (int p = 0; p < kPixels; ++p) {
          const FloatVector value = LoadChannels<kWhole>(x + p * step + v * lanes, channels);
          FloatVector& sum = sums[p * kVectors + v];
          sum = hn::MulAdd(value, weight, sum);
        }
      }
      x += tap_step;
      w += job.weights_stride;
    }
  }
}

// The same for a kernel of `kTaps` whose taps are all inside and lie side by side: each input
// vector is read once for all outputs that it is part of. kPad: the outputs are a whole line, and
// so many inputs before and behind it are zeros.
template <int kPixels, int kTaps, int kStride, int kPad>
HWY_INLINE void AddFixedTaps(const DepthwiseJob& job, int64_t pixel, int64_t c, FloatVector* sums) {
  const Floats d;
  const int64_t step = job.input_step;
  const int64_t first = job.first_input + (pixel * kStride + kPad) * step + c;
  const DepthwiseLine* const end = job.lines + job.line_count;
  for (const DepthwiseLine* line = job.lines; line != end; ++line) {
    const float* w = line->weights + c;
    FloatVector weight[kTaps];
#pragma GCC unroll 8
    for (int tap = 0; tap < kTaps; ++tap) {
      weight[tap] = hn::LoadU(d, w);
      Advance(w, job.weights_stride);
    }
    const float* x = line->input + first;
#pragma GCC unroll 16
    for (int column = kPad; column < (kPixels - 1) * kStride + kTaps - kPad; ++column) {
      FloatVector value = hn::LoadU(d, x);
      KeepInRegister(value);
      Advance(x, step);
#pragma GCC unroll 8
      for (int p = 0; p < kPixels; ++p) {
        const int tap = column - p * kStride;
        if (tap >= 0 && tap < kTaps) sums[p] = hn::MulAdd(value, weight[tap], sums[p]);
      }
    }
  }
}

// Outputs [pixel, pixel + kPixels) of the line, `kVectors` vectors of channels from `c` on. kTaps
// 0: any kernel.
template <int kPixels, int kVectors, int kTaps, int kStride, bool kWhole, int kPad>
HWY_INLINE void RunVectors(const DepthwiseJob& job, int64_t pixel, int64_t c, int64_t first_tap,
                           int64_t last_tap, FloatVector low, FloatVector high) {
  const Floats d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  FloatVector sums[kPixels * kVectors];
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    const FloatVector start = job.bias == nullptr
                                  ? hn::Zero(d)
                                  : LoadChannels<kWhole>(job.bias + c + v * lanes, job.channels);
#pragma GCC unroll 8
    for (int p = 0; p < kPixels; ++p) sums[p * kVectors + v] = start;
  }
  if constexpr (kTaps == 0) {
    AddAnyTaps<kPixels, kVectors, kWhole>(job, pixel, c, first_tap, last_tap, sums);
  } else {
    AddFixedTaps<kPixels, kTaps, kStride, kPad>(job, pixel, c, sums);
  }
  float* out = job.out + pixel * job.out_stride + c;
#pragma GCC unroll 8
  for (int i = 0; i < kPixels * kVectors; ++i) {
    const FloatVector y = AtMost(d, AtLeast(d, sums[i], low), high);
    const int v = i % kVectors;
    if constexpr (kWhole) {
      hn::StoreU(y, d, out + v * lanes);
    } else {
      StoreFirst(y, d, out, static_cast<size_t>(job.channels));
    }
    if (v == kVectors - 1) Advance(out, job.out_stride);
  }
}

// The same for all channels. Of one output, several vectors of channels are side by side, as each
// sum alone would wait for itself.
template <int kPixels, int kTaps, int kStride, bool kWhole, int kPad = 0>
void RunPixels(const DepthwiseJob& job, int64_t pixel, int64_t first_tap, int64_t last_tap) {
  constexpr int kTogether = kPixels == 1 && kWhole ? 4 : 1;
  const Floats d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const FloatVector low = hn::Set(d, job.low);
  const FloatVector high = hn::Set(d, job.high);
  int64_t next = job.first_channel;
  for (; kTogether > 1 && next + kTogether * lanes <= job.last_channel; next += kTogether * lanes) {
    RunVectors<kPixels, kTogether, kTaps, kStride, kWhole, kPad>(job, pixel, next, first_tap,
                                                                 last_tap, low, high);
  }
  for (; next < job.last_channel; next += lanes) {
    // The last vector overlaps the one before it, so that no part of one is needed.
    const int64_t c = kWhole ? std::min(next, job.channels - lanes) : 0;
    RunVectors<kPixels, 1, kTaps, kStride, kWhole, kPad>(job, pixel, c, first_tap, last_tap, low,
                                                         high);
  }
}

// Outputs that share what they load: six sums, a line of up to five weights and an input vector
// fit into 16 registers and hide the latency of the additions. A kernel of any length has no
// weights in registers and gains nothing beyond four.
constexpr int PixelsTogether(int taps) { return taps != 0 ? 6 : 4; }

// The taps of an output that lie inside the image.
std::pair<int64_t, int64_t> TapsInside(const ConvolutionShape::Axis& axis, int64_t pixel) {
  const int64_t start = pixel * axis.stride - axis.pad;
  const int64_t first = start >= 0 ? 0 : (-start + axis.dilation - 1) / axis.dilation;
  const int64_t behind = start >= axis.input ? 0 : (axis.input - 1 - start) / axis.dilation + 1;
  return {std::min(first, axis.kernel), std::min(behind, axis.kernel)};
}

// Outputs that see a part of the kernel: a few side by side where that is the same one, as it is
// for as many as the dilation says.
template <bool kWhole>
void RunEdge(const DepthwiseJob& job, int64_t begin, int64_t end) {
  constexpr int kTogether = PixelsTogether(0);
  for (int64_t pixel = begin; pixel < end;) {
    const std::pair<int64_t, int64_t> taps = TapsInside(job.axis, pixel);
    if (pixel + kTogether <= end && TapsInside(job.axis, pixel + kTogether - 1) == taps) {
      RunPixels<kTogether, 0, 0, kWhole>(job, pixel, taps.first, taps.second);
      pixel += kTogether;
    } else {
      RunPixels<1, 0, 0, kWhole>(job, pixel, taps.first, taps.second);
      ++pixel;
    }
  }
}

template <int kTaps, int kStride, bool kWhole>
void RunInside(const DepthwiseJob& job, int64_t begin, int64_t end) {
  constexpr int kPixelsTogether = PixelsTogether(kTaps);
  int64_t pixel = begin;
  for (; pixel + kPixelsTogether <= end; pixel += kPixelsTogether) {
    RunPixels<kPixelsTogether, kTaps, kStride, kWhole>(job, pixel, 0, job.axis.kernel);
  }
  // The last few: again with some that are done, where there are enough.
  if (end - pixel > 1 && end - begin >= kPixelsTogether) {
    RunPixels<kPixelsTogether, kTaps, kStride, kWhole>(job, end - kPixelsTogether, 0,
                                                       job.axis.kernel);
    return;
  }
  for (; pixel < end; ++pixel) RunPixels<1, 0, 0, kWhole>(job, pixel, 0, job.axis.kernel);
}

// Pixels that lie a dilation apart are neighbours of a line of their own, in whose vectors outputs
// share what they load. Those left over at the end of each would be run by themselves.
template <int kTaps>
void RunDilated(const DepthwiseJob& job, int64_t begin, int64_t end) {
  const int64_t dilation = job.axis.dilation;
  if (end - begin < dilation * PixelsTogether(kTaps)) {
    RunInside<0, 0, true>(job, begin, end);
    return;
  }
  DepthwiseJob line = job;
  line.axis.dilation = 1;
  line.input_step = dilation * job.input_step;
  line.out_stride = dilation * job.out_stride;
  for (int64_t first = begin; first < begin + dilation; ++first) {
    line.first_input = job.first_input + first * job.input_step;
    line.out = job.out + first * job.out_stride;
    RunInside<kTaps, 1, true>(line, 0, (end - first + dilation - 1) / dilation);
  }
}

// Fewer channels than lanes, and pixels side by side: vectors run along the line, whatever channel
// they begin with. Weights are packed so that they can be read from any channel on.
void RunFlat(const DepthwiseJob& job, int64_t begin, int64_t end) {
  const Floats d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t channels = job.channels;
  const FloatVector low = hn::Set(d, job.low);
  const FloatVector high = hn::Set(d, job.high);
  HWY_ALIGN float bias[2 * hn::MaxLanes(Floats())] = {};
  if (job.bias != nullptr) {
    for (int64_t i = 0; i < channels + lanes; ++i) bias[i] = job.bias[i % channels];
  }
  const int64_t first = begin * channels;
  const int64_t last = end * channels;
  for (int64_t next = first; next < last; next += lanes) {
    // The last vector overlaps the one before it where there is one.
    const int64_t at = std::max(std::min(next, last - lanes), first);
    const auto count = static_cast<size_t>(std::min(lanes, last - at));
    const int64_t channel = at % channels;
    const int64_t from = at - job.axis.pad * channels;
    FloatVector sum = hn::LoadU(d, bias + channel);
    for (int64_t i = 0; i < job.line_count; ++i) {
      const float* x = job.lines[i].input + from;
      const float* w = job.lines[i].weights + channel;
      for (int64_t tap = 0; tap < job.axis.kernel; ++tap) {
        sum = hn::MulAdd(LoadFirst(d, x, count), hn::LoadU(d, w), sum);
        x += job.axis.dilation * channels;
        w += job.weights_stride;
      }
    }
    StoreFirst(AtMost(d, AtLeast(d, sum, low), high), d, job.out + at, count);
  }
}

// The last lines of most networks, of pictures of 224 pixels, are of seven: too short for outputs
// that see the whole kernel, so the whole line is one.
constexpr int kShortLine = 7;

bool IsShortLine(const DepthwiseJob& job) {
  const ConvolutionShape::Axis& axis = job.axis;
  return axis.input == kShortLine && axis.stride == 1 && axis.dilation == 1 &&
         axis.pad * 2 + 1 == axis.kernel && job.first_pixel == 0 && job.last_pixel == kShortLine;
}

void RunDepthwiseLine(const DepthwiseJob& job) {
  const ConvolutionShape::Axis& axis = job.axis;
  const Floats d;
  const int64_t first = job.first_pixel;
  const int64_t last = job.last_pixel;
  const int64_t begin = std::clamp(job.inside.first, first, last);
  const int64_t end = std::clamp(job.inside.second, begin, last);
  if (job.channels < static_cast<int64_t>(hn::Lanes(d))) {
    RunEdge<false>(job, first, begin);
    if (axis.stride == 1 && job.out_stride == job.channels) {
      RunFlat(job, begin, end);
    } else {
      RunInside<0, 0, false>(job, begin, end);
    }
    RunEdge<false>(job, end, last);
    return;
  }
  // Plain code, for processors of long ago, does without the larger loops.
  if (HWY_TARGET != HWY_SCALAR && IsShortLine(job) && (axis.kernel == 3 || axis.kernel == 5)) {
    return axis.kernel == 3 ? RunPixels<kShortLine, 3, 1, true, 1>(job, 0, 0, 3)
                            : RunPixels<kShortLine, 5, 1, true, 2>(job, 0, 0, 5);
  }
  RunEdge<true>(job, first, begin);
  const bool dense = HWY_TARGET != HWY_SCALAR && axis.dilation == 1;
  const bool dilated = HWY_TARGET != HWY_SCALAR && axis.dilation > 1 && axis.stride == 1;
  if (dilated && axis.kernel == 3) {
    RunDilated<3>(job, begin, end);
  } else if (dilated && axis.kernel == 5) {
    RunDilated<5>(job, begin, end);
  } else if (dense && axis.kernel == 3 && axis.stride == 1) {
    RunInside<3, 1, true>(job, begin, end);
  } else if (dense && axis.kernel == 3 && axis.stride == 2) {
    RunInside<3, 2, true>(job, begin, end);
  } else if (dense && axis.kernel == 5 && axis.stride == 1) {
    RunInside<5, 1, true>(job, begin, end);
  } else if (dense && axis.kernel == 5 && axis.stride == 2) {
    RunInside<5, 2, true>(job, begin, end);
  } else {
    RunInside<0, 0, true>(job, begin, end);
  }
  RunEdge<true>(job, end, last);
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void RunDepthwiseLine(const DepthwiseJob& job) { MULLION_SIMD_CALL(RunDepthwiseLine)(job); }

}  // namespace mullion::cpu
#endif  // HWY_ONCE
