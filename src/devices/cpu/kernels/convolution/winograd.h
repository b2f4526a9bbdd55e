// SPDX-License-Identifier: MIT
// Winograd's F(4x4, 3x3), or F(2x2, 3x3) for many channels, or F(5x5, 3x3) or F(6x6, 3x3) for
// images of known sizes that they fit: a convolution of 3x3 kernels with stride 1 by four times,
// 2.25 times, 4.6 or five times fewer multiplications (Lavin and Gray, "Fast Algorithms for
// Convolutional Neural Networks", 2015).
//
// Each 4x4 tile of the output comes from a 6x6 tile of the input. Both input and weights are
// transformed to 36 numbers a channel; the products are 36 matrix products over channels; their
// results are transformed back. Tiles of 2x2 outputs have 16 numbers, those of 5x5 have 49,
// those of 6x6 have 64.
//
// Where nine tiles of 5x5 outputs meet many weights, AVX-512 keeps these transformed across only
// and transforms them down as it multiplies (winograd_column.h): what 49 numbers a kernel take to
// come from memory is more than their products take.
//
// With stride 2, inputs in even places meet the first and last weight, a kernel of 2, and those in
// odd places the one in the middle: along an axis four outputs take 5 multiplications and 4 instead
// of 12, and a tile 81 instead of 144, with the weights as 36 numbers.
//
// Square kernels of r = 4 to 6 weights along each axis take the points of F(6x6, 3x3) too, which
// make 9 - r outputs along each: 5 to 6.25 times fewer multiplications.
//
// A kernel of r weights along one axis, 3 to 7 of them, takes tiles of 9 - r outputs of a line,
// which come from eight inputs: 1.75 to 2.5 times fewer multiplications. Where pixels are dilated,
// a tile is made of those that lie the dilation apart.
//
// Sums are rounded in another order than those of the direct form: errors stay near 1e-5 of the
// largest result. What is not finite spreads over its whole tile.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_WINOGRAD_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_WINOGRAD_H_

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "devices/cpu/kernels/convolution/convolution.h"
#include "devices/cpu/kernels/convolution/winograd_form.h"
#include "devices/cpu/kernels/simd/even_blocks.h"

namespace mullion::cpu {

// Transformed weights, from ONNX order [out][in][kernel].
size_t PackedWinogradFloats(const ConvolutionShape& shape);
void PackWinograd(const RightSource& weights, const ConvolutionShape& shape, float* packed);
inline void PackWinograd(const float* weights, const ConvolutionShape& shape, float* packed) {
  PackWinograd(RightSource::Convolution(weights, shape.in_channels, shape.Taps()), shape, packed);
}

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

  int64_t TilesAtOnce() const;
  RowBlocks TileBlocks(int threads) const;
  int64_t InputStride(int64_t tiles) const;
  int64_t InputFloats(int64_t tiles) const;
  int64_t SumFloats(const RowBlocks& tiles) const;
  int64_t WorkerFloats(const RowBlocks& tiles) const;
  // Transformed input: matrices, `point_stride` floats apart, of one row for each tile.
  void TransformInput(const Job& job, int64_t begin, int64_t end, float* rows,
                      int64_t point_stride) const;
  // One block of columns for a block of tiles, whose first row is at `rows`.
  void Multiply(const Job& job, int64_t tile_block, int64_t column_block, const float* rows,
                int64_t point_stride, float* sums) const;
  // The products of that with weights that are transformed across only.
  void MultiplyColumns(const Job& job, int64_t tile_block, int64_t column_block, const float* rows,
                       int64_t point_stride, float* sums) const;
  void Finish(const Job& job, int64_t tile_block, int64_t column_block, const float* sums) const;

  WinogradForm form_;
  int64_t in_channels_;
  ColumnBlocks blocks_;
  int64_t channels_;  // of the input, padded to whole vectors
  TileAxis down_;
  TileAxis across_;
  int64_t tiles_;             // of the whole batch
  int64_t most_tiles_;        // of a block
  std::vector<float> zeros_;  // a pixel outside the image
  // Where sizes leave too little of the tiles, with its weights behind the transformed ones.
  std::unique_ptr<Convolution> direct_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_WINOGRAD_H_
