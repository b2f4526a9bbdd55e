// SPDX-License-Identifier: MIT
// CumSum and CumProd.
#include <algorithm>
#include <type_traits>

#include "base/element_traits.h"
#include "devices/cpu/kernels/elementwise/half.h"
#include "devices/cpu/kernels/simd/for_elements.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/wrapping.h"
#include "operators/int_list.h"

namespace mullion::cpu {

namespace {

struct Add {
  static constexpr int kStart = 0;
  template <typename T>
  static T Apply(T a, T b) {
    return a + b;
  }
};

struct Multiply {
  static constexpr int kStart = 1;
  template <typename T>
  static T Apply(T a, T b) {
    return a * b;
  }
};

// data[outer, n, inner], accumulated along n.
struct Extents {
  int64_t n;
  int64_t inner;
  bool exclusive;
  bool reverse;
};

// Columns [begin, end) of one outer index, all steps: a single column with the total in a register,
// several of them row by row, which vectorizes. Both round every step to T, so that the result does
// not hang on how columns are shared out.
template <typename T, typename Op>
void Accumulate(const Extents& extents, const void* in, void* out, int64_t begin, int64_t end) {
  using W = Wrapping<T>;
  const int64_t first = extents.reverse ? extents.n - 1 : 0;
  const int64_t step = extents.reverse ? -extents.inner : extents.inner;
  const T* from = static_cast<const T*>(in) + first * extents.inner;
  T* to = static_cast<T*>(out) + first * extents.inner;
  if (end - begin == 1) {
    W total = static_cast<W>(Op::kStart);
    for (int64_t i = 0; i < extents.n; ++i) {
      const W next = Op::template Apply<W>(total, static_cast<W>(from[begin]));
      to[begin] = static_cast<T>(extents.exclusive ? total : next);
      total = static_cast<W>(static_cast<T>(next));
      from += step;
      to += step;
    }
    return;
  }
  const auto width = static_cast<size_t>(end - begin);
  if (extents.exclusive) {
    std::fill(to + begin, to + end, static_cast<T>(static_cast<W>(Op::kStart)));
  } else {
    std::copy(from + begin, from + end, to + begin);
  }
  for (int64_t i = 1; i < extents.n; ++i) {
    const T* const before = to + begin;
    to += step;
    const T* const value = (extents.exclusive ? from : from + step) + begin;
    from += step;
    T* const sums = to + begin;
    ForElements(width, [=](size_t j) {
      sums[j] = static_cast<T>(
          Op::template Apply<W>(static_cast<W>(before[j]), static_cast<W>(value[j])));
    });
  }
}

// Of a half type: totals are floats, and rounded as they are written only.
constexpr size_t kCumulativeTile = 512;

template <typename T, typename Op>
void AccumulateHalves(const Extents& extents, const void* in, void* out, int64_t begin,
                      int64_t end) {
  const int64_t first = extents.reverse ? extents.n - 1 : 0;
  const int64_t step = extents.reverse ? -extents.inner : extents.inner;
  alignas(64) float totals[kCumulativeTile];
  alignas(64) float values[kCumulativeTile];
  if (extents.inner == 1) {
    float total = static_cast<float>(Op::kStart);
    for (int64_t i = 0; i < extents.n; i += kCumulativeTile) {
      const auto count = static_cast<size_t>(std::min<int64_t>(kCumulativeTile, extents.n - i));
      const int64_t low = extents.reverse ? extents.n - i - static_cast<int64_t>(count) : i;
      WidenToFloat(static_cast<const T*>(in) + low, values, count);
      for (size_t k = 0; k < count; ++k) {
        float& value = values[extents.reverse ? count - 1 - k : k];
        const float next = Op::template Apply<float>(total, value);
        value = extents.exclusive ? total : next;
        total = next;
      }
      NarrowFromFloat(values, static_cast<T*>(out) + low, count);
    }
    return;
  }
  for (int64_t column = begin; column < end; column += kCumulativeTile) {
    const auto width = static_cast<size_t>(std::min<int64_t>(kCumulativeTile, end - column));
    const T* from = static_cast<const T*>(in) + first * extents.inner + column;
    T* to = static_cast<T*>(out) + first * extents.inner + column;
    std::fill_n(totals, width, static_cast<float>(Op::kStart));
    for (int64_t i = 0; i < extents.n; ++i, from += step, to += step) {
      if (extents.exclusive) NarrowFromFloat(totals, to, width);
      WidenToFloat(from, values, width);
      ForElements(width, [=, sums = totals, next = values](size_t j) {
        sums[j] = Op::template Apply<float>(sums[j], next[j]);
      });
      if (!extents.exclusive) NarrowFromFloat(totals, to, width);
    }
  }
}

// Sums and products of integers have the same bits, signed or not.
using SummedTypes =
    TypeList<float, double, Float16, Bfloat16, uint8_t, uint16_t, uint32_t, uint64_t>;

using AccumulateFunction = decltype(&Accumulate<float, Add>);

template <typename T, typename Op>
constexpr AccumulateFunction AccumulateOf() {
  if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, Bfloat16>) {
    return &AccumulateHalves<T, Op>;
  } else {
    return &Accumulate<T, Op>;
  }
}

class Cumulative : public Executable {
 public:
  Cumulative(const Node& node, AccumulateFunction accumulate)
      : accumulate_(accumulate),
        exclusive_(node.IntAttribute("exclusive", 0) != 0),
        reverse_(node.IntAttribute("reverse", 0) != 0) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    if (context.Input(1).count() != 1) return context.Error("input 'axis' must have one element");
    const std::optional<int> axis = NormalizeAxis(IntAt(context.Input(1), 0), input.shape.rank());
    if (!axis.has_value()) return context.Error("input 'axis' is outside the input's rank");
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    if (output.count() == 0) return OkStatus();
    const Extents extents{input.shape[*axis], input.shape.Product(*axis + 1, input.shape.rank()),
                          exclusive_, reverse_};
    const auto element = static_cast<int64_t>(ByteSize(input.type, 1));
    const auto* const in = static_cast<const std::byte*>(input.data);
    auto* const out = static_cast<std::byte*>(output.data);
    const int64_t slab = extents.n * extents.inner;
    // Units are runs of columns: wide enough to be worth a chunk, and never across a slab.
    const int64_t width = std::min(extents.inner, std::max<int64_t>(64, 16384 / extents.n));
    const int64_t units_per_slab = (extents.inner + width - 1) / width;
    const int64_t chunk = std::max<int64_t>(1, 16384 / (width * extents.n));
    const int64_t units = input.count() / slab * units_per_slab;
    context.parallel().For(units, chunk, [&](int64_t begin, int64_t end, int) {
      for (int64_t unit = begin; unit < end; ++unit) {
        const int64_t offset = unit / units_per_slab * slab * element;
        const int64_t column = unit % units_per_slab * width;
        accumulate_(extents, in + offset, out + offset, column,
                    std::min(column + width, extents.inner));
      }
    });
    return OkStatus();
  }

 private:
  AccumulateFunction accumulate_;
  bool exclusive_;
  bool reverse_;
};

template <typename Op>
class CumulativeOf final : public Cumulative {
 public:
  explicit CumulativeOf(const Node& node)
      : Cumulative(node, FunctionFor(node.input(0)->type.element_type)) {}

 private:
  static AccumulateFunction FunctionFor(ElementType type) {
    AccumulateFunction function = nullptr;
    DispatchType(SummedTypes{}, UnsignedOf(type),
                 [&](auto tag) { function = AccumulateOf<typename decltype(tag)::type, Op>(); });
    return function;
  }
};

}  // namespace

void RegisterCumulative(KernelRegistry& registry) {
  registry.Add({.name = "CumSum", .types = types::kNumeric, .make = MakeKernel<CumulativeOf<Add>>});
  registry.Add(
      {.name = "CumProd", .types = types::kNumeric, .make = MakeKernel<CumulativeOf<Multiply>>});
}

}  // namespace mullion::cpu
