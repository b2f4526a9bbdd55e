// SPDX-License-Identifier: MIT
// The inner loops of interpolation along one axis.
#ifndef MULLION_DEVICES_CPU_KERNELS_SIGNAL_RESAMPLE_H_
#define MULLION_DEVICES_CPU_KERNELS_SIGNAL_RESAMPLE_H_

#include <cstddef>
#include <cstdint>

namespace mullion::cpu {

// A combination of rows of n floats: y[i] is the sum over k < taps of weight[k * step] times
// x[index[k * step] * n + i]. taps >= 1.
void ResampleRows(const float* x, const int32_t* index, const float* weight, size_t step,
                  size_t taps, size_t n, float* y);

// Along a line of positions of `inner` floats each: output j is the sum over k < taps of
// weight[k * outputs + j] times position index[k * outputs + j].
void ResampleLine(const float* x, const int32_t* index, const float* weight, size_t taps,
                  size_t outputs, size_t inner, float* y);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_SIGNAL_RESAMPLE_H_
