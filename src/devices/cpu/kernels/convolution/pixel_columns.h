// SPDX-License-Identifier: MIT
// Convolution to few channels, which would leave most of a vector empty: the channels of several
// output pixels side by side are the columns of one row of the product.
//
// Each pixel after the first widens the window by a stride, and the weights by zeros for what it
// does not see: a kernel of 256 taps that makes one channel, with stride 2, takes 286 multiply-adds
// of vectors for 16 pixels instead of 4096. What is not finite spreads over the pixels of its row.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_PIXEL_COLUMNS_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_PIXEL_COLUMNS_H_

#include <vector>

#include "devices/cpu/kernels/convolution/convolution.h"

namespace mullion::cpu {

// Output pixels that share a row; 1 where this is not the quicker way. Hangs on weights, stride and
// instruction set alone.
int64_t PixelsAtOnce(const ConvolutionShape& shape);

// Packed weights, from ONNX order [out][in][kernel].
size_t PackedPixelColumnsFloats(const ConvolutionShape& shape);
void PackPixelColumns(const float* weights, const ConvolutionShape& shape, float* packed);

// Takes weights from PackPixelColumns.
class PixelColumns final : public ConvolutionPlan {
 public:
  explicit PixelColumns(const ConvolutionShape& shape);

  size_t ScratchBytes(int threads) const override;
  void Run(const float* input, const float* packed, float* out, int64_t out_stride,
           const Epilogue& epilogue, void* scratch, Parallel& parallel) const override;
  bool NeedsDensePixels() const override { return true; }
  bool TakesResidualInPlace() const override { return true; }

 private:
  PaddedImage image_;
  ConvolutionRows rows_;
  MatrixProduct product_;
  int64_t channels_;  // of the output
  // First output pixel of each line; all are one where they end with whole rows.
  std::vector<int64_t> lines_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_PIXEL_COLUMNS_H_
