// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/pooling/pool.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/pooling/pool.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"

#ifndef MULLION_DEVICES_CPU_KERNELS_POOL_ONCE_
#define MULLION_DEVICES_CPU_KERNELS_POOL_ONCE_
namespace mullion::cpu {
namespace {

// The longest vector of any instruction set.
constexpr size_t kPoolVectorBytes = 64;

size_t WholePoolVectors(int64_t bytes) {
  return (static_cast<size_t>(bytes) + kPoolVectorBytes - 1) / kPoolVectorBytes * kPoolVectorBytes;
}

// Where a line begins in its memory, for the padding before it, and what the line takes: as far as
// windows reach, and a few vectors that outputs nobody wants read.
size_t BytesBeforePoolLine(const operators::WindowAxis& axis, size_t element_bytes) {
  return WholePoolVectors(axis.pad_begin * static_cast<int64_t>(element_bytes));
}
size_t PoolLineBytes(const operators::WindowAxis& axis, size_t element_bytes) {
  const int64_t end = (axis.output - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1;
  return BytesBeforePoolLine(axis, element_bytes) + 4 * kPoolVectorBytes +
         WholePoolVectors(std::max(axis.input, end) * static_cast<int64_t>(element_bytes));
}
size_t PoolScaleBytes(const operators::WindowAxis& axis) {
  return kPoolVectorBytes + WholePoolVectors(axis.output * static_cast<int64_t>(sizeof(float)));
}

}  // namespace
}  // namespace mullion::cpu
#endif  // MULLION_DEVICES_CPU_KERNELS_POOL_ONCE_

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

// out[i] = the combination of source(k)[i] for k < count: of rows, whose elements change by it, or
// of the taps of windows, which are finished.
template <class M, bool kRows, class Source>
HWY_INLINE void CombineSources(Source source, size_t count, size_t n, const float* scales,
                               typename M::T* out) {
  const typename M::D d;
  const size_t lanes = hn::Lanes(d);
  const auto change = [](typename M::V v) { return kRows ? M::Change(v) : v; };
  const auto finish = [&](typename M::V v, size_t i) {
    auto factor = hn::Zero(d);
    if constexpr (M::kScales && !kRows) factor = hn::LoadU(d, scales + i);
    return kRows ? v : M::Finish(v, factor);
  };
  if (n < lanes) {
    auto v = change(LoadFirst(d, source(0), n));
    for (size_t k = 1; k < count; ++k) v = M::Combine(v, change(LoadFirst(d, source(k), n)));
    StoreFirst(finish(v, 0), d, out, n);
    return;
  }
  for (size_t next = 0; next < n; next += 2 * lanes) {
    // Vectors that would reach over the end overlap those before them.
    const size_t i = std::min(next, n - lanes);
    const size_t j = std::min(next + lanes, n - lanes);
    auto a = change(hn::LoadU(d, source(0) + i));
    auto b = change(hn::LoadU(d, source(0) + j));
    for (size_t k = 1; k < count; ++k) {
      const typename M::T* const x = source(k);
      a = M::Combine(a, change(hn::LoadU(d, x + i)));
      b = M::Combine(b, change(hn::LoadU(d, x + j)));
    }
    hn::StoreU(finish(a, i), d, out + i);
    hn::StoreU(finish(b, j), d, out + j);
  }
}

// `n` elements of all rows; what an empty window gives where there are none.
template <class M>
HWY_NOINLINE void CombineRows(const void* const* from, size_t row_count, size_t n, void* to) {
  using T = typename M::T;
  if (row_count == 0) {
    std::fill_n(static_cast<T*>(to), n, M::Neutral());
    return;
  }
  const T* const* const rows = reinterpret_cast<const T* const*>(from);
  CombineSources<M, true>([rows](size_t k) { return rows[k]; }, row_count, n, nullptr,
                          static_cast<T*>(to));
}

// Windows of the same shape, `x_step` elements apart: for each, n outputs whose taps are `step`
// elements apart and within the row, out[i] of x[i + k * step].
template <class M>
HWY_NOINLINE void SlideWindows(const typename M::T* x, int64_t x_step, typename M::T* y,
                               int64_t windows, size_t n, size_t taps, size_t step, float scale) {
  const typename M::D d;
  const size_t lanes = hn::Lanes(d);
  const auto factor = hn::Set(d, static_cast<typename M::T>(scale));
  for (int64_t window = 0; window < windows; ++window, x += x_step, y += n) {
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
  const operators::WindowAxis& axis = row.axis;
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
  SlideWindows<M>(x, 0, y, 1, channels, static_cast<size_t>(taps), step, scale);
}

// Outputs [begin, end), whose windows lie within the row.
template <class M>
HWY_INLINE void SlideWithin(const PoolRow& row, int64_t begin, int64_t end) {
  using T = typename M::T;
  const operators::WindowAxis& axis = row.axis;
  const float scale = ScaleOf<M>(row, axis.kernel);
  const T* const x = static_cast<const T*>(row.x) + axis.Start(begin) * row.channels;
  T* const y = static_cast<T*>(row.y) + begin * row.channels;
  // With stride 1 neighbouring outputs read neighbouring inputs: channels need not be told apart.
  const int64_t together = axis.stride == 1 ? end - begin : 1;
  SlideWindows<M>(x, axis.stride * row.channels, y, (end - begin) / together,
                  static_cast<size_t>(together * row.channels), static_cast<size_t>(axis.kernel),
                  static_cast<size_t>(axis.dilation * row.channels), scale);
}

template <class M>
void Slide(const PoolRow& row) {
  const operators::WindowAxis& axis = row.axis;
  const auto [low, high] = row.inside;
  for (int64_t o = 0; o < low; ++o) SlideOne<M>(row, o);
  if (low < high) SlideWithin<M>(row, low, high);
  for (int64_t o = high; o < axis.output; ++o) SlideOne<M>(row, o);
}

// ---- lines of one channel
// ------------------------------------------------------------------------

// Combines the rows under a line, and writes what padding is worth on both sides of it.
template <class M>
HWY_INLINE void CombineLine(const PoolLine& line, const operators::WindowAxis& axis,
                            typename M::T* x) {
  const typename M::D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto neutral = hn::Set(d, M::Neutral());
  const int64_t width = axis.input;
  CombineRows<M>(line.rows, line.count, static_cast<size_t>(width), x);
  for (int64_t i = 0; i < axis.pad_begin; i += lanes) hn::StoreU(neutral, d, x - i - lanes);
  const int64_t end = axis.Start(axis.output - 1) + (axis.kernel - 1) * axis.dilation + 1;
  for (int64_t i = width; i < end; i += lanes) hn::StoreU(neutral, d, x + i);
}

// A vector of outputs with stride 2 of taps side by side, two of which come with each pair of
// vectors.
template <class M>
HWY_INLINE typename M::V ByTwo(const typename M::T* x, size_t taps) {
  const typename M::D d;
  typename M::V result, even, odd;
  hn::LoadInterleaved2(d, x, result, odd);
  if (taps > 1) result = M::Combine(result, odd);
  for (size_t k = 2; k < taps; k += 2) {
    hn::LoadInterleaved2(d, x + k, even, odd);
    result = M::Combine(result, even);
    if (k + 1 < taps) result = M::Combine(result, odd);
  }
  return result;
}

// All outputs of a line, from the first element that its windows read on. `scales` are one over
// the elements that count, by output, where the method wants them.
template <class M>
HWY_INLINE void SlideLine(const operators::WindowAxis& axis, const typename M::T* x,
                          const float* scales, typename M::T* y) {
  using T = typename M::T;
  const auto n = static_cast<size_t>(axis.output);
  const auto taps = static_cast<size_t>(axis.kernel);
  const auto step = static_cast<size_t>(axis.dilation);
  const typename M::D d;
  const size_t lanes = hn::Lanes(d);
  if (axis.stride == 1) {
    CombineSources<M, false>([&](size_t k) { return x + k * step; }, taps, n, scales, y);
    return;
  }
  const auto factor_of = [&](auto tag, size_t i) {
    if constexpr (M::kScales) return hn::LoadU(tag, scales + i);
    return hn::Zero(tag);
  };
  if (axis.stride == 2 && step == 1) {
    for (size_t next = 0; next < n; next += lanes) {
      const size_t i = n < lanes ? 0 : std::min(next, n - lanes);
      const auto v = M::Finish(ByTwo<M>(x + 2 * i, taps), factor_of(d, i));
      if (n < lanes) {
        StoreFirst(v, d, y, n);
      } else {
        hn::StoreU(v, d, y + i);
      }
    }
    return;
  }
  const hn::CappedTag<T, 1> one;
  for (size_t i = 0; i < n; ++i, x += axis.stride) {
    auto v = hn::LoadU(one, x);
    for (size_t k = 1; k < taps; ++k) v = M::Combine(v, hn::LoadU(one, x + k * step));
    hn::StoreU(M::Finish(v, factor_of(one, i)), one, y + i);
  }
}

// Positions of each window along the line that count in an average.
void CountTaps(const PoolRow& row, float* taps) {
  const operators::WindowAxis& axis = row.axis;
  for (int64_t o = 0; o < axis.output; ++o) {
    const int64_t start = axis.Start(o);
    const int64_t inside = axis.LastTap(start) - axis.FirstTap(start);
    taps[o] = static_cast<float>(row.count_include_pad ? axis.PaddedTaps(start)
                                                       : std::max<int64_t>(inside, 0));
  }
}

// One over the elements that count in each window, 0 where there are none.
void FillScales(const float* taps, int64_t column_taps, int64_t n, float* scales) {
  const hn::ScalableTag<float> d;
  const auto one = hn::Set(d, 1.0f);
  const auto factor = hn::Set(d, static_cast<float>(column_taps));
  for (int64_t o = 0; o < n; o += static_cast<int64_t>(hn::Lanes(d))) {
    const auto elements = hn::Mul(hn::LoadU(d, taps + o), factor);
    const auto none = hn::Eq(elements, hn::Zero(d));
    hn::StoreU(hn::IfThenZeroElse(none, hn::Div(one, elements)), d, scales + o);
  }
}

// A short row that is read right after it was written, at other offsets, is waited for: all are
// combined, then windows slide along them.
template <class M>
void RunLines(const PoolRow& row, std::span<const PoolLine> lines, void* scratch,
              int64_t& scaled_taps) {
  using T = typename M::T;
  const operators::WindowAxis& axis = row.axis;
  const size_t bytes = PoolLineBytes(axis, sizeof(T));
  char* const scale_memory = static_cast<char*>(scratch);
  auto* const scales = reinterpret_cast<float*>(scale_memory);
  auto* const taps = reinterpret_cast<float*>(scale_memory + PoolScaleBytes(axis));
  char* const memory =
      scale_memory + 2 * PoolScaleBytes(axis) + BytesBeforePoolLine(axis, sizeof(T));
  const auto line_memory = [&](size_t i) { return reinterpret_cast<T*>(memory + i * bytes); };
  for (size_t i = 0; i < lines.size(); ++i) CombineLine<M>(lines[i], axis, line_memory(i));
  if (M::kScales && scaled_taps < 0) CountTaps(row, taps);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (M::kScales && lines[i].column_taps != scaled_taps) {
      scaled_taps = lines[i].column_taps;
      FillScales(taps, scaled_taps, axis.output, scales);
    }
    SlideLine<M>(axis, line_memory(i) - axis.pad_begin, scales, static_cast<T*>(lines[i].y));
  }
}

template <class M>
PoolFunctions FunctionsOf() {
  return {sizeof(typename M::T), M::kChanges, &CombineRows<M>, &Slide<M>, &RunLines<M>};
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

size_t PoolLinesBytes(const operators::WindowAxis& axis, size_t element_bytes) {
  return 2 * PoolScaleBytes(axis) + kMostPoolLines * PoolLineBytes(axis, element_bytes);
}

PoolFunctions FindPoolFunctions(PoolMethod method, ElementType type) {
  return MULLION_SIMD_CALL(MakePoolFunctions)(method, type);
}

}  // namespace mullion::cpu
#endif
