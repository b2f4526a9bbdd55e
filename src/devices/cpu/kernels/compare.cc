// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/compare.h"

#include <algorithm>

#include "base/element_traits.h"
#include "devices/cpu/kernels/half.h"

namespace mullion::cpu {

namespace {

template <typename T>
void CompareRows(CompareOp op, Operand<T> a, Operand<T> b, bool* y, size_t count) {
  switch (op) {
    case CompareOp::kEqual:
      return ForOperandRows(a, b, y, count, [](T p, T q) { return p == q; });
    case CompareOp::kLess:
      return ForOperandRows(a, b, y, count, [](T p, T q) { return p < q; });
    case CompareOp::kLessOrEqual:
      return ForOperandRows(a, b, y, count, [](T p, T q) { return p <= q; });
  }
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
