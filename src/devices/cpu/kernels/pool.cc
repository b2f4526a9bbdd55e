// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/pool.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/pool.cc"
#include "devices/cpu/kernels/simd.h"

#include "devices/cpu/kernels/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

namespace {

// Each method: what an element becomes when its row is combined (Change), how two are combined, and
// what is done to a window's result (Finish), where `scale` is one over the elements that count.
template <typename Element>
struct Max {
  using T = Element;
  using D = hn::ScalableTag<T>;
  using V = hn::Vec<D>;
  static constexpr bool kChanges = false;
  static constexpr bool kScales = false;
  static HWY_INLINE T Neutral() {
    return std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                : std::numeric_limits<T>::lowest();
  }
  template <class Any>
  static HWY_INLINE Any Change(Any x) {
    return x;
  }
  template <class Any>
  static HWY_INLINE Any Combine(Any a, Any b) {
    return hn::Max(a, b);
  }
  template <class Any>
  static HWY_INLINE Any Finish(Any a, Any /*scale*/) {
    return a;
  }
};

struct Average {
  using T = float;
  using D = hn::ScalableTag<float>;
  using V = hn::Vec<D>;
  static constexpr bool kChanges = false;
  static constexpr bool kScales = true;
  static HWY_INLINE float Neutral() { return 0; }
  template <class Any>
  static HWY_INLINE Any Change(Any x) {
    return x;
  }
  template <class Any>
  static HWY_INLINE Any Combine(Any a, Any b) {
    return hn::Add(a, b);
  }
  template <class Any>
  static HWY_INLINE Any Finish(Any a, Any scale) {
    return hn::Mul(a, scale);
  }
};

struct L1 : Average {
  static constexpr bool kChanges = true;
  static constexpr bool kScales = false;
  template <class Any>
  static HWY_INLINE Any Change(Any x) {
    return hn::Abs(x);
  }
  template <class Any>
  static HWY_INLINE Any Finish(Any a, Any /*scale*/) {
    return a;
  }
};

struct L2 : L1 {
  template <class Any>
  static HWY_INLINE Any Change(Any x) {
    return hn::Mul(x, x);
  }
  template <class Any>
  static HWY_INLINE Any Finish(Any a, Any /*scale*/) {
    return hn::Sqrt(a);
  }
};

// Elements [i, i + count) of all rows, count at most the number of lanes.
template <class M>
HWY_INLINE void CombineVector(const typename M::T* const* rows, size_t row_count, size_t i,
                              size_t count, bool accumulate, typename M::T* y) {
  const typename M::D d;
  auto v = accumulate ? LoadFirst(d, y + i, count) : hn::Set(d, M::Neutral());
  for (size_t r = 0; r < row_count; ++r) {
    v = M::Combine(v, M::Change(LoadFirst(d, rows[r] + i, count)));
  }
  StoreFirst(v, d, y + i, count);
}

template <class M>
void CombineRows(const void* const* from, size_t row_count, size_t n, bool accumulate, void* to) {
  using T = typename M::T;
  const typename M::D d;
  const size_t lanes = hn::Lanes(d);
  const T* const* const rows = reinterpret_cast<const T* const*>(from);
  T* const y = static_cast<T*>(to);
  size_t i = 0;
  if (row_count > 0) {
    // Four vectors at once, so that each row is read in stretches of whole cache lines.
    for (; i + 4 * lanes <= n; i += 4 * lanes) {
      const auto load = [&](const T* x) { return M::Change(hn::LoadU(d, x)); };
      const size_t first = accumulate ? 0 : 1;
      const T* const start = accumulate ? y : rows[0];
      auto a = hn::LoadU(d, start + i);
      auto b = hn::LoadU(d, start + i + lanes);
      auto c = hn::LoadU(d, start + i + 2 * lanes);
      auto e = hn::LoadU(d, start + i + 3 * lanes);
      if (M::kChanges && !accumulate) {
        a = M::Change(a);
        b = M::Change(b);
        c = M::Change(c);
        e = M::Change(e);
      }
      for (size_t r = first; r < row_count; ++r) {
        const T* const x = rows[r] + i;
        a = M::Combine(a, load(x));
        b = M::Combine(b, load(x + lanes));
        c = M::Combine(c, load(x + 2 * lanes));
        e = M::Combine(e, load(x + 3 * lanes));
      }
      hn::StoreU(a, d, y + i);
      hn::StoreU(b, d, y + i + lanes);
      hn::StoreU(c, d, y + i + 2 * lanes);
      hn::StoreU(e, d, y + i + 3 * lanes);
    }
  }
  for (; i < n; i += lanes) {
    CombineVector<M>(rows, row_count, i, std::min(lanes, n - i), accumulate, y);
  }
}

// n outputs whose taps are `step` elements apart, all within the row: out[i] of x[i + k * step].
template <class M>
HWY_INLINE void SlideContiguous(const typename M::T* x, typename M::T* y, size_t n, size_t taps,
                                size_t step, float scale) {
  const typename M::D d;
  const size_t lanes = hn::Lanes(d);
  const auto factor = hn::Set(d, static_cast<typename M::T>(scale));
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    auto a = hn::LoadU(d, x + i);
    auto b = hn::LoadU(d, x + i + lanes);
    for (size_t k = 1; k < taps; ++k) {
      a = M::Combine(a, hn::LoadU(d, x + i + k * step));
      b = M::Combine(b, hn::LoadU(d, x + i + lanes + k * step));
    }
    hn::StoreU(M::Finish(a, factor), d, y + i);
    hn::StoreU(M::Finish(b, factor), d, y + i + lanes);
  }
  for (; i < n; i += lanes) {
    const size_t count = std::min(lanes, n - i);
    auto a = LoadFirst(d, x + i, count);
    for (size_t k = 1; k < taps; ++k) a = M::Combine(a, LoadFirst(d, x + i + k * step, count));
    StoreFirst(M::Finish(a, factor), d, y + i, count);
  }
}

// One output of one channel.
template <class M>
HWY_INLINE void SlideAlone(const typename M::T* x, typename M::T* y, size_t taps, size_t step,
                           float scale) {
  const hn::CappedTag<typename M::T, 1> one;
  auto a = hn::LoadU(one, x);
  for (size_t k = 1; k < taps; ++k) a = M::Combine(a, hn::LoadU(one, x + k * step));
  hn::StoreU(M::Finish(a, hn::Set(one, static_cast<typename M::T>(scale))), one, y);
}

// A vector of outputs of one channel with stride 2, from its first input on.
template <class M>
HWY_INLINE typename M::V ByTwo(const typename M::T* from, size_t taps, size_t step,
                               typename M::V factor) {
  const typename M::D d;
  typename M::V result, even, odd;
  hn::LoadInterleaved2(d, from, result, odd);
  // Of taps side by side, two come with each pair of vectors.
  const size_t pair = step == 1 ? 2 : 1;
  if (pair == 2 && taps > 1) result = M::Combine(result, odd);
  for (size_t k = pair; k < taps; k += pair) {
    hn::LoadInterleaved2(d, from + k * step, even, odd);
    result = M::Combine(result, even);
    if (pair == 2 && k + 1 < taps) result = M::Combine(result, odd);
  }
  return M::Finish(result, factor);
}

// One channel, stride 2: n outputs, or as many as can be made by vectors that end before `limit`.
// Returns how many.
template <class M>
HWY_INLINE size_t SlideByTwo(const typename M::T* x, const typename M::T* limit, typename M::T* y,
                             size_t n, size_t taps, size_t step, float scale) {
  const typename M::D d;
  const size_t lanes = hn::Lanes(d);
  const auto factor = hn::Set(d, static_cast<typename M::T>(scale));
  size_t i = 0;
  for (; i < n; i += lanes) {
    const typename M::T* const from = x + 2 * i;
    if (static_cast<size_t>(limit - from) < (taps - 1) * step + 2 * lanes) return i;
    StoreFirst(ByTwo<M>(from, taps, step, factor), d, y + i, std::min(lanes, n - i));
  }
  return n;
}

// One over the elements that count in a window of `taps` columns.
template <class M>
HWY_INLINE float ScaleOf(const PoolRow& row, int64_t taps) {
  const int64_t elements = taps * row.column_taps;
  return M::kScales && elements > 0 ? 1.0f / static_cast<float>(elements) : 0.0f;
}

// Output `o`, whose window may reach into the padding.
template <class M>
void SlideOne(const PoolRow& row, int64_t o) {
  using T = typename M::T;
  const operators::PoolAxis& axis = row.axis;
  const int64_t start = axis.Start(o);
  const int64_t first = axis.FirstTap(start);
  const int64_t taps = std::max<int64_t>(axis.LastTap(start) - first, 0);
  const auto channels = static_cast<size_t>(row.channels);
  T* const y = static_cast<T*>(row.y) + o * row.channels;
  if (taps == 0) {
    std::fill_n(y, channels, M::Neutral());
    return;
  }
  const float scale = ScaleOf<M>(row, row.count_include_pad ? axis.PaddedTaps(start) : taps);
  const T* const x = static_cast<const T*>(row.x) + (start + first * axis.dilation) * row.channels;
  const auto step = static_cast<size_t>(axis.dilation * row.channels);
  if (channels == 1) return SlideAlone<M>(x, y, static_cast<size_t>(taps), step, scale);
  SlideContiguous<M>(x, y, channels, static_cast<size_t>(taps), step, scale);
}

// Outputs [begin, end), whose windows lie within the row.
template <class M>
HWY_INLINE void SlideWithin(const PoolRow& row, int64_t begin, int64_t end) {
  using T = typename M::T;
  const operators::PoolAxis& axis = row.axis;
  const float scale = ScaleOf<M>(row, axis.kernel);
  const T* const row_begin = static_cast<const T*>(row.x);
  const T* x = row_begin + axis.Start(begin) * row.channels;
  T* y = static_cast<T*>(row.y) + begin * row.channels;
  const auto taps = static_cast<size_t>(axis.kernel);
  const auto step = static_cast<size_t>(axis.dilation * row.channels);
  if (axis.stride == 1) {
    // Neighbouring outputs read neighbouring inputs: channels need not be told apart.
    const auto n = static_cast<size_t>((end - begin) * row.channels);
    SlideContiguous<M>(x, y, n, taps, step, scale);
    return;
  }
  if (axis.stride == 2 && row.channels == 1) {
    const size_t done = SlideByTwo<M>(x, row_begin + row.readable, y,
                                      static_cast<size_t>(end - begin), taps, step, scale);
    begin += static_cast<int64_t>(done);
    x += 2 * done;
    y += done;
  }
  for (; begin < end; ++begin, x += axis.stride * row.channels, y += row.channels) {
    if (row.channels == 1) {
      SlideAlone<M>(x, y, taps, step, scale);
      continue;
    }
    SlideContiguous<M>(x, y, static_cast<size_t>(row.channels), taps, step, scale);
  }
}

template <class M>
void Slide(const PoolRow& row) {
  const operators::PoolAxis& axis = row.axis;
  const auto [low, high] = row.inside;
  for (int64_t o = 0; o < low; ++o) SlideOne<M>(row, o);
  if (low < high) SlideWithin<M>(row, low, high);
  for (int64_t o = high; o < axis.output; ++o) SlideOne<M>(row, o);
}

template <class M>
PoolFunctions FunctionsOf() {
  return {sizeof(typename M::T), M::kChanges, &CombineRows<M>, &Slide<M>};
}

}  // namespace

PoolFunctions MakePoolFunctions(PoolMethod method, ElementType type) {
  if (type == ElementType::kInt8) return FunctionsOf<Max<int8_t>>();
  if (type == ElementType::kUint8) return FunctionsOf<Max<uint8_t>>();
  switch (method) {
    case PoolMethod::kMax:
      return FunctionsOf<Max<float>>();
    case PoolMethod::kAverage:
      return FunctionsOf<Average>();
    case PoolMethod::kL1:
      return FunctionsOf<L1>();
    default:
      return FunctionsOf<L2>();
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

PoolFunctions FindPoolFunctions(PoolMethod method, ElementType type) {
  return MULLION_SIMD_CALL(MakePoolFunctions)(method, type);
}

}  // namespace mullion::cpu
#endif
