// SPDX-License-Identifier: MIT
// Winograd's F(4x4, 3x3), or F(2x2, 3x3) for many channels: a convolution of 3x3 kernels with
// stride 1 by four times, or 2.25 times, fewer multiplications (Lavin and Gray, "Fast Algorithms
// for Convolutional Neural Networks", 2015).
//
// Each 4x4 tile of the output comes from a 6x6 tile of the input. Both input and weights are
// transformed to 36 numbers a channel; the products are 36 matrix products over channels; their
// results are transformed back. Tiles of 2x2 outputs have 16 numbers. Sums are rounded in another
// order than those of the direct form: errors stay near 1e-5 of the largest result. What is not
// finite spreads over its whole tile.
#ifndef MULLION_DEVICES_CPU_KERNELS_WINOGRAD_H_
#define MULLION_DEVICES_CPU_KERNELS_WINOGRAD_H_

#include "devices/cpu/kernels/convolution.h"
#include "devices/cpu/kernels/even_blocks.h"
#include "devices/cpu/kernels/winograd_transform.h"

namespace mullion::cpu {

// Whether this way is open and is worth its memory, 4 or 1.8 times that of the weights. Hangs on
// channels and kernel alone, so that packed weights serve images of any size.
bool UsesWinograd(const ConvolutionShape& shape);

// Transformed weights, from ONNX order [out][in][3][3].
size_t PackedWinogradFloats(int64_t out_channels, int64_t in_channels);
void PackWinograd(const float* weights, int64_t out_channels, int64_t in_channels, float* packed);

// Takes weights from PackWinograd.
class Winograd final : public ConvolutionPlan {
 public:
  explicit Winograd(const ConvolutionShape& shape);

  size_t ScratchBytes(int threads) const override;
  void Run(const float* input, const float* packed, float* out, int64_t out_stride,
           const Epilogue& epilogue, void* scratch, Parallel& parallel) const override;
  bool TakesResidualInPlace() const override { return true; }

 private:
  struct Job;

  RowBlocks TileBlocks(int threads) const;
  static bool SharesInput(const RowBlocks& tiles, int threads);
  int64_t InputStride(int64_t tiles) const;
  int64_t SumFloats(const RowBlocks& tiles) const;
  // Transformed input: matrices, `point_stride` floats apart, of one row for each tile.
  void TransformInput(const Job& job, int64_t begin, int64_t end, float* rows,
                      int64_t point_stride) const;
  // One block of columns for a block of tiles, whose first row is at `rows`.
  void Multiply(const Job& job, int64_t tile_block, int64_t column_block, const float* rows,
                int64_t point_stride, float* sums) const;
  void Finish(const Job& job, int64_t tile_block, int64_t column_block, const float* sums) const;

  ConvolutionShape shape_;
  WinogradForm form_;
  ColumnBlocks blocks_;
  int64_t channels_;  // of the input, padded to whole vectors
  int64_t tiles_down_;
  int64_t tiles_across_;
  int64_t tiles_;             // of the whole batch
  int64_t most_tiles_;        // of a block
  std::vector<float> zeros_;  // a pixel outside the image
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_WINOGRAD_H_
