// SPDX-License-Identifier: MIT
// A 1×1 convolution in four groups with channels last that gives out its channels shuffled (see
// shuffled_tile.h), of columns that have tiles.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_SHUFFLED_CONVOLUTION_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_SHUFFLED_CONVOLUTION_H_

#include "devices/cpu/kernels/convolution/convolution.h"

namespace mullion::cpu {

size_t PackedShuffledFloats(const ConvolutionShape& shape);
void PackShuffled(const float* weights, const ConvolutionShape& shape, float* packed);

// Takes weights from PackShuffled. There is no residual.
class ShuffledConvolution final : public ConvolutionPlan {
 public:
  explicit ShuffledConvolution(const ConvolutionShape& shape);

  size_t ScratchBytes(int threads) const override;
  void Run(const float* input, const float* packed, float* out, int64_t out_stride,
           const Epilogue& epilogue, void* scratch, Parallel& parallel) const override;

 private:
  int64_t rows_;
  int64_t depth_;    // of a group
  int64_t columns_;  // of all
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_SHUFFLED_CONVOLUTION_H_
