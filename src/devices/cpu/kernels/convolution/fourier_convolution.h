// SPDX-License-Identifier: MIT
// Convolution of stride 1 by kernels of 4 to 12 weights a side through Fourier transforms of 16x16
// inputs: a tile makes 17 - kernel outputs along an axis, 128 complex products a pair of channels
// instead of 5184 real ones where the kernel is 9x9.
//
// Down the columns the transform is the usual one, whose convolution wraps around; along the lines
// it is that of frequencies half a step further, whose convolution wraps around with the opposite
// sign: of real numbers it is half as many complex ones, without two that are real. What wraps
// around is no output. Vectors hold the same number of as many tiles side by side, whatever the
// channels, so lines are brought into planes first and back into pixels at last.
//
// Errors are near those of the direct form. What is not finite spreads over its tiles.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_FOURIER_CONVOLUTION_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_FOURIER_CONVOLUTION_H_

#include <span>

#include "devices/cpu/kernels/convolution/convolution.h"

namespace mullion::cpu {

// Whether this way is open, the quickest one, and worth its memory. Hangs on channels and kernel
// alone unless the size is fixed.
bool UsesFourier(const ConvolutionShape& shape);

// Transformed weights, from ONNX order [out][in][kernel].
size_t PackedFourierFloats(const ConvolutionShape& shape);
void PackFourier(const float* weights, const ConvolutionShape& shape, float* packed);

// Takes weights from PackFourier.
class FourierConvolution final : public ConvolutionPlan {
 public:
  explicit FourierConvolution(const ConvolutionShape& shape);

  size_t ScratchBytes(int threads) const override;
  void Run(const float* input, const float* packed, float* out, int64_t out_stride,
           const Epilogue& epilogue, void* scratch, Parallel& parallel) const override;
  bool TakesResidualInPlace() const override { return true; }

 private:
  struct Job;
  struct Worker;
  struct Strip;

  Worker WorkerOf(void* scratch, int worker) const;
  void RunStrip(const Job& job, const Strip& strip, const Worker& worker) const;
  void TransformLine(const Job& job, const Strip& strip, int64_t line, const Worker& worker) const;
  std::span<const float> PixelsOf(const Job& job, const Strip& strip, int64_t line) const;
  int64_t FirstOutput(const Strip& strip, int64_t line) const;
  int64_t OutputPixels(const Strip& strip) const;
  void ConvolveTiles(const Job& job, const Strip& strip, int64_t first_line,
                     const Worker& worker) const;
  void Finish(const Job& job, const Strip& strip, int64_t first_line, const Worker& worker) const;

  int64_t LineTiles() const;    // whose pixels the windows of a strip's tiles reach into
  int64_t PlaneStride() const;  // between lines of one plane, with what vectors read too much
  size_t WorkerFloats() const;

  ConvolutionShape shape_;
  int64_t lanes_;  // tiles of a strip
  int64_t tile_down_;
  int64_t tile_across_;
  int64_t tiles_down_;
  int64_t tiles_across_;
  int64_t strips_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_FOURIER_CONVOLUTION_H_
