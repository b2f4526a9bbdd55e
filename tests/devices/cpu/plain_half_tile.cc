// SPDX-License-Identifier: MIT
#include "tests/devices/cpu/plain_half_tile.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/small_float.h"
#include "devices/cpu/kernels/matrix/half_tile.h"

namespace mullion::cpu {

double RoundToHalf(double x) {
  if (!std::isfinite(x) || x == 0) return x;
  const int exponent = std::max(std::ilogb(x), -14);
  const double rounded = std::ldexp(std::nearbyint(std::ldexp(x, 10 - exponent)), exponent - 10);
  return std::abs(rounded) <= 65504 ? rounded
                                    : std::copysign(std::numeric_limits<double>::infinity(), x);
}

namespace {

struct PlainHalves {
  using Halves = std::array<double, 2 * kHalfTileLanes>;

  static Halves Zero() { return {}; }
  static Halves Load(const float* pairs) {
    const auto* const halves = reinterpret_cast<const Float16*>(pairs);
    Halves values;
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<double>(static_cast<float>(halves[i]));
    }
    return values;
  }
  static Halves Broadcast(const float* pair) {
    const auto* const halves = reinterpret_cast<const Float16*>(pair);
    Halves values;
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<double>(static_cast<float>(halves[i % 2]));
    }
    return values;
  }
  // A product of halves is exact in double, and where a sum is not, it is far from the middle
  // between two halves: this rounds once.
  static Halves MulAdd(const Halves& a, const Halves& b, const Halves& c) {
    Halves values;
    for (size_t i = 0; i < values.size(); ++i) values[i] = RoundToHalf(a[i] * b[i] + c[i]);
    return values;
  }

  using Floats = std::array<float, kHalfTileLanes>;
  static Floats Sum(const Halves* halves) {
    Floats sums;
    for (size_t i = 0; i < sums.size(); ++i) {
      sums[i] =
          static_cast<float>((*halves)[i]) + static_cast<float>((*halves)[sums.size() + (i ^ 1)]);
    }
    return sums;
  }
  static Floats LoadFloats(const float* from) {
    Floats floats;
    std::copy(from, from + kHalfTileLanes, floats.begin());
    return floats;
  }
  static void Store(const Floats& x, float* to) { std::copy(x.begin(), x.end(), to); }
  static Floats Add(Floats a, const Floats& b) {
    for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
    return a;
  }
  static Floats AtLeast(Floats x, float low) {
    for (float& value : x) value = low > value ? low : value;
    return x;
  }
  static Floats AtMost(Floats x, float high) {
    for (float& value : x) value = high < value ? high : value;
    return x;
  }
};

}  // namespace

TileFunction FindPlainHalfTile(int vectors, int rows) {
  return FindHalfTile<PlainHalves>(vectors, rows);
}

}  // namespace mullion::cpu
