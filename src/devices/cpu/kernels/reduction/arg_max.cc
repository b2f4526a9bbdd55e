// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/reduction/arg_max.h"

#include <algorithm>
#include <limits>

#include "devices/cpu/kernels/elementwise/convert.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/reduction/arg_max.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"

#ifndef MULLION_DEVICES_CPU_KERNELS_ARG_MAX_ONCE_
#define MULLION_DEVICES_CPU_KERNELS_ARG_MAX_ONCE_
namespace mullion::cpu {
namespace {

template <typename T>
constexpr T kLowestKey = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                              : std::numeric_limits<T>::lowest();

// Keys order as the elements do, or the other way round where the smallest is sought: they are the
// elements with the bits of `flip` changed.
struct ArgMaxSearch {
  uint64_t flip;
  bool last;  // of equal keys
};

// What is known of columns.
template <typename T>
struct ArgMaxState {
  alignas(64) T keys[kArgMaxColumns];
  // Rows of those keys among the ones that were just taken, or -1.
  alignas(64) hwy::MakeSigned<T> rows[kArgMaxColumns];
};

// A block of elements for TakeRows.
template <typename T>
struct ArgMaxBlock {
  const T* x;
  size_t rows;
  size_t stride;
  size_t columns;
};

}  // namespace
}  // namespace mullion::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE hn::Vec<D> FlipOf(D d, const ArgMaxSearch& search) {
  const hn::RebindToUnsigned<D> du;
  return hn::BitCast(d, hn::Set(du, static_cast<hn::TFromD<decltype(du)>>(search.flip)));
}

// max(a, v), and a where v is NaN.
template <class V>
HWY_INLINE V LargerKey(V v, V a) {
#if HWY_ARCH_WASM
  return hn::IfThenElse(hn::Gt(v, a), v, a);
#else
  return hn::Max(v, a);
#endif
}

template <typename T>
HWY_INLINE T LargestKey(const ArgMaxSearch& search, const T* x, size_t count) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const auto flip = FlipOf(d, search);
  auto a = hn::Set(d, kLowestKey<T>);
  auto b = a;
  size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    a = LargerKey(hn::Xor(hn::LoadU(d, x + i), flip), a);
    b = LargerKey(hn::Xor(hn::LoadU(d, x + i + lanes), flip), b);
  }
  for (; i < count; i += lanes) {
    const size_t some = std::min(lanes, count - i);
    const auto v = hn::Xor(LoadFirst(d, x + i, some), flip);
    a = LargerKey(hn::IfThenElse(hn::FirstN(d, some), v, a), a);
  }
  return hn::GetLane(hn::MaxOfLanes(d, LargerKey(a, b)));
}

// The first or last of so many elements with this key, or -1.
template <typename T>
HWY_INLINE int64_t FindKey(const ArgMaxSearch& search, const T* x, size_t count, T key) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const auto all = hn::Xor(hn::Set(d, key), FlipOf(d, search));
  const size_t vectors = (count + lanes - 1) / lanes;
  for (size_t k = 0; k < vectors; ++k) {
    const size_t i = (search.last ? vectors - 1 - k : k) * lanes;
    const size_t some = std::min(lanes, count - i);
    const auto equal = hn::And(hn::Eq(LoadFirst(d, x + i, some), all), hn::FirstN(d, some));
    const intptr_t lane = hn::FindFirstTrue(d, equal);
    if (lane < 0) continue;
    if (!search.last) return static_cast<int64_t>(i) + lane;
    size_t place = i + some - 1;
    while (!(x[place] == hn::GetLane(all))) --place;
    return static_cast<int64_t>(place);
  }
  return -1;
}

// The place of the largest key of each row, or -1 where there is only NaN, and the key of the last.
template <typename T>
T TakeTile(const ArgMaxSearch& search, const T* x, size_t n, size_t rows, int64_t* places) {
  T key = kLowestKey<T>;
  for (size_t row = 0; row < rows; ++row, x += n) {
    key = LargestKey(search, x, n);
    places[row] = FindKey(search, x, n, key);
  }
  return key;
}

// Rows from behind where the last of equal keys is sought, which is the first one then.
template <typename T>
void TakeRows(const ArgMaxSearch& search, const ArgMaxBlock<T>& block, ArgMaxState<T>& state) {
  const hn::ScalableTag<T> d;
  const hn::RebindToSigned<hn::ScalableTag<T>> di;
  using Index = hwy::MakeSigned<T>;
  const size_t lanes = hn::Lanes(d);
  const auto flip = FlipOf(d, search);
  for (size_t j = 0; j < block.columns; j += lanes) {
    const size_t count = std::min(lanes, block.columns - j);
    auto key = hn::Load(d, state.keys + j);
    auto index = hn::Set(di, Index{-1});
    for (size_t i = 0; i < block.rows; ++i) {
      const size_t k = search.last ? block.rows - 1 - i : i;
      const auto v = hn::Xor(LoadFirst(d, block.x + k * block.stride + j, count), flip);
      const auto better = hn::Gt(v, key);
      key = hn::IfThenElse(better, v, key);
      index = hn::IfThenElse(hn::RebindMask(di, better), hn::Set(di, static_cast<Index>(k)), index);
    }
    hn::Store(key, d, state.keys + j);
    hn::Store(index, di, state.rows + j);
  }
}

#if !HWY_HAVE_FLOAT64  // wasm
template <>
double TakeTile(const ArgMaxSearch& search, const double* x, size_t n, size_t rows,
                int64_t* places) {
  double best = kLowestKey<double>;
  for (size_t row = 0; row < rows; ++row, x += n) {
    places[row] = -1;
    for (size_t i = 0; i < n; ++i) {
      const double key = search.flip != 0 ? -x[i] : x[i];
      const bool better = places[row] < 0 ? key == key : key > best;
      if (!better && !(search.last && key == best && places[row] >= 0)) continue;
      best = key;
      places[row] = static_cast<int64_t>(i);
    }
  }
  return best;
}

template <>
void TakeRows(const ArgMaxSearch& search, const ArgMaxBlock<double>& block,
              ArgMaxState<double>& state) {
  for (size_t j = 0; j < block.columns; ++j) {
    state.rows[j] = -1;
    for (size_t i = 0; i < block.rows; ++i) {
      const size_t k = search.last ? block.rows - 1 - i : i;
      const double x = block.x[k * block.stride + j];
      const double key = search.flip != 0 ? -x : x;
      if (!(key > state.keys[j])) continue;
      state.keys[j] = key;
      state.rows[j] = static_cast<int64_t>(k);
    }
  }
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

namespace {

// Elements of a row, and elements of each of 64 columns, that are looked at together: they stay in
// the level 1 cache, where types of fewer than 32 bits are widened to float.
constexpr size_t kArgMaxTile = 1024;
constexpr size_t kArgMaxRows = 16;

// T is what keys are compared as.
template <typename T>
class ArgMaxFinder {
 public:
  ArgMaxFinder(const ArgMaxSearch& search, ElementType type)
      : search_(search), type_(type), bytes_(static_cast<size_t>(ElementBits(type)) / 8) {}

  void OfRows(const void* x, size_t n, size_t rows, int64_t* indices) const {
    T wide[kWideElements];
    const size_t together = std::max<size_t>(kArgMaxTile / n, 1);
    for (size_t row = 0; row < rows; row += together) {
      const std::byte* const from = At(x, row * n);
      if (n > kArgMaxTile) {
        indices[row] = OfLongRow(from, n);
        continue;
      }
      const size_t count = std::min(together, rows - row);
      MULLION_SIMD_CALL(TakeTile<T>)
      (search_, Elements(from, count * n, wide), n, count, indices + row);
    }
    for (size_t row = 0; row < rows; ++row) indices[row] = std::max<int64_t>(indices[row], 0);
  }

  // At most kArgMaxColumns.
  void OfColumns(const void* x, size_t n, size_t stride, size_t columns, int64_t* indices) const {
    ArgMaxState<T> state;
    std::fill_n(state.keys, kArgMaxColumns, kLowestKey<T>);
    std::fill_n(indices, columns, -1);
    const size_t blocks = (n + kArgMaxRows - 1) / kArgMaxRows;
    for (size_t i = 0; i < blocks; ++i) {
      const size_t begin = (search_.last ? blocks - 1 - i : i) * kArgMaxRows;
      const std::byte* const from = At(x, begin * stride);
      ArgMaxBlock<T> block{reinterpret_cast<const T*>(from), std::min(kArgMaxRows, n - begin),
                           stride, columns};
      T wide[kWideElements];
      const size_t span = (block.rows - 1) * stride + columns;
      if (bytes_ < sizeof(T) && span <= kWideElements) {
        // With what lies between the rows, which takes less time than a call for each.
        block.x = Elements(from, span, wide);
      } else if (bytes_ < sizeof(T)) {
        for (size_t k = 0; k < block.rows; ++k) {
          Elements(At(from, k * stride), columns, wide + k * kArgMaxColumns);
        }
        block.x = wide;
        block.stride = kArgMaxColumns;
      }
      MULLION_SIMD_CALL(TakeRows<T>)(search_, block, state);
      for (size_t j = 0; j < columns; ++j) {
        if (state.rows[j] >= 0) indices[j] = static_cast<int64_t>(begin) + state.rows[j];
      }
    }
    for (size_t j = 0; j < columns; ++j) {
      if (indices[j] < 0) indices[j] = FirstNumber(At(x, j), n, stride);
    }
  }

 private:
  // Rows of columns may lie twice as far apart as there are columns.
  static constexpr size_t kWideElements =
      std::is_same_v<T, float> ? 2 * kArgMaxRows * kArgMaxColumns : 1;
  static_assert(kArgMaxTile <= 2 * kArgMaxRows * kArgMaxColumns);

  const std::byte* At(const void* x, size_t i) const {
    return static_cast<const std::byte*>(x) + i * bytes_;
  }

  // Elements as T: where they lie, or widened.
  const T* Elements(const std::byte* x, size_t count, T* wide) const {
    if (bytes_ == sizeof(T)) return reinterpret_cast<const T*>(x);
    ConvertElements(type_, x, ElementType::kFloat, wide, count);
    return wide;
  }

  int64_t OfLongRow(const std::byte* x, size_t n) const {
    T wide[kWideElements];
    T best = kLowestKey<T>;
    int64_t index = -1;
    for (size_t begin = 0; begin < n; begin += kArgMaxTile) {
      const size_t count = std::min(kArgMaxTile, n - begin);
      const T* const tile = Elements(At(x, begin), count, wide);
      int64_t place = -1;
      const T key = MULLION_SIMD_CALL(TakeTile<T>)(search_, tile, count, 1, &place);
      const bool better = index < 0 || key > best || (search_.last && key == best);
      if (place < 0 || !better) continue;
      best = key;
      index = static_cast<int64_t>(begin) + place;
    }
    return index;
  }

  // Of a column in which nothing is above the lowest key: the first element that is not NaN, from
  // behind if the last one is sought.
  int64_t FirstNumber(const std::byte* column, size_t n, size_t stride) const {
    for (size_t i = 0; i < n; ++i) {
      const size_t k = search_.last ? n - 1 - i : i;
      double value = 0;
      ConvertElements(type_, At(column, k * stride), ElementType::kDouble, &value, 1);
      if (value == value) return static_cast<int64_t>(k);
    }
    return 0;
  }

  const ArgMaxSearch search_;
  const ElementType type_;
  const size_t bytes_;
};

// Calls `function` with the finder for `type`.
template <typename Function>
void WithFinder(const ArgMaxOptions& options, ElementType type, Function function) {
  const auto bits = static_cast<unsigned>(ElementBits(type));
  const bool integer = bits >= 32 && Contains(types::kIntegers, type);
  ArgMaxSearch search{0, options.last};
  // Unsigned numbers order as signed ones without their highest bit.
  const uint64_t sign = uint64_t{1} << (bits == 64 ? 63 : 31);
  if (integer && Contains(types::kUnsigned, type)) search.flip = sign;
  if (options.minimum) search.flip ^= integer ? ~uint64_t{0} : sign;
  if (integer) {
    bits == 64 ? function(ArgMaxFinder<int64_t>(search, type))
               : function(ArgMaxFinder<int32_t>(search, type));
  } else {
    bits == 64 ? function(ArgMaxFinder<double>(search, type))
               : function(ArgMaxFinder<float>(search, type));
  }
}

}  // namespace

void ArgMaxRows(const ArgMaxOptions& options, ElementType type, const void* x, size_t n,
                size_t rows, int64_t* indices) {
  WithFinder(options, type, [=](const auto& finder) { finder.OfRows(x, n, rows, indices); });
}

void ArgMaxColumns(const ArgMaxOptions& options, ElementType type, const void* x, size_t n,
                   size_t stride, size_t columns, int64_t* indices) {
  WithFinder(options, type,
             [=](const auto& finder) { finder.OfColumns(x, n, stride, columns, indices); });
}

}  // namespace mullion::cpu
#endif
