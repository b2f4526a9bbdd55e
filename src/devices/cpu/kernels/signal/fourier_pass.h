// SPDX-License-Identifier: MIT
// The arithmetic of Fourier transforms, see fourier.h: T is float or double.
#ifndef MULLION_DEVICES_CPU_KERNELS_SIGNAL_FOURIER_PASS_H_
#define MULLION_DEVICES_CPU_KERNELS_SIGNAL_FOURIER_PASS_H_

#include <cstdint>

namespace mullion::cpu {

// Real and imaginary parts of several numbers.
template <typename T>
struct ComplexNumbers {
  T* re;
  T* im;
};

// One pass of Stockham's algorithm: transforms of length `radix` (2, 3, 4, 5 or 7), `count` of them
// for each of `stride` neighbours, then times factors.
struct FourierPass {
  int radix;
  int64_t count;
  int64_t stride;
  int64_t factors;  // where the pass's factors begin in the plan's table
};

// to[q + span * (radix * p + k)] = factor[p, k] * sum over j of
// exp(-2 pi i j k / radix) * from[q + span * (p + j * count)], for q below span = stride * lanes.
// `factors` are those of the pass, (real, imaginary) pairs; factor[p, 0] is 1 and not stored.
template <typename T>
void RunFourierPass(const FourierPass& pass, int64_t lanes, const T* factors,
                    ComplexNumbers<T> from, ComplexNumbers<T> to);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_SIGNAL_FOURIER_PASS_H_
