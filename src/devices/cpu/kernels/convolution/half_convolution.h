// SPDX-License-Identifier: MIT
// Convolution in half precision (see half_product.h), of one group.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_HALF_CONVOLUTION_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_HALF_CONVOLUTION_H_

#include <cstddef>
#include <cstdint>

#include "devices/cpu/kernels/convolution/convolution.h"
#include "devices/cpu/kernels/matrix/half_product.h"

namespace mullion::cpu {

// Whether half precision makes the convolution faster. Hangs on the weights alone.
bool GainsFromHalf(const ConvolutionShape& shape);

size_t PackedHalfConvolutionFloats(const ConvolutionShape& shape);
void PackHalfConvolution(const float* weights, const ConvolutionShape& shape, float* packed);

// Takes weights from PackHalfConvolution.
class HalfConvolution final : public ConvolutionPlan {
 public:
  HalfConvolution(const ConvolutionShape& shape, TileFinder tiles);

  size_t ScratchBytes(int threads) const override;
  void Run(const float* input, const float* packed, float* out, int64_t out_stride,
           const Epilogue& epilogue, void* scratch, Parallel& parallel) const override;
  bool TakesResidualInPlace() const override { return true; }

 private:
  const int64_t channels_;
  const bool narrows_blocks_;
  ConvolutionRows rows_;  // of floats where blocks are narrowed, else of pairs
  MatrixProduct product_;
  int64_t pixels_ = 1;  // of all images
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_HALF_CONVOLUTION_H_
