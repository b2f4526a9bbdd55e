// SPDX-License-Identifier: MIT
// Winograd's F(4x4, 3x3) and F(4x4, 5x5) for images of few channels: a network's first layer.
//
// Products over one to four channels are too short for the matrix kernel: here those of a column of
// points stay in registers until they are outputs of that column, so the sums of all points are
// never stored. Lines are transformed along their columns as a whole, then tile by tile.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_THIN_WINOGRAD_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_THIN_WINOGRAD_H_

#include <vector>

#include "devices/cpu/kernels/convolution/convolution.h"
#include "devices/cpu/kernels/convolution/thin_winograd_tile.h"
#include "devices/cpu/kernels/convolution/winograd_form.h"

namespace mullion::cpu {

// Takes weights from PackWinograd where IsThinWinograd.
class ThinWinograd final : public ConvolutionPlan {
 public:
  explicit ThinWinograd(const ConvolutionShape& shape);

  size_t ScratchBytes(int threads) const override;
  void Run(const float* input, const float* packed, float* out, int64_t out_stride,
           const Epilogue& epilogue, void* scratch, Parallel& parallel) const override;

 private:
  struct Job;

  int64_t WorkerFloats() const;
  // The tiles of one line of tiles.
  void RunLine(const Job& job, int64_t line, float* scratch) const;
  void MakeLines(const float* image, int64_t first, float* lines) const;

  int64_t channels_;
  int64_t batch_;
  ColumnBlocks blocks_;
  TileAxis down_;
  TileAxis across_;
  int64_t line_floats_ = 0;  // of a transformed line
  // Where the image's line begins in it, how much of the image's there is, and from where on.
  int64_t to_ = 0;
  int64_t count_ = 0;
  int64_t from_ = 0;
  std::vector<float> zeros_;  // a line outside the image
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_THIN_WINOGRAD_H_
