// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elements.h"

#include <algorithm>
#include <cstdint>

#include "base/element_traits.h"
#include "devices/cpu/kernels/float_binary.h"
#include "devices/cpu/kernels/float_unary.h"
#include "devices/cpu/kernels/half.h"
#include "devices/cpu/kernels/number_binary.h"
#include "devices/cpu/kernels/number_unary.h"

namespace mullion::cpu {

namespace {

// Elements of a half type that are widened at once: three tiles of floats are 6 KiB of stack.
constexpr size_t kHalfTile = 512;

bool IsHalf(ElementType type) { return Contains(types::kHalfFloats, type); }

const uint16_t* HalfAt(const void* data, size_t i) {
  return static_cast<const uint16_t*>(data) + i;
}

// Widens what of the operand belongs to [begin, begin + count).
Operand<float> WidenOperand(ElementType type, AnyOperand from, size_t begin, size_t count,
                            float* tile) {
  const size_t first = from.step == 0 ? 0 : begin;
  WidenToFloat(type, HalfAt(from.data, first), tile, from.step == 0 ? 1 : count);
  return {tile, from.step};
}

void HalfUnary(const operators::ElementwiseStep& step, ElementType type, const void* x, void* y,
               size_t count) {
  alignas(64) float tile[kHalfTile];
  for (size_t begin = 0; begin < count; begin += kHalfTile) {
    const size_t n = std::min(kHalfTile, count - begin);
    WidenToFloat(type, HalfAt(x, begin), tile, n);
    FloatUnary(step, tile, tile, n);
    NarrowFromFloat(tile, type, static_cast<uint16_t*>(y) + begin, n);
  }
}

void HalfBinary(const operators::ElementwiseStep& step, ElementType type, AnyOperand a,
                AnyOperand b, void* y, size_t count) {
  alignas(64) float tile_a[kHalfTile];
  alignas(64) float tile_b[kHalfTile];
  alignas(64) float result[kHalfTile];
  for (size_t begin = 0; begin < count; begin += kHalfTile) {
    const size_t n = std::min(kHalfTile, count - begin);
    const Operand<float> wide_a = WidenOperand(type, a, begin, n, tile_a);
    const Operand<float> wide_b = WidenOperand(type, b, begin, n, tile_b);
    FloatBinary(step, wide_a, wide_b, result, n);
    NarrowFromFloat(result, type, static_cast<uint16_t*>(y) + begin, n);
  }
}

}  // namespace

void UnaryElements(const operators::ElementwiseStep& step, ElementType type, const void* x, void* y,
                   size_t count) {
  if (type == ElementType::kFloat) {
    return FloatUnary(step, static_cast<const float*>(x), static_cast<float*>(y), count);
  }
  if (type == ElementType::kDouble) {
    return DoubleUnary(step, static_cast<const double*>(x), static_cast<double*>(y), count);
  }
  if (IsHalf(type)) return HalfUnary(step, type, x, y, count);
  DispatchType(IntegerTypes{}, type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    IntegerUnary(step, static_cast<const T*>(x), static_cast<T*>(y), count);
  });
}

void BinaryElements(const operators::ElementwiseStep& step, ElementType type, AnyOperand a,
                    AnyOperand b, void* y, size_t count) {
  if (type == ElementType::kFloat) {
    return FloatBinary(step, a.As<float>(), b.As<float>(), static_cast<float*>(y), count);
  }
  if (type == ElementType::kDouble) {
    return NumberBinary(step, a.As<double>(), b.As<double>(), static_cast<double*>(y), count);
  }
  if (IsHalf(type)) return HalfBinary(step, type, a, b, y, count);
  DispatchType(IntegerTypes{}, type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    NumberBinary(step, a.As<T>(), b.As<T>(), static_cast<T*>(y), count);
  });
}

}  // namespace mullion::cpu
