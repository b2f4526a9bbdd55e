// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/elements.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/element_traits.h"
#include "devices/cpu/kernels/elementwise/convert.h"
#include "devices/cpu/kernels/elementwise/float_binary.h"
#include "devices/cpu/kernels/elementwise/float_unary.h"
#include "devices/cpu/kernels/elementwise/half.h"
#include "devices/cpu/kernels/elementwise/number_binary.h"
#include "devices/cpu/kernels/elementwise/number_unary.h"

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

// Elements of integers that go through memory between two operations: 8 KiB of stack at most.
constexpr size_t kIntegerTile = 1024;

constexpr uint64_t kZero = 0;  // of every type

AnyOperand PartOf(AnyOperand whole, ElementType type, size_t begin) {
  const size_t offset = whole.step == 0 ? 0 : ByteSize(type, static_cast<int64_t>(begin));
  return {static_cast<const std::byte*>(whole.data) + offset, whole.step};
}

// By way of double. What leaves the range of the type wraps.
void ShrinkOrErf(const operators::ElementwiseStep& step, ElementType type, const void* x, void* y,
                 size_t count) {
  double wide[kIntegerTile];
  int64_t whole[kIntegerTile];
  ConvertElements(type, x, ElementType::kDouble, wide, count);
  DoubleUnary(step, wide, wide, count);
  ConvertElements(ElementType::kDouble, wide, ElementType::kInt64, whole, count);
  ConvertElements(ElementType::kInt64, whole, type, y, count);
}

void IntegerUnary(const operators::ElementwiseStep& step, ElementType type, const void* x, void* y,
                  size_t count) {
  using Op = operators::ElementwiseOp;
  if (step.op == Op::kErf || step.op == Op::kShrink) {
    for (size_t begin = 0; begin < count; begin += kIntegerTile) {
      const size_t offset = ByteSize(type, static_cast<int64_t>(begin));
      ShrinkOrErf(step, type, static_cast<const std::byte*>(x) + offset,
                  static_cast<std::byte*>(y) + offset, std::min(kIntegerTile, count - begin));
    }
  } else if (Contains(types::kSigned, type)) {
    SignedUnary(step.op, type, x, y, count);
  } else if (step.op == Op::kSign) {
    const int64_t number = 1;
    uint64_t one = 0;
    ConvertElements(ElementType::kInt64, &number, type, &one, 1);
    NumberBinary({Op::kMin}, type, {x, 1}, {&one, 0}, y, count);
  } else if (x != y) {
    std::memcpy(y, x, ByteSize(type, static_cast<int64_t>(count)));
  }
}

// x < 0 ? x slope : x, of at most kIntegerTile elements: max(x, 0) + min(x, 0) slope.
void IntegerPRelu(ElementType type, AnyOperand x, AnyOperand slope, void* y, size_t count) {
  using Op = operators::ElementwiseOp;
  uint64_t part[kIntegerTile];
  uint64_t rest[kIntegerTile];
  const AnyOperand zero{&kZero, 0};
  const size_t own = x.step == 0 ? 1 : count;
  NumberBinary({Op::kMin}, type, {x.data, 1}, zero, part, own);
  NumberBinary({Op::kMul}, type, {part, x.step}, slope, rest, count);
  NumberBinary({Op::kMax}, type, {x.data, 1}, zero, part, own);
  NumberBinary({Op::kAdd}, type, {part, x.step}, {rest, 1}, y, count);
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
  IntegerUnary(step, type, x, y, count);
}

void BinaryElements(const operators::ElementwiseStep& step, ElementType type, AnyOperand a,
                    AnyOperand b, void* y, size_t count) {
  if (type == ElementType::kFloat) {
    return FloatBinary(step, a.As<float>(), b.As<float>(), static_cast<float*>(y), count);
  }
  if (IsHalf(type)) return HalfBinary(step, type, a, b, y, count);
  if (step.op == operators::ElementwiseOp::kPRelu && type != ElementType::kDouble) {
    for (size_t begin = 0; begin < count; begin += kIntegerTile) {
      IntegerPRelu(type, PartOf(a, type, begin), PartOf(b, type, begin),
                   static_cast<std::byte*>(y) + ByteSize(type, static_cast<int64_t>(begin)),
                   std::min(kIntegerTile, count - begin));
    }
    return;
  }
  NumberBinary(step, type, a, b, y, count);
}

}  // namespace mullion::cpu
