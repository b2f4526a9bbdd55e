// SPDX-License-Identifier: MIT
// Divisions that round up.
#ifndef MULLION_BASE_ROUNDING_H_
#define MULLION_BASE_ROUNDING_H_

#include <cstdint>

namespace mullion {

// `a` at least 0 and `b` above 0; their sum must fit.
constexpr int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }
// The first multiple of `step` from `a` on.
constexpr int64_t RoundUp(int64_t a, int64_t step) { return DivideUp(a, step) * step; }

}  // namespace mullion

#endif  // MULLION_BASE_ROUNDING_H_
