// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/compare.h"

#include <algorithm>

#include "base/element_traits.h"
#include "devices/cpu/kernels/for_elements.h"
#include "devices/cpu/kernels/half.h"

namespace mullion::cpu {

namespace {

template <typename T, typename Function>
void Row(const T* a, const T* b, bool* y, size_t count, Function function) {
  ForElements(count, [=](size_t i) { y[i] = function(a[i], b[i]); });
}

template <typename T>
void CompareRows(CompareOp op, Operand<T> a, Operand<T> b, bool* y, size_t count) {
  ForContiguousParts(a, b, count, [=](const T* p, const T* q, size_t begin, size_t n) {
    switch (op) {
      case CompareOp::kEqual:
        return Row(p, q, y + begin, n, [](T v, T w) { return v == w; });
      case CompareOp::kLess:
        return Row(p, q, y + begin, n, [](T v, T w) { return v < w; });
      case CompareOp::kLessOrEqual:
        return Row(p, q, y + begin, n, [](T v, T w) { return v <= w; });
    }
  });
}

Operand<float> WidenOperand(ElementType type, AnyOperand from, size_t begin, size_t count,
                            float* tile) {
  const size_t first = from.step == 0 ? 0 : begin;
  WidenToFloat(type, static_cast<const uint16_t*>(from.data) + first, tile,
               from.step == 0 ? 1 : count);
  return {tile, from.step};
}

void CompareHalves(CompareOp op, ElementType type, AnyOperand a, AnyOperand b, bool* y,
                   size_t count) {
  constexpr size_t kTile = 512;
  float tile_a[kTile];
  float tile_b[kTile];
  for (size_t begin = 0; begin < count; begin += kTile) {
    const size_t n = std::min(kTile, count - begin);
    CompareRows(op, WidenOperand(type, a, begin, n, tile_a),
                WidenOperand(type, b, begin, n, tile_b), y + begin, n);
  }
}

using PlainTypes = TypeList<float, double, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t,
                            uint32_t, uint64_t>;

}  // namespace

void CompareElements(CompareOp op, ElementType type, AnyOperand a, AnyOperand b, bool* y,
                     size_t count) {
  if (Contains(types::kHalfFloats, type)) return CompareHalves(op, type, a, b, y, count);
  if (type == ElementType::kBool) type = ElementType::kUint8;
  DispatchType(PlainTypes{}, type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    CompareRows(op, a.As<T>(), b.As<T>(), y, count);
  });
}

}  // namespace mullion::cpu
