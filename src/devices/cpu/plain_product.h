// SPDX-License-Identifier: MIT
// Matrix products by plain loops, for element types without kernels of their own.
#ifndef MULLION_DEVICES_CPU_PLAIN_PRODUCT_H_
#define MULLION_DEVICES_CPU_PLAIN_PRODUCT_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "base/parallel.h"

namespace mullion::cpu {

// Element (row, k) of the left operand is at row * left_row + k * left_k, and so on.
struct ProductStrides {
  int64_t rows = 0;
  int64_t depth = 0;
  int64_t columns = 0;
  int64_t left_row = 0;
  int64_t left_k = 1;
  int64_t right_k = 0;
  int64_t right_column = 1;
};

// In unsigned arithmetic integers wrap around, where signed ones would be undefined.
template <typename T>
using ProductType = typename std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>,
                                                std::common_type<T>>::type;

// out = left x right, row-major.
template <typename T>
void MultiplyPlain(const ProductStrides& s, const T* left, const T* right, T* out,
                   Parallel& parallel) {
  using P = ProductType<T>;
  constexpr int64_t kLeastWork = 100'000;  // multiply-adds of a chunk
  const int64_t work = std::max<int64_t>(s.depth * s.columns, 1);
  parallel.For(s.rows, std::max<int64_t>(kLeastWork / work, 1),
               [&](int64_t begin, int64_t end, int /*worker*/) {
                 for (int64_t row = begin; row < end; ++row) {
                   T* const to = out + row * s.columns;
                   std::fill_n(to, s.columns, T{0});
                   for (int64_t k = 0; k < s.depth; ++k) {
                     const P x = static_cast<P>(left[row * s.left_row + k * s.left_k]);
                     const T* const y = right + k * s.right_k;
                     for (int64_t n = 0; n < s.columns; ++n) {
                       to[n] = static_cast<T>(static_cast<P>(to[n]) +
                                              x * static_cast<P>(y[n * s.right_column]));
                     }
                   }
                 }
               });
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_PLAIN_PRODUCT_H_
