// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/integer/integer_input.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "devices/cpu/kernels/matrix/transpose_tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/integer/integer_input.cc"
#include "devices/cpu/kernels/simd/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
void WidenIntegers(const T* from, int64_t count, int32_t zero_point, uint8_t* to) {
  const hn::ScalableTag<int16_t> d;
  const hn::Rebind<T, decltype(d)> d8;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto zero = static_cast<int16_t>(zero_point);
  auto* const words = reinterpret_cast<int16_t*>(to);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto wide = hn::PromoteTo(d, hn::LoadU(d8, from + i));
    hn::StoreU(hn::Sub(wide, hn::Set(d, zero)), d, words + i);
  }
  for (; i < count; ++i) words[i] = static_cast<int16_t>(from[i] - zero_point);
}

void ShiftIntegers(const uint8_t* from, int64_t count, uint8_t* to) {
  const hn::ScalableTag<uint8_t> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Xor(hn::LoadU(d, from + i), hn::Set(d, uint8_t{0x80})), d, to + i);
  }
  for (; i < count; ++i) to[i] = from[i] ^ 0x80;
}

}  // namespace

void ConvertIntegersSimd(const IntegerConversion& conversion, const uint8_t* from, int64_t count,
                         uint8_t* to) {
  if (conversion.form == IntegerForm::kBytes) return ShiftIntegers(from, count, to);
  if (conversion.is_signed) {
    WidenIntegers(reinterpret_cast<const int8_t*>(from), count, conversion.zero_point, to);
  } else {
    WidenIntegers(from, count, conversion.zero_point, to);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void ConvertIntegers(const IntegerConversion& conversion, const uint8_t* from, int64_t count,
                     uint8_t* to) {
  if (conversion.IsCopy()) {
    if (to != from) std::memcpy(to, from, static_cast<size_t>(count));
    return;
  }
  MULLION_SIMD_CALL(ConvertIntegersSimd)(conversion, from, count, to);
}

namespace {

// Eight bytes at a time, which also writes on the pixels behind, before their turn; so not the last
// ones. Returns how many pixels are done.
int64_t ShiftPixels(uint64_t shift, const uint8_t* from, int64_t channels, int64_t pixels,
                    uint8_t* to, int64_t to_stride) {
  const int64_t whole = pixels - (8 + channels - 1) / channels;
  for (int64_t p = 0; p < whole; ++p) {
    for (int64_t c = 0; c < channels; c += 8) {
      uint64_t part;
      std::memcpy(&part, from + p * channels + c, sizeof(part));
      part ^= shift;
      std::memcpy(to + p * to_stride + c, &part, sizeof(part));
    }
  }
  return std::max<int64_t>(whole, 0);
}

}  // namespace

void ConvertPixels(const IntegerConversion& conversion, const uint8_t* from, int64_t channels,
                   int64_t pixels, uint8_t* to, int64_t to_stride) {
  if (to_stride == channels * ElementBytes(conversion.form)) {
    return ConvertIntegers(conversion, from, channels * pixels, to);
  }
  int64_t p = 0;
  // Of many channels each pixel is worth a call.
  if (conversion.form == IntegerForm::kBytes && channels <= 32) {
    const uint64_t shift = conversion.is_signed ? 0x8080808080808080u : 0;
    p = ShiftPixels(shift, from, channels, pixels, to, to_stride);
  }
  for (; p < pixels; ++p) {
    ConvertIntegers(conversion, from + p * channels, channels, to + p * to_stride);
  }
}

void GatherPixels(const IntegerConversion& conversion, const uint8_t* from, int64_t channels,
                  int64_t pixels, int64_t begin, int64_t end, uint8_t* to, int64_t to_stride) {
  // A tile and its transpose fit the first-level cache beside each other.
  constexpr int64_t kPixels = 64;
  constexpr int64_t kChannels = 128;
  uint8_t tile[kPixels * kChannels];
  const int64_t element = ElementBytes(conversion.form);
  for (int64_t pixel = begin; pixel < end; pixel += kPixels) {
    const int64_t columns = std::min(kPixels, end - pixel);
    uint8_t* const target = to + (pixel - begin) * to_stride;
    for (int64_t channel = 0; channel < channels; channel += kChannels) {
      const int64_t rows = std::min(kChannels, channels - channel);
      const bool in_place = conversion.IsCopy();
      uint8_t* const out = in_place ? target + channel : tile;
      TransposeTile(1, from + channel * pixels + pixel, pixels, out, in_place ? to_stride : rows,
                    static_cast<size_t>(rows), static_cast<size_t>(columns));
      if (in_place) continue;
      for (int64_t i = 0; i < columns; ++i) {
        ConvertIntegers(conversion, tile + i * rows, rows,
                        target + i * to_stride + channel * element);
      }
    }
  }
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
