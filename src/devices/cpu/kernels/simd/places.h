// SPDX-License-Identifier: MIT
// Indices along an axis as places in memory.
#ifndef MULLION_DEVICES_CPU_KERNELS_SIMD_PLACES_H_
#define MULLION_DEVICES_CPU_KERNELS_SIMD_PLACES_H_

#include <cstddef>
#include <cstdint>

namespace mullion::cpu {

// Index k of `dim`, negative ones counted from the end, that stands at position i of a line names
// the element at `base + k * stride + i * step`.
struct PlaceLine {
  int64_t dim;
  int64_t stride;
  int64_t base;
  int64_t step;
};

// Whether all indices lie in [-dim, dim); only then the places are of use.
bool FindPlaces(const PlaceLine& line, const int64_t* indices, size_t count, int64_t* places);
bool FindPlaces(const PlaceLine& line, const int32_t* indices, size_t count, int64_t* places);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_SIMD_PLACES_H_
