// SPDX-License-Identifier: MIT
// A convolution of images with channels last whose output is pooled at once, by maxima of windows.
//
// A first layer makes several megabytes that a pool reads once. Made a few lines at a time in a
// ring, they stay in the level 2 cache of the thread that pools them: nothing of theirs is written
// to memory or read by another core. Lines that windows of two bands share are made twice.
#ifndef MULLION_DEVICES_CPU_POOLED_CONVOLUTION_H_
#define MULLION_DEVICES_CPU_POOLED_CONVOLUTION_H_

#include "devices/cpu/kernels/convolution/convolution.h"
#include "devices/cpu/kernels/pooling/pool.h"
#include "operators/pool.h"

namespace mullion::cpu {

// Takes weights from PackConvolution.
class PooledConvolution final : public ConvolutionPlan {
 public:
  // `shape` has two spatial axes and a pixel that is made of several. Rows of Run's output are
  // pixels of the pool's, without gaps between them; there is no residual.
  PooledConvolution(const ConvolutionShape& shape, const operators::PoolParameters& pool);

  size_t ScratchBytes(int threads) const override;
  void Run(const float* input, const float* packed, float* out, int64_t out_stride,
           const Epilogue& epilogue, void* scratch, Parallel& parallel) const override;

 private:
  struct Job;
  size_t WorkerBytes() const;
  // Lines [begin, end) of one image of the pool's output.
  void RunBand(const Job& job, int64_t image, int64_t begin, int64_t end, char* memory) const;

  Convolution convolution_;
  PoolFunctions functions_;
  int64_t batch_;
  operators::WindowAxis down_;
  PoolRow row_;
  int64_t line_pixels_;  // of the convolution's output
  int64_t line_floats_;
  int64_t pooled_floats_;  // of a line of the pool's
  int64_t step_;           // lines that are made at a time
  int64_t ring_;           // and that there is room for
  int64_t bands_;          // of an image
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_POOLED_CONVOLUTION_H_
