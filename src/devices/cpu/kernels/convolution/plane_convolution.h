// SPDX-License-Identifier: MIT
// Convolution of pictures that come as a few planes to one vector of channels: the first layer of a
// small network.
//
// Lines of the planes are copied into a strip with their padding, those of every second pixel apart
// where that is the stride: an output's inputs then lie as far from its neighbour's as the output
// does, at any tap, so one register holds the addresses of a whole tile of pixels, inputs are
// loaded for two taps at once, and no tile knows of borders. A strip of few lines stays in the
// cache; the picture is never turned.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_PLANE_CONVOLUTION_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_PLANE_CONVOLUTION_H_

#include <cstdint>
#include <vector>

#include "devices/cpu/kernels/convolution/convolution.h"
#include "devices/cpu/kernels/convolution/plane_tile.h"

namespace mullion::cpu {

// Whether it is the way for pictures of any size, as few channels are made of them: tiles are then
// vectors of pixels. Hangs on weights, stride, layout and instruction set alone.
bool AreNarrowPlanes(const ConvolutionShape& shape);

// Whether it is the way for what Convolution takes otherwise.
bool UsesPlaneConvolution(const ConvolutionShape& shape);

// Takes weights from PackConvolution.
class PlaneConvolution final : public ConvolutionPlan {
 public:
  explicit PlaneConvolution(const ConvolutionShape& shape);

  size_t ScratchBytes(int threads) const override;
  void Run(const float* input, const float* packed, float* out, int64_t out_stride,
           const Epilogue& epilogue, void* scratch, Parallel& parallel) const override;
  bool ReadsPlanes() const override { return true; }

 private:
  struct Job;

  int64_t StripLines(int64_t outputs) const;
  // Some lines of outputs of one image.
  void RunBand(const Job& job, int64_t image, int64_t begin, int64_t end, float* strip) const;
  void CopyLine(const float* image, int64_t y, float* to) const;

  ConvolutionShape shape_;
  int64_t band_lines_;  // of outputs
  int64_t bands_;       // of an image
  // In floats of the strip: of the pixels of a line that lie a stride apart, and of all of a line.
  int64_t phase_floats_;
  int64_t line_floats_;
  std::vector<PlaneTap> taps_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_PLANE_CONVOLUTION_H_
