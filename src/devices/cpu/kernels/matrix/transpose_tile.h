// SPDX-License-Identifier: MIT
// Transposition of matrices of small elements, the inner step of every change of layout.
#ifndef MULLION_DEVICES_CPU_KERNELS_MATRIX_TRANSPOSE_TILE_H_
#define MULLION_DEVICES_CPU_KERNELS_MATRIX_TRANSPOSE_TILE_H_

#include <cstddef>
#include <cstdint>

namespace mullion::cpu {

// A matrix of `rows` x `columns` elements of 1, 2, 4, 8 or 16 bytes. Element (r, c) is read from
// `from + r * from_stride + c * element` and written to `to + c * to_stride + r * element`, strides
// and `element` in bytes. No alignment is needed. Everything touched should fit the first-level
// cache: callers cut large matrices into tiles.
void TransposeTile(size_t element, const uint8_t* from, ptrdiff_t from_stride, uint8_t* to,
                   ptrdiff_t to_stride, size_t rows, size_t columns);

// Whether Interleave and Deinterleave know `streams` streams of such elements: 2 to 4 streams of up
// to 8 bytes.
bool CanInterleave(size_t element, int64_t streams);

// Joins `streams` rows of `count` elements, `from_stride` bytes apart, element by element: planar
// pixels to packed ones.
void Interleave(size_t element, int streams, const uint8_t* from, ptrdiff_t from_stride,
                uint8_t* to, size_t count);

// The reverse: packed pixels to planar ones.
void Deinterleave(size_t element, int streams, const uint8_t* from, uint8_t* to,
                  ptrdiff_t to_stride, size_t count);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_MATRIX_TRANSPOSE_TILE_H_
