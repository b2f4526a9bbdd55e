// SPDX-License-Identifier: MIT
// Convolution with a stride over few channels, as the first one of most networks is. Pixels within
// a stride of each other become the channels of one pixel, over which a smaller kernel goes with
// stride 1, and Winograd's forms are open to it: of 7x7 weights over 3 channels with stride 2 are
// made 4x4 over 12, and 31 multiplications an output are left of 147.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_FOLDED_STRIDE_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_FOLDED_STRIDE_H_

#include <vector>

#include "devices/cpu/kernels/convolution/winograd.h"

namespace mullion::cpu {

// Whether this way is open and the quicker one. Hangs on channels, kernel and pads alone, so that
// packed weights serve images of any size, unless the size is fixed.
bool UsesFoldedStride(const ConvolutionShape& shape);

// Packed weights, from ONNX order [out][in][kernel]. Those for planes are others.
size_t PackedFoldedStrideFloats(const ConvolutionShape& shape);
void PackFoldedStride(const float* weights, const ConvolutionShape& shape, float* packed);

// Takes weights from PackFoldedStride.
class FoldedStride final : public ConvolutionPlan {
 public:
  explicit FoldedStride(const ConvolutionShape& shape);

  size_t ScratchBytes(int threads) const override;
  void Run(const float* input, const float* packed, float* out, int64_t out_stride,
           const Epilogue& epilogue, void* scratch, Parallel& parallel) const override;
  bool ReadsPlanes() const override;
  bool TakesResidualInPlace() const override { return true; }

 private:
  size_t ImageBytes() const;
  void FoldLine(const float* image, int64_t line, float* to) const;

  ConvolutionShape shape_;
  ConvolutionShape folded_;
  Winograd winograd_;
  std::vector<float> zeros_;  // a line below the image
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_FOLDED_STRIDE_H_
