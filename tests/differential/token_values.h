// SPDX-License-Identifier: MIT
// Values that cases of transformers are made of.
#ifndef MULLION_TESTS_DIFFERENTIAL_TOKEN_VALUES_H_
#define MULLION_TESTS_DIFFERENTIAL_TOKEN_VALUES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "tests/differential/case.h"

namespace mullion::differential {

inline Tensor Small(Random& random, const Shape& shape) {
  return random.Values(ElementType::kFloat, shape, -1, 1);
}

inline Tensor Int32s(const std::vector<int32_t>& values) {
  return Tensor::Vector<int32_t>(std::span<const int32_t>(values));
}

// What lies behind a row's keys is zero: the peer gives it back as such.
inline void ClearBehind(Tensor& cache, const std::vector<int32_t>& held) {
  auto* const bytes = static_cast<std::byte*>(cache.mutable_view().data);
  const Shape& shape = cache.shape();
  const int64_t row = static_cast<int64_t>(ByteSize(cache.type(), shape[3]));
  for (int64_t i = 0; i < shape[0] * shape[1] * shape[2]; ++i) {
    if (i % shape[2] < held[static_cast<size_t>(i / shape[1] / shape[2])]) continue;
    std::fill_n(bytes + i * row, row, std::byte{0});
  }
}

}  // namespace mullion::differential

#endif  // MULLION_TESTS_DIFFERENTIAL_TOKEN_VALUES_H_
