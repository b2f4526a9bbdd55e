// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/scatter_rows.h"

#include <bit>
#include <type_traits>

#include "base/element_traits.h"
#include "devices/cpu/kernels/simd/for_elements.h"

namespace mullion::cpu {

namespace {

using operators::ScatterReduction;

// Integers as unsigned ones, which wrap; narrow ones would be promoted to int.
template <typename T>
struct ScatterTypeOf {
  using Stored = T;
  using Computed = ComputeType<T>;
};
template <typename T>
requires std::is_integral_v<T>
struct ScatterTypeOf<T> {
  using Stored = std::make_unsigned_t<T>;
  using Computed = std::conditional_t<(sizeof(T) > 4), uint64_t, uint32_t>;
};

template <typename T>
struct TakeSum {
  using Element = T;
  using C = typename ScatterTypeOf<T>::Computed;
  static T Of(T a, T b, T /*key*/) { return static_cast<T>(static_cast<C>(a) + static_cast<C>(b)); }
};

template <typename T>
struct TakeProduct {
  using Element = T;
  using C = typename ScatterTypeOf<T>::Computed;
  static T Of(T a, T b, T /*key*/) { return static_cast<T>(static_cast<C>(a) * static_cast<C>(b)); }
};

// b if `takes`, else a. Which number is greater is not foreseen, so bits are chosen by a mask.
template <typename U>
U ChosenByMask(bool takes, U a, U b) {
  return static_cast<U>(a ^ ((a ^ b) & (U{0} - static_cast<U>(takes))));
}

// NaN is asked for by itself, as it is foreseen.
template <typename T>
struct TakeGreatest {
  using Element = T;
  static T Of(T a, T b, T /*key*/) {
    if constexpr (std::is_arithmetic_v<T>) {
      return b != b ? b : b > a ? b : a;
    } else {
      const auto p = static_cast<float>(a);
      const auto q = static_cast<float>(b);
      return std::bit_cast<T>(ChosenByMask(!(q <= p) && p == p, std::bit_cast<uint16_t>(a),
                                           std::bit_cast<uint16_t>(b)));
    }
  }
};
template <typename T>
struct TakeLeast {
  using Element = T;
  static T Of(T a, T b, T /*key*/) {
    if constexpr (std::is_arithmetic_v<T>) {
      return b != b ? b : b < a ? b : a;
    } else {
      const auto p = static_cast<float>(a);
      const auto q = static_cast<float>(b);
      return std::bit_cast<T>(ChosenByMask(!(q >= p) && p == p, std::bit_cast<uint16_t>(a),
                                           std::bit_cast<uint16_t>(b)));
    }
  }
};

// Of integers both, signed and unsigned: what is greater once the bits of the key are turned.
template <typename U>
struct TakeGreatestTurned {
  using Element = U;
  static U Of(U a, U b, U key) {
    using S = std::make_signed_t<U>;
    return ChosenByMask(static_cast<S>(b ^ key) > static_cast<S>(a ^ key), a, b);
  }
};
template <typename U>
uint64_t TurningKey(ScatterReduction reduction, bool is_signed) {
  const U sign = is_signed ? U{0} : static_cast<U>(U{1} << (8 * sizeof(U) - 1));
  return static_cast<U>(reduction == ScatterReduction::kMin ? ~sign : sign);
}

template <typename Op>
void TakeRows(const UpdateRows& rows, const int64_t* places, int64_t count, uint64_t turned,
              void* y) {
  using T = typename Op::Element;
  const T* from = static_cast<const T*>(rows.updates);
  T* const to = static_cast<T*>(y);
  T key{};
  if constexpr (std::is_integral_v<T>) key = static_cast<T>(turned);
  const int64_t stride = rows.stride;
  const int64_t length = rows.length;
  if (length == 1) {
    for (int64_t i = 0; i < count; ++i, from += stride) {
      T& element = to[places[i]];
      element = Op::Of(element, *from, key);
    }
    return;
  }
  for (int64_t i = 0; i < count; ++i, from += stride) {
    T* const row = to + places[i];
    // The compiler sees whole vectors of the narrowest kinds, so that it needs little other code.
    constexpr int64_t kLanes = sizeof(T) == 1 ? 8 : 16 / int64_t{sizeof(T)};
    const int64_t whole = std::is_arithmetic_v<T> ? length & ~(kLanes - 1) : 0;
#pragma GCC ivdep
    for (int64_t j = 0; j < whole; ++j) row[j] = Op::Of(row[j], from[j], key);
    ForEachPlainly(static_cast<size_t>(whole), static_cast<size_t>(length),
                   [=](size_t j) { row[j] = Op::Of(row[j], from[j], key); });
  }
}

}  // namespace

ScatterRows::ScatterRows(ScatterReduction reduction, ElementType type) {
  DispatchType(NumericTypes{}, type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Stored = typename ScatterTypeOf<T>::Stored;
    if (reduction == ScatterReduction::kAdd) {
      take_ = &TakeRows<TakeSum<Stored>>;
    } else if (reduction == ScatterReduction::kMul) {
      take_ = &TakeRows<TakeProduct<Stored>>;
    } else if constexpr (std::is_integral_v<T>) {
      take_ = &TakeRows<TakeGreatestTurned<Stored>>;
      key_ = TurningKey<Stored>(reduction, std::is_signed_v<T>);
    } else if (reduction == ScatterReduction::kMax) {
      take_ = &TakeRows<TakeGreatest<T>>;
    } else {
      take_ = &TakeRows<TakeLeast<T>>;
    }
  });
}

}  // namespace mullion::cpu
