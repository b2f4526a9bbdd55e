// SPDX-License-Identifier: MIT
// Mean and variance in one pass over memory. Short blocks are looked at twice while they are in the
// first-level cache, and their moments are merged by the formula of Chan, Golub and LeVeque
// ("Algorithms for computing the sample variance", 1983), so that large means cost no accuracy.
#ifndef MULLION_DEVICES_CPU_KERNELS_REDUCTION_MOMENTS_H_
#define MULLION_DEVICES_CPU_KERNELS_REDUCTION_MOMENTS_H_

#include <cstddef>
#include <cstdint>

namespace mullion::cpu {

// Of `count` numbers: their mean, and the sum of their squared differences from it.
struct Moments {
  int64_t count = 0;
  float mean = 0;
  float deviation = 0;

  void Merge(const Moments& other);
};

Moments MomentsOf(const float* x, size_t n);

// Merges the moments of `rows` rows into those of `count` earlier rows, for each of n columns.
// Rows are `stride` floats apart. With `count` == 0 `mean` and `deviation` may hold anything.
void MomentsOfColumns(const float* x, size_t rows, size_t stride, size_t n, int64_t count,
                      float* mean, float* deviation);

// Rows of n floats, one behind the other, each normalized by its own moments:
// y = (x - mean) * inverse * scale + shift, where inverse = 1 / sqrt(variance + epsilon).
struct RowNormalization {
  const float* x = nullptr;
  float* y = nullptr;  // may be `x`
  int64_t rows = 0;
  size_t n = 0;
  float epsilon = 0;
  bool centered = true;          // false: the mean is taken to be zero
  const float* scale = nullptr;  // n of them
  const float* shift = nullptr;  // n of them, or null
  // One for each row, or null.
  float* means = nullptr;
  float* inverses = nullptr;
};
void NormalizeRows(const RowNormalization& rows);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_REDUCTION_MOMENTS_H_
