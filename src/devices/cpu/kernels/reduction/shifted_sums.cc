// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/reduction/shifted_sums.h"

#include <cstring>

#include "base/element_traits.h"
#include "devices/cpu/kernels/simd/for_elements.h"

#define MULLION_SCALAR_IN_USE
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/reduction/shifted_sums.cc"
#include "devices/cpu/kernels/simd/simd.h"
#include "devices/cpu/kernels/simd/two_copies.h"

#if MULLION_IS_OF_TWO_COPIES

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {
namespace {

using FloatDouble = TypeList<float, double>;

// Vectors of the compiler's, which keeps them in registers: arrays it would not.
constexpr size_t kLanes = HWY_TARGET == HWY_AVX2 ? 4 : 2;
typedef double Doubles __attribute__((vector_size(kLanes * sizeof(double))));

struct LaneSums {
  Doubles sum = {};
  Doubles squares = {};

  template <typename T>
  HWY_INLINE void Take(const T* x, const Doubles& origin) {
    typedef T Elements __attribute__((vector_size(kLanes * sizeof(T))));
    Elements elements;
    std::memcpy(&elements, x, sizeof(elements));
    const Doubles difference = __builtin_convertvector(elements, Doubles) - origin;
    sum += difference;
    squares += difference * difference;
  }
  HWY_INLINE void Merge(const LaneSums& other) {
    sum += other.sum;
    squares += other.squares;
  }
};

template <typename T>
void Add(const T* x, size_t n, double origin, ShiftedSums& sums) {
  const Doubles all = Doubles{} + origin;
  LaneSums a, b, c, e;
  const size_t vectors = n / kLanes * kLanes;
  size_t i = 0;
  for (; i + 4 * kLanes <= vectors; i += 4 * kLanes) {
    a.Take(x + i, all);
    b.Take(x + i + kLanes, all);
    c.Take(x + i + 2 * kLanes, all);
    e.Take(x + i + 3 * kLanes, all);
  }
  for (; i < vectors; i += kLanes) a.Take(x + i, all);
  a.Merge(b);
  c.Merge(e);
  a.Merge(c);
  for (size_t lane = 0; lane < kLanes; ++lane) {
    sums.sum += a.sum[lane];
    sums.squares += a.squares[lane];
  }
  for (; i < n; ++i) {
    const double difference = static_cast<double>(x[i]) - origin;
    sums.sum += difference;
    sums.squares += difference * difference;
  }
}

template <typename T>
void Scale(const T* x, size_t n, double mean, double factor, T* y) {
  ForElements(
      n, [=](size_t i) { y[i] = static_cast<T>((static_cast<double>(x[i]) - mean) * factor); });
}

template <typename T>
void AddRow(const T* x, size_t n, const double* origins, double* sums, double* squares) {
  ForElements(n, [=](size_t i) {
    const double difference = static_cast<double>(x[i]) - origins[i];
    sums[i] += difference;
    squares[i] += difference * difference;
  });
}

template <typename T>
void ScaleRow(const T* x, size_t n, const double* means, const double* factors, T* y) {
  ForElements(n, [=](size_t i) {
    y[i] = static_cast<T>((static_cast<double>(x[i]) - means[i]) * factors[i]);
  });
}

}  // namespace

void AddShiftedOf(ElementType type, const void* x, size_t n, double origin, ShiftedSums& sums) {
  DispatchType(FloatDouble{}, type, [&](auto tag) {
    Add(static_cast<const typename decltype(tag)::type*>(x), n, origin, sums);
  });
}

void ScaleShiftedOf(ElementType type, const void* x, size_t n, double mean, double factor,
                    void* y) {
  DispatchType(FloatDouble{}, type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    Scale(static_cast<const T*>(x), n, mean, factor, static_cast<T*>(y));
  });
}

void AddShiftedColumnsOf(ElementType type, const void* x, size_t rows, size_t stride, size_t n,
                         const double* origins, double* sums, double* squares) {
  DispatchType(FloatDouble{}, type, [&](auto tag) {
    const auto* row = static_cast<const typename decltype(tag)::type*>(x);
    for (size_t r = 0; r < rows; ++r, row += stride) AddRow(row, n, origins, sums, squares);
  });
}

void ScaleShiftedColumnsOf(ElementType type, const void* x, size_t rows, size_t stride, size_t n,
                           const double* means, const double* factors, void* y) {
  DispatchType(FloatDouble{}, type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (size_t r = 0; r < rows; ++r) {
      ScaleRow(static_cast<const T*>(x) + r * stride, n, means, factors,
               static_cast<T*>(y) + r * stride);
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif

#if HWY_ONCE
namespace mullion::cpu {

void AddShifted(ElementType type, const void* x, size_t n, double origin, ShiftedSums& sums) {
  MULLION_TWO_COPIES_CALL(AddShiftedOf)(type, x, n, origin, sums);
}

void ScaleShifted(ElementType type, const void* x, size_t n, double mean, double factor, void* y) {
  MULLION_TWO_COPIES_CALL(ScaleShiftedOf)(type, x, n, mean, factor, y);
}

void AddShiftedColumns(ElementType type, const void* x, size_t rows, size_t stride, size_t n,
                       const double* origins, double* sums, double* squares) {
  MULLION_TWO_COPIES_CALL(AddShiftedColumnsOf)(type, x, rows, stride, n, origins, sums, squares);
}

void ScaleShiftedColumns(ElementType type, const void* x, size_t rows, size_t stride, size_t n,
                         const double* means, const double* factors, void* y) {
  MULLION_TWO_COPIES_CALL(ScaleShiftedColumnsOf)(type, x, rows, stride, n, means, factors, y);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
