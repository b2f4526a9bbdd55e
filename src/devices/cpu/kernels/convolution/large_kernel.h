// SPDX-License-Identifier: MIT
// Convolution of stride 1 by kernels that are larger than 3x3, with Winograd's F(3x3, 3x3).
//
// The kernel is cut into blocks of 3x3, and the output into tiles of 3x3. A tile and a block come
// from a 5x5 tile of the input, and as tiles are as large as blocks, the one that lies `b` blocks
// further is the one of the output tile `b` tiles further: each tile of the input is transformed
// once, to 25 numbers a channel, and all blocks read it. Their products are summed before they are
// transformed back, so for each of the 25 points a line of tiles is a convolution by a kernel of a
// third of the size: 25 multiplications a block and tile instead of 81. Sums are rounded in another
// order than those of the direct form, and what is not finite spreads over its whole tile.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_LARGE_KERNEL_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_LARGE_KERNEL_H_

#include <vector>

#include "devices/cpu/kernels/convolution/convolution.h"

namespace mullion::cpu {

// How the 25 products are laid out. Hangs on weights and instruction set alone.
struct LargeKernelForm {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t blocks_down = 0;  // of the kernel
  int64_t blocks_across = 0;
  // What fills vectors when there are few channels. Either neighbouring tiles whose outputs are
  // columns of one row of the product, where each tile after the first adds zeros for one block to
  // the weights; or the products of the blocks in a line as columns, which are added afterwards.
  int64_t tiles_at_once = 1;
  bool spreads_blocks = false;
  int64_t depth = 0;     // of a product, for one line of blocks
  ColumnBlocks columns;  // [tile][out channel], or [block across][out channel]

  static LargeKernelForm Of(const ConvolutionShape& shape);
  int64_t PointFloats() const { return columns.PackedFloats(blocks_down * depth); }
};

// Whether this way is open, the quicker one, and worth its memory. Hangs on channels and kernel
// alone, so that packed weights serve images of any size.
bool UsesLargeKernel(const ConvolutionShape& shape);

// Multiply-adds of vectors for nine outputs by the direct form, and what takes as long this way.
int64_t DirectCost(const ConvolutionShape& shape);
int64_t LargeKernelCost(const ConvolutionShape& shape);

// Transformed weights, from ONNX order [out][in][kernel].
size_t PackedLargeKernelFloats(const ConvolutionShape& shape);
void PackLargeKernel(const float* weights, const ConvolutionShape& shape, float* packed);

// Takes weights from PackLargeKernel.
class LargeKernel final : public ConvolutionPlan {
 public:
  explicit LargeKernel(const ConvolutionShape& shape);

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
  void Multiply(const Job& job, const Strip& strip, int64_t line, int64_t block,
                const Worker& worker) const;
  void Finish(const Job& job, const Strip& strip, int64_t line, int64_t block,
              const Worker& worker) const;

  int64_t InputTiles() const { return strip_tiles_ + form_.blocks_across - 1; }
  int64_t InputPixels() const;   // along a line of a strip's input tiles
  int64_t SlotFloats() const;    // a line of transformed input tiles at one point
  int64_t SumFloats() const;     // a line of sums at one point
  int64_t SpreadFloats() const;  // a line of sums of each block at one point
  int64_t OutputFloats() const;  // a line of a strip's outputs
  size_t WorkerFloats() const;

  ConvolutionShape shape_;
  LargeKernelForm form_;
  int64_t tiles_down_;
  int64_t tiles_across_;
  int64_t strip_tiles_;  // a multiple of tiles_at_once
  int64_t strips_;
  std::vector<float> zeros_;  // a line of a strip's input outside the image
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_LARGE_KERNEL_H_
