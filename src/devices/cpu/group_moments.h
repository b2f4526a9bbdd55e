// SPDX-License-Identifier: MIT
// What InstanceNormalization and GroupNormalization share: mean and variance over all elements of a
// group of channels of one image, in either layout, and scaling by them.
#ifndef MULLION_DEVICES_CPU_GROUP_MOMENTS_H_
#define MULLION_DEVICES_CPU_GROUP_MOMENTS_H_

#include <cstddef>
#include <cstdint>

#include "base/parallel.h"
#include "devices/cpu/kernels/elementwise/activation.h"

namespace mullion::cpu {

struct GroupNormalizer {
  int64_t batch;
  int64_t channels;
  int64_t spatial;
  int64_t groups;  // divides `channels`
  bool channels_last;
  float epsilon;
  Activation activation = {};
  const float* residual = nullptr;  // like `x`, or larger; may be null

  // Where pixels of a residual that is larger lie, channels last: pixel p of line y of image i at
  // i * image + y * line + p + first. `width` is that of `x`; 0 where the residual is like `x`.
  struct LargerResidual {
    int64_t width = 0;
    int64_t line = 0;
    int64_t image = 0;
    int64_t first = 0;
  };
  LargerResidual larger = {};

  // y = activation((x - mean) / sqrt(variance + epsilon) * scale[c] + bias[c] + residual). With
  // `per_group`, scale and bias have one element for each group instead of one for each channel.
  // `x` and `y` may be the same.
  void Run(const float* x, const float* scale, const float* bias, bool per_group, float* y,
           void* scratch, Parallel& parallel) const;
  size_t ScratchBytes() const;

 private:
  void Finish(int64_t offset, int64_t count, int64_t residual_offset, float* y) const;
  void FinishPixels(int64_t image, int64_t pixel, int64_t count, float* y) const;
  void RunChannelsFirst(const float* x, const float* scale, const float* bias, bool per_group,
                        float* y, Parallel& parallel) const;
  void RunChannelsLast(const float* x, const float* scale, const float* bias, bool per_group,
                       float* y, void* scratch, Parallel& parallel) const;
};

// The same for double, channels first, on one thread, without residual and activation.
void NormalizeGroups(const GroupNormalizer& sizes, const double* x, const double* scale,
                     const double* bias, bool per_group, double* y);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_GROUP_MOMENTS_H_
