// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/depthwise_strip.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/convolution/depthwise_strip.cc"
#include <algorithm>
#include <utility>

#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/elementwise/activation-inl.h"
#include "devices/cpu/kernels/simd/registers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Sums of three lines of six outputs, nine weights and an input: 28 registers.
inline constexpr bool kHasStrips = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON;

bool HasStrips() { return kHasStrips; }

using StripD = hn::ScalableTag<float>;
using StripV = hn::Vec<StripD>;

// Some outputs side by side, of one vector of channels.
template <int kPixels>
struct StripSums {
  // One that the compiler made would not be for this instruction set, as NEON's vectors want.
  HWY_INLINE StripSums() {}
  HWY_INLINE explicit StripSums(StripV start) {
#pragma GCC unroll 8
    for (int i = 0; i < kPixels; ++i) pixel[i] = start;
  }
  template <int kStride, int kColumn>
  HWY_INLINE void Add(StripV value, const StripV* weights) {
#pragma GCC unroll 4
    for (int tap = 0; tap < kStripKernel; ++tap) {
      const int p = (kColumn - tap) / kStride;
      if (kColumn >= tap && p * kStride == kColumn - tap && p < kPixels) {
        pixel[p] = hn::MulAdd(value, weights[tap], pixel[p]);
      }
    }
  }
  StripV pixel[kPixels];
};

// Some outputs of all lines of a strip, of one vector of channels.
template <int kStride, int kPixels>
class StripPixels {
 public:
  StripPixels(const DepthwiseStrip& strip, int64_t pixel, int64_t c) : strip_(strip) {
    const StripD d;
#pragma GCC unroll 9
    for (int tap = 0; tap < 9; ++tap) {
      weights_[tap] = hn::LoadU(d, strip.weights + tap * strip.weights_stride + c);
    }
    start_ = strip.bias == nullptr ? hn::Zero(d) : hn::LoadU(d, strip.bias + c);
    low_ = hn::Set(d, strip.low);
    high_ = hn::Set(d, strip.high);
    const int64_t first_input = pixel * kStride - strip.pad;
    has_first_ = first_input >= 0;
    has_last_ = first_input + kColumns <= strip.inputs;
    from_ = first_input * strip.input_step + c;
    to_ = pixel * strip.out_step + c;
    // What will be read next comes from the level 2 cache or further away, and is no stream.
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    ahead_ = c + lanes < strip.channels ? lanes : kPixels * kStride * strip.input_step - c;
  }

  HWY_INLINE void Run() {
    if constexpr (kStride == 1) {
      RunEveryLine();
    } else {
      RunEverySecondLine();
    }
  }

 private:
  using Sums = StripSums<kPixels>;
  static constexpr int kColumns = (kPixels - 1) * kStride + static_cast<int>(kStripKernel);
  using Inner = std::make_integer_sequence<int, kColumns - 2>;

  HWY_INLINE void RunEveryLine() {
    const int64_t count = strip_.line_count;
    Sums last(start_);
    Sums middle(start_);
    Sums first(start_);
    AddLine<false, false, true>(0, last, middle, first);
    for (int64_t i = 1; i < count; ++i) {
      last = middle;
      middle = first;
      first = Sums(start_);
      AddLine<true, true, true>(i, last, middle, first);
      if (i > 1) Store(last, i - 2);
    }
    last = middle;
    middle = first;
    AddLine<true, true, false>(count, last, middle, first);
    if (count > 1) Store(last, count - 2);
    AddLine<true, false, false>(count + 1, middle, last, first);
    Store(middle, count - 1);
  }

  HWY_INLINE void RunEverySecondLine() {
    const int64_t count = strip_.line_count;
    Sums next(start_);
    Sums sums(start_);
    AddLine<false, false, true>(0, next, next, sums);
    for (int64_t i = 0; i + 1 < count; ++i) {
      AddLine<false, true, false>(2 * i + 1, next, sums, next);
      next = Sums(start_);
      AddLine<true, false, true>(2 * i + 2, sums, sums, next);
      Store(sums, i);
      sums = next;
    }
    AddLine<false, true, false>(2 * count - 1, next, sums, next);
    AddLine<true, false, false>(2 * count, sums, next, next);
    Store(sums, count - 1);
  }

  // What line `i` of the input adds to the lines of outputs that it is a part of: as the kernel's
  // last line, its middle one and its first.
  template <bool kLast, bool kMiddle, bool kFirst>
  HWY_INLINE void AddLine(int64_t i, Sums& last, Sums& middle, Sums& first) {
    const float* const line = strip_.lines[static_cast<size_t>(i)];
    if (line != nullptr) AddColumns<kLast, kMiddle, kFirst>(line, last, middle, first, Inner());
  }
  template <bool kLast, bool kMiddle, bool kFirst, int... kInner>
  HWY_INLINE void AddColumns(const float* line, Sums& last, Sums& middle, Sums& first,
                             std::integer_sequence<int, kInner...> /*columns*/) {
    const float* from = line + from_;
    if (has_first_) {
      AddColumn<kLast, kMiddle, kFirst, 0>(from, last, middle, first);
    } else {
      from += strip_.input_step;
    }
    (AddColumn<kLast, kMiddle, kFirst, kInner + 1>(from, last, middle, first), ...);
    if (has_last_) AddColumn<kLast, kMiddle, kFirst, kColumns - 1>(from, last, middle, first);
  }
  // Walks along the line with one pointer: compilers would keep the address of each pixel.
  template <bool kLast, bool kMiddle, bool kFirst, int kColumn>
  HWY_INLINE void AddColumn(const float*& from, Sums& last, Sums& middle, Sums& first) {
    StripV value = hn::LoadU(StripD(), from);
    __builtin_prefetch(from + ahead_, 0, 3);
    from += strip_.input_step;
    if constexpr (HWY_TARGET == HWY_AVX3) {
      KeepInRegister(value);
      KeepPointer(from);
    }
    if constexpr (kLast) last.template Add<kStride, kColumn>(value, weights_ + 6);
    if constexpr (kMiddle) middle.template Add<kStride, kColumn>(value, weights_ + 3);
    if constexpr (kFirst) first.template Add<kStride, kColumn>(value, weights_);
  }

  HWY_INLINE void Store(const Sums& sums, int64_t line) const {
    const StripD d;
    float* out = strip_.out[static_cast<size_t>(line)] + to_;
#pragma GCC unroll 8
    for (int p = 0; p < kPixels; ++p, out += strip_.out_step) {
      hn::StoreU(AtMost(d, AtLeast(d, sums.pixel[p], low_), high_), d, out);
    }
  }

  const DepthwiseStrip& strip_;
  StripV weights_[9];
  StripV start_;
  StripV low_;
  StripV high_;
  bool has_first_;  // whether the first column is inside the image, and the last
  bool has_last_;
  int64_t from_;
  int64_t to_;
  int64_t ahead_;
};

template <int kStride, int kPixels>
HWY_NOINLINE void RunStripPixels(const DepthwiseStrip& strip, int64_t pixel, int64_t c) {
  StripPixels<kStride, kPixels>(strip, pixel, c).Run();
}

void RunStrip(const DepthwiseStrip& strip) {
  if constexpr (kHasStrips) {
    const auto lanes = static_cast<int64_t>(hn::Lanes(StripD()));
    const bool every = strip.stride == 1;
    const auto six = every ? &RunStripPixels<1, 6> : &RunStripPixels<2, 6>;
    const auto four = every ? &RunStripPixels<1, 4> : &RunStripPixels<2, 4>;
    // Sixes and up to two fours; one output is done twice where their number is odd.
    int64_t left = strip.pixels == 5 ? 8 : (strip.pixels + 1) / 2 * 2;
    for (int64_t pixel = 0; left > 0;) {
      const int64_t together = left % 6 == 0 || left > 8 ? 6 : 4;
      pixel = std::min(pixel, strip.pixels - together);
      for (int64_t next = 0; next < strip.channels; next += lanes) {
        // The last vector overlaps the one before it, so that no part of one is needed.
        (together == 6 ? six : four)(strip, pixel, std::min(next, strip.channels - lanes));
      }
      pixel += together;
      left -= together;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

bool HasDepthwiseStrips() { return MULLION_SIMD_CALL(HasStrips)(); }

void RunDepthwiseStrip(const DepthwiseStrip& strip) { MULLION_SIMD_CALL(RunStrip)(strip); }

}  // namespace mullion::cpu
#endif  // HWY_ONCE
