// SPDX-License-Identifier: MIT
// Every pair of element types, number by number.
#include "devices/cpu/kernels/elementwise/convert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "base/element_traits.h"
#include "base/packed.h"
#include "devices/cpu/kernels/simd/isa.h"

namespace mullion::cpu {
namespace {

using enum ElementType;

constexpr ElementType kConvertible[] = {
    kFloat,      kUint8,          kInt8,           kUint16, kInt16,  kInt32,
    kInt64,      kBool,           kFloat16,        kDouble, kUint32, kUint64,
    kBfloat16,   kFloat8E4M3FN,   kFloat8E5M2,     kUint4,  kInt4,   kFloat4E2M1,
    kFloat8E8M0, kFloat8E4M3FNUZ, kFloat8E5M2FNUZ, kUint2,  kInt2};

constexpr double kTwo31 = 2147483648.0;
constexpr double kTwo63 = 9223372036854775808.0;

bool IsSmall(ElementType type) { return Contains(types::kFloat8, type) || type == kFloat4E2M1; }

// A number of any type. Integers are their 64 bits in two's complement.
struct ConvertedNumber {
  bool is_real;
  bool is_unsigned;
  double real;
  uint64_t bits;
};

template <typename T>
T ElementOf(const void* x, size_t i) {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(x) + i * sizeof(T), sizeof(T));
  return value;
}

ConvertedNumber Read(ElementType type, const void* x, size_t i) {
  if (IsSubByte(type)) {
    std::vector<uint8_t> codes(i + 1);
    UnpackElements(type, x, codes.data(), static_cast<int64_t>(i + 1));
    if (type == kFloat4E2M1) return {true, false, SmallFloatValues(type)[codes[i]], 0};
    const bool is_signed = type == kInt4 || type == kInt2;
    const auto value = is_signed ? static_cast<int8_t>(codes[i]) : int64_t{codes[i]};
    return {false, false, 0, static_cast<uint64_t>(value)};
  }
  if (IsSmall(type)) return {true, false, SmallFloatValues(type)[ElementOf<uint8_t>(x, i)], 0};
  if (type == kBool) return {false, true, 0, ElementOf<uint8_t>(x, i)};
  ConvertedNumber number{};
  DispatchType(NumericTypes{}, type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T value = ElementOf<T>(x, i);
    if constexpr (std::is_integral_v<T>) {
      number = {false, std::is_unsigned_v<T>, 0, static_cast<uint64_t>(value)};
    } else if constexpr (std::is_same_v<T, double>) {
      number = {true, false, value, 0};
    } else {
      number = {true, false, static_cast<float>(value), 0};
    }
  });
  return number;
}

// The nearer end for what is beyond, 0 for NaN.
int64_t Whole(double v, double end, int64_t lowest, int64_t largest) {
  if (std::isnan(v)) return 0;
  if (v >= end) return largest;
  return v < -end ? lowest : static_cast<int64_t>(v);
}

uint64_t IntegerBits(const ConvertedNumber& number, ElementType to) {
  if (!number.is_real) return number.bits;
  if (to == kUint64 && number.real >= kTwo63) {
    return number.real >= 2 * kTwo63 ? ~uint64_t{0} : static_cast<uint64_t>(number.real);
  }
  const double v = IsSubByte(to) ? std::nearbyint(number.real) : number.real;
  if (ElementBits(to) <= 16 || to == kInt32) {
    return static_cast<uint64_t>(
        Whole(v, kTwo31, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
  }
  return static_cast<uint64_t>(
      Whole(v, kTwo63, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()));
}

float ExpectedFloat(const ConvertedNumber& number) {
  if (number.is_real) return static_cast<float>(number.real);
  return number.is_unsigned ? static_cast<float>(number.bits)
                            : static_cast<float>(static_cast<int64_t>(number.bits));
}

double ExpectedDouble(const ConvertedNumber& number) {
  if (number.is_real) return number.real;
  return number.is_unsigned ? static_cast<double>(number.bits)
                            : static_cast<double>(static_cast<int64_t>(number.bits));
}

// A float on the same side of everything that has fewer places.
float NearFloat(double v) {
  const auto nearest = static_cast<float>(v);
  if (std::isnan(v) || static_cast<double>(nearest) == v) return nearest;
  const bool beyond = std::fabs(static_cast<double>(nearest)) > std::fabs(v);
  const float towards_zero = beyond ? std::nextafter(nearest, 0.0f) : nearest;
  return BitCast<float>(BitCast<uint32_t>(towards_zero) | 1u);
}

// The bits of one element, packed ones in the low bits.
uint64_t ExpectedBits(const ConvertedNumber& number, ElementType to,
                      const ConvertOptions& options) {
  if (to == kBool) return number.is_real ? number.real != 0 : number.bits != 0;
  if (to == kFloat) return BitCast<uint32_t>(ExpectedFloat(number));
  const double real = ExpectedDouble(number);
  if (to == kDouble) return BitCast<uint64_t>(real);
  const float near = NearFloat(real);
  if (to == kFloat16) return Float16(near).bits;
  if (to == kBfloat16) return Bfloat16(near).bits;
  if (to == kFloat8E8M0) return FloatToScale(near, options.saturate, options.rounding);
  if (IsSmall(to)) return FloatToSmallFloat(*SmallFloatFormatOf(to), near, options.saturate);
  const int bits = ElementBits(to);
  const uint64_t whole = IntegerBits(number, to);
  return bits == 64 ? whole : whole & ((uint64_t{1} << bits) - 1);
}

bool IsNanOf(ElementType type, uint64_t bits) {
  if (type == kFloat) return std::isnan(BitCast<float>(static_cast<uint32_t>(bits)));
  if (type == kDouble) return std::isnan(BitCast<double>(bits));
  if (type == kFloat16) return std::isnan(static_cast<float>(Float16::FromBits(bits & 0xffff)));
  if (type == kBfloat16) return std::isnan(static_cast<float>(Bfloat16::FromBits(bits & 0xffff)));
  return false;
}

// Random bits, small numbers, and what lies at the ends of types.
template <typename Real>
void FillReals(std::vector<uint64_t>& to, size_t count) {
  constexpr Real kInfinity = std::numeric_limits<Real>::infinity();
  const Real edges[] = {std::numeric_limits<Real>::quiet_NaN(),
                        kInfinity,
                        -kInfinity,
                        0,
                        -Real{0},
                        Real(kTwo31),
                        Real(-kTwo31),
                        Real(kTwo31 - 1),
                        Real(-kTwo31 - 1),
                        Real(kTwo31 - 0.5),
                        Real(2 * kTwo31),
                        Real(kTwo63),
                        Real(-kTwo63),
                        Real(2 * kTwo63),
                        Real(-2 * kTwo63),
                        Real(1e-45),
                        Real(3.4e38),
                        Real(0.5),
                        Real(-1.5),
                        Real(2.5),
                        448,
                        464,
                        480,
                        57344,
                        61440,
                        65504,
                        65520};
  std::mt19937_64 random(3);
  std::vector<Real> values(count);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t bits = random();
    const auto whole = static_cast<Real>(static_cast<int64_t>(random()));
    if (i % 4 == 0) std::memcpy(&values[i], &bits, sizeof(Real));
    if (i % 4 == 1) values[i] = edges[i / 4 % std::size(edges)];
    if (i % 4 == 2) values[i] = std::ldexp(whole, -static_cast<int>(bits % 90));
    if (i % 4 == 3) values[i] = static_cast<Real>(static_cast<int64_t>(bits % 801) - 400) / 4;
  }
  std::memcpy(to.data(), values.data(), count * sizeof(Real));
}

// `count` elements and some to spare.
std::vector<uint64_t> SourceOf(ElementType type, size_t count) {
  std::vector<uint64_t> source(count + 1);
  std::mt19937_64 random(static_cast<uint64_t>(type));
  for (size_t i = 0; i < source.size(); ++i) source[i] = random() >> (i % 3 * 16);
  if (type == kFloat) FillReals<float>(source, count);
  if (type == kDouble) FillReals<double>(source, count);
  if (type == kBool) {
    for (uint64_t& word : source) word &= 0x0101010101010101u;
  }
  return source;
}

uint64_t BitsAt(ElementType type, const std::vector<uint8_t>& elements, size_t i) {
  const auto bits = static_cast<size_t>(ElementBits(type));
  if (bits == 4) return PackedBits<4>(elements.data(), static_cast<int64_t>(i));
  if (bits == 2) return PackedBits<2>(elements.data(), static_cast<int64_t>(i));
  uint64_t value = 0;
  std::memcpy(&value, elements.data() + i * bits / 8, bits / 8);
  return value;
}

class Convert : public testing::TestWithParam<ElementType> {};

void ExpectConverted(ElementType from, ElementType to, const ConvertOptions& options) {
  constexpr size_t kMost = 1223;
  const std::vector<uint64_t> source = SourceOf(from, kMost);
  const auto* const bytes = reinterpret_cast<const uint8_t*>(source.data());
  const std::vector<uint8_t> elements(bytes, bytes + source.size() * sizeof(uint64_t));
  std::vector<uint64_t> expected(kMost);
  for (size_t i = 0; i < kMost; ++i) {
    expected[i] = from == to ? BitsAt(from, elements, i)
                             : ExpectedBits(Read(from, source.data(), i), to, options);
  }
  for (const size_t count : {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{65}, kMost}) {
    const size_t size = ByteSize(to, static_cast<int64_t>(count));
    std::vector<uint8_t> y(size + 8, 0xa5);
    // Memory that ends where the elements do.
    const size_t source_size = ByteSize(from, static_cast<int64_t>(count));
    std::vector<uint8_t> x(source_size);
    if (count > 0) std::memcpy(x.data(), source.data(), source_size);
    ConvertElements(from, x.data(), to, y.data(), count, options);
    for (size_t i = 0; i < count; ++i) {
      const uint64_t bits = BitsAt(to, y, i);
      if (IsNanOf(to, expected[i]) && IsNanOf(to, bits)) continue;
      ASSERT_EQ(bits, expected[i])
          << ElementTypeName(from) << " to " << ElementTypeName(to) << ", element " << i << " of "
          << count << " on " << IsaName(CurrentIsa());
    }
    for (size_t i = size; i < y.size(); ++i) ASSERT_EQ(y[i], 0xa5);
  }
}

TEST_P(Convert, GivesWhatOneNumberAtATimeDoes) {
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    for (const ElementType to : kConvertible) {
      ExpectConverted(GetParam(), to, {});
      if (!IsSmall(to)) continue;
      for (const ScaleRounding rounding :
           {ScaleRounding::kUp, ScaleRounding::kDown, ScaleRounding::kNearest}) {
        ExpectConverted(GetParam(), to, {.saturate = false, .rounding = rounding});
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Convert, testing::ValuesIn(kConvertible),
                         [](const auto& type) { return std::string(ElementTypeName(type.param)); });

}  // namespace
}  // namespace mullion::cpu
