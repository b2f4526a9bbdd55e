// SPDX-License-Identifier: MIT
#include "tools/compare.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>

#include "base/element_traits.h"
#include "base/str_cat.h"

namespace mullion::tools {

namespace {

double AsDouble(float x) { return x; }
double AsDouble(double x) { return x; }
double AsDouble(Float16 x) { return static_cast<float>(x); }
double AsDouble(Bfloat16 x) { return static_cast<float>(x); }

// max - min of what is finite; 0 when nothing is.
template <typename T>
double RangeOf(std::span<const T> values) {
  double low = INFINITY;
  double high = -INFINITY;
  for (const T value : values) {
    const double x = AsDouble(value);
    if (!std::isfinite(x)) continue;
    low = std::min(low, x);
    high = std::max(high, x);
  }
  return high >= low ? high - low : 0;
}

void Fail(Comparison& result, const std::string& detail) {
  if (result.ok) result.detail = detail;
  result.ok = false;
}

template <typename T>
void CompareFloats(std::span<const T> actual, std::span<const T> expected,
                   const Tolerance& tolerance, Comparison& result) {
  const double slack = tolerance.atol + tolerance.atol_range * RangeOf(expected);
  for (size_t i = 0; i < actual.size(); ++i) {
    const double a = AsDouble(actual[i]);
    const double b = AsDouble(expected[i]);
    if (std::isnan(a) && std::isnan(b)) continue;
    if (std::isfinite(a) && std::isfinite(b)) {
      const double difference = std::abs(a - b);
      result.max_abs = std::max(result.max_abs, difference);
      if (b != 0) result.max_rel = std::max(result.max_rel, difference / std::abs(b));
      if (difference <= slack + tolerance.rtol * std::abs(b)) continue;
    } else if (a == b) {
      continue;
    }
    Fail(result, StrCat("element ", i, " is ", a, " where ", b, " is expected"));
  }
}

void CompareExactly(const TensorView& actual, const TensorView& expected, Comparison& result) {
  // Whole bytes; the padding of packed types is zero on both sides by ONNX's rules, but only the
  // elements count.
  const int bits = ElementBits(actual.type);
  const int64_t count = actual.count();
  const auto* const a = actual.as<uint8_t>();
  const auto* const b = expected.as<uint8_t>();
  for (int64_t i = 0; i < count; ++i) {
    bool equal = false;
    if (bits >= 8) {
      const auto size = static_cast<size_t>(bits / 8);
      equal = std::memcmp(a + static_cast<size_t>(i) * size, b + static_cast<size_t>(i) * size,
                          size) == 0;
    } else {
      const int per_byte = 8 / bits;
      const auto shift = static_cast<int>(i % per_byte) * bits;
      const int mask = (1 << bits) - 1;
      equal = ((a[i / per_byte] >> shift) & mask) == ((b[i / per_byte] >> shift) & mask);
    }
    if (!equal) return Fail(result, StrCat("element ", i, " differs"));
  }
}

}  // namespace

Comparison CompareTensors(const TensorView& actual, const TensorView& expected,
                          const Tolerance& tolerance) {
  Comparison result;
  if (actual.type != expected.type || !(actual.shape == expected.shape)) {
    Fail(result, StrCat("it is ", Describe(actual), " where ", Describe(expected), " is expected"));
    return result;
  }
  if (actual.type == ElementType::kString) {
    const auto a = actual.span<std::string>();
    const auto b = expected.span<std::string>();
    for (size_t i = 0; i < a.size(); ++i) {
      if (a[i] != b[i]) {
        Fail(result, StrCat("element ", i, " is '", a[i], "' where '", b[i], "' is expected"));
        break;
      }
    }
    return result;
  }
  const bool floats = DispatchType(FloatTypes{}, actual.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    CompareFloats(actual.span<T>(), expected.span<T>(), tolerance, result);
  });
  if (!floats) CompareExactly(actual, expected, result);
  return result;
}

}  // namespace mullion::tools
