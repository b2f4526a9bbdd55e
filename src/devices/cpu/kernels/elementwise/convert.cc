// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/convert.h"

#include <algorithm>
#include <cstring>

#include "base/element_traits.h"
#include "base/packed.h"
#include "devices/cpu/kernels/elementwise/convert_direct.h"
#include "devices/cpu/kernels/elementwise/convert_value.h"
#include "devices/cpu/kernels/elementwise/half.h"
#include "devices/cpu/kernels/simd/for_elements.h"

namespace mullion::cpu {

namespace {

// Pairs without a loop of their own go through a tile of a wide type that holds every value of the
// source: float, double, int32, int64 or uint64. A multiple of 8 elements keeps packed types at
// whole bytes.
constexpr size_t kTile = 512;

union Tile {
  float as_float[kTile];
  double as_double[kTile];
  int32_t as_int32[kTile];
  int64_t as_int64[kTile];
  uint64_t as_uint64[kTile];
};

using SmallIntegers = TypeList<bool, int8_t, int16_t, uint8_t, uint16_t>;

// Of integers the low bits are taken, signed or not; of floats too, but that int32 takes the nearer
// end of its own.
template <typename Wide>
using TargetsOf = std::conditional_t<
    std::is_floating_point_v<Wide>,
    TypeList<bool, uint8_t, uint16_t, uint32_t, uint64_t, int32_t, int64_t, float, double>,
    std::conditional_t<std::is_signed_v<Wide>,
                       TypeList<bool, uint8_t, uint16_t, uint32_t, uint64_t, float, double>,
                       TypeList<float, double>>>;

template <typename Wide>
ElementType SameBitsAs(ElementType to) {
  const bool has_an_end = to == ElementType::kInt32 || to == ElementType::kInt64;
  return std::is_floating_point_v<Wide> && has_an_end ? to : UnsignedOf(to);
}

bool IsPackedInteger(ElementType type) {
  return IsSubByte(type) && type != ElementType::kFloat4E2M1;
}

bool IsSmallFloat(ElementType type) {
  return Contains(types::kFloat8, type) || type == ElementType::kFloat4E2M1;
}

const std::byte* ElementAt(const void* data, ElementType type, size_t i) {
  return static_cast<const std::byte*>(data) + ByteSize(type, static_cast<int64_t>(i));
}

template <typename From, typename To>
void WidenRow(const From* x, To* y, size_t count) {
  ForElements(count, [=](size_t i) { y[i] = static_cast<To>(x[i]); });
}

void WidenSmallIntegers(ElementType from, const void* x, int32_t* y, size_t count) {
  DispatchType(SmallIntegers{}, from, [&](auto tag) {
    WidenRow(static_cast<const typename decltype(tag)::type*>(x), y, count);
  });
}

// The codes of a type of 8 or fewer bits, one a byte.
const uint8_t* Codes(ElementType type, const void* x, size_t count, uint8_t* unpacked) {
  if (!IsSubByte(type)) return static_cast<const uint8_t*>(x);
  UnpackElements(type, x, unpacked, static_cast<int64_t>(count));
  return unpacked;
}

// Fills the tile and says of which type.
ElementType Widen(ElementType from, ElementType to, const void* x, size_t count, Tile& tile) {
  uint8_t unpacked[kTile];
  if (from == ElementType::kFloat) {
    std::memcpy(tile.as_float, x, count * sizeof(float));
    return ElementType::kFloat;
  }
  if (from == ElementType::kDouble || from == ElementType::kUint64) {
    std::memcpy(&tile, x, count * sizeof(double));
    return from;
  }
  if (Contains(types::kHalfFloats, from)) {
    WidenToFloat(from, x, tile.as_float, count);
    return ElementType::kFloat;
  }
  if (IsSmallFloat(from)) {
    const float* const values = SmallFloatValues(from);
    const uint8_t* const codes = Codes(from, x, count, unpacked);
    for (size_t i = 0; i < count; ++i) tile.as_float[i] = values[codes[i]];
    return ElementType::kFloat;
  }
  if (IsPackedInteger(from)) {
    const uint8_t* const codes = Codes(from, x, count, unpacked);
    const bool is_signed = from == ElementType::kInt4 || from == ElementType::kInt2;
    for (size_t i = 0; i < count; ++i) {
      tile.as_int32[i] = is_signed ? static_cast<int8_t>(codes[i]) : codes[i];
    }
    return ElementType::kInt32;
  }
  if (from == ElementType::kInt64) {
    std::memcpy(tile.as_int64, x, count * sizeof(int64_t));
    return from;
  }
  // Where no more than the low bits count, or whether one is set, signs do not.
  const bool takes_bits = to == ElementType::kBool || (IsInteger(to) && ElementBits(to) <= 32);
  if (from == ElementType::kInt32 || (from == ElementType::kUint32 && takes_bits)) {
    std::memcpy(tile.as_int32, x, count * sizeof(int32_t));
    return ElementType::kInt32;
  }
  if (from == ElementType::kUint32) {
    WidenRow(static_cast<const uint32_t*>(x), tile.as_int64, count);
    return ElementType::kInt64;
  }
  WidenSmallIntegers(from, x, tile.as_int32, count);
  return ElementType::kInt32;
}

// Floating-point numbers round to even before their low bits are taken (ONNX, "4 bit integer
// types"), integers have nothing to round.
template <typename Wide>
uint8_t PackedCode(Wide v) {
  if constexpr (std::is_floating_point_v<Wide>) {
    return ConvertValue<uint8_t>(std::nearbyint(v));
  } else {
    return static_cast<uint8_t>(v);
  }
}

// A float that rounds to fewer places as the number itself does. Integers beyond 2^53 are rounded
// once more, 40 places below those that matter.
template <typename Wide>
float NearFloat(Wide v) {
  if constexpr (std::is_same_v<Wide, float>) return v;
  return RoundToOdd(static_cast<double>(v));
}

template <typename Wide>
uint8_t SmallFloatCode(ElementType to, Wide v, const ConvertOptions& options) {
  if (to == ElementType::kFloat8E8M0) {
    return FloatToScale(NearFloat(v), options.saturate, options.rounding);
  }
  return FloatToSmallFloat(to, NearFloat(v), options.saturate);
}

template <typename Wide>
void NarrowToHalf(const Wide* tile, ElementType to, void* y, size_t count) {
  if constexpr (std::is_same_v<Wide, float>) {
    NarrowFromFloat(tile, to, y, count);
  } else {
    float near[kTile];
    for (size_t i = 0; i < count; ++i) near[i] = NearFloat(tile[i]);
    NarrowFromFloat(near, to, y, count);
  }
}

template <typename Wide>
void NarrowTile(const Wide* tile, ElementType to, void* y, size_t count,
                const ConvertOptions& options) {
  if (Contains(types::kHalfFloats, to)) return NarrowToHalf(tile, to, y, count);
  if (!IsSmallFloat(to) && !IsPackedInteger(to)) {
    DispatchType(TargetsOf<Wide>{}, SameBitsAs<Wide>(to), [&](auto tag) {
      using To = typename decltype(tag)::type;
      To* const to_elements = static_cast<To*>(y);
      ForElements(count, [=](size_t i) { to_elements[i] = ConvertValue<To>(tile[i]); });
    });
    return;
  }
  uint8_t codes[kTile];
  uint8_t* const to_codes = IsSubByte(to) ? codes : static_cast<uint8_t*>(y);
  for (size_t i = 0; i < count; ++i) {
    to_codes[i] = IsSmallFloat(to) ? SmallFloatCode(to, tile[i], options) : PackedCode(tile[i]);
  }
  if (IsSubByte(to)) PackElements(to, codes, y, static_cast<int64_t>(count));
}

}  // namespace

void ConvertElements(ElementType from, const void* x, ElementType to, void* y, size_t count,
                     const ConvertOptions& options) {
  if (from == to) {
    if (x != y) std::memcpy(y, x, ByteSize(from, static_cast<int64_t>(count)));
    return;
  }
  if (ConvertDirectly(from, x, to, y, count)) return;
  if (Contains(SmallIntegers::kSet, from) && UnsignedOf(to) == ElementType::kUint32) {
    return WidenSmallIntegers(from, x, static_cast<int32_t*>(y), count);
  }
  for (size_t begin = 0; begin < count; begin += kTile) {
    const size_t n = std::min(kTile, count - begin);
    Tile tile;
    const ElementType wide = Widen(from, to, ElementAt(x, from, begin), n, tile);
    auto* const out = const_cast<std::byte*>(ElementAt(y, to, begin));
    if (wide == ElementType::kFloat) {
      NarrowTile(tile.as_float, to, out, n, options);
    } else if (wide == ElementType::kDouble) {
      NarrowTile(tile.as_double, to, out, n, options);
    } else if (wide == ElementType::kInt32) {
      NarrowTile(tile.as_int32, to, out, n, options);
    } else if (wide == ElementType::kInt64 ||
               !(Contains(types::kAllFloats, to) || IsSmallFloat(to))) {
      NarrowTile(tile.as_int64, to, out, n, options);
    } else {
      NarrowTile(tile.as_uint64, to, out, n, options);
    }
  }
}

}  // namespace mullion::cpu
