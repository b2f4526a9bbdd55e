// SPDX-License-Identifier: MIT
// Depthwise convolution of channels-last images of any spatial rank: every channel has one kernel
// of its own, and vectors run along the channels.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_DEPTHWISE_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_DEPTHWISE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/parallel.h"
#include "devices/cpu/kernels/convolution/convolution.h"
#include "devices/cpu/kernels/matrix/matrix_kernel.h"

namespace mullion::cpu {

// [channel][tap], as ONNX has it, to [tap][channel]. Where a vector may have more lanes than there
// are channels, they are repeated so that a vector can begin with any of them.
size_t PackedDepthwiseFloats(int64_t channels, int64_t taps);
void PackDepthwise(const float* weights, int64_t channels, int64_t taps, float* packed);

struct DepthwiseJob;
struct DepthwiseLine;

// Takes weights from PackDepthwise. Groups, in_channels and out_channels are the same.
class Depthwise final : public ConvolutionPlan {
 public:
  explicit Depthwise(const ConvolutionShape& shape);

  size_t ScratchBytes(int threads) const override;
  void Run(const float* input, const float* packed, float* out, int64_t out_stride,
           const Epilogue& epilogue, void* scratch, Parallel& parallel) const override;
  // Output lines begin at the pixels `lines` of `out` and of the residual, or one behind the other
  // where that is null; their pixels are `step` apart.
  void RunLines(const float* input, const float* packed, float* out, int64_t out_stride,
                const int64_t* lines, int64_t step, const Epilogue& epilogue, void* scratch,
                Parallel& parallel) const;

 private:
  int64_t ChannelsTogether() const;
  void RunJobs(std::span<DepthwiseJob> jobs) const;
  int64_t StripLine(int64_t index) const;
  void RunStrips(const float* input, const float* packed, const DepthwiseJob& job,
                 std::span<const int64_t> lines, float* const* out) const;
  static void Finish(const DepthwiseJob& job, int64_t first_row, int64_t step,
                     const Epilogue& epilogue);
  int64_t FindLines(const float* input, const float* packed, int64_t index,
                    DepthwiseLine* lines) const;

  ConvolutionShape shape_;
  int64_t input_pixels_ = 1;  // of one image
  int64_t outer_taps_ = 1;    // kernel positions along all axes but the last
  int64_t lines_ = 1;         // output lines of the batch
  bool uses_strips_ = false;
};

// Output channels of an input channel up to which SpreadDepthwise is taken: with more of them the
// pixels leave the caches, and matrix products are as fast.
inline constexpr int64_t kMostSpread = 8;

// The same where every input channel has several output channels, side by side: pixels are spread
// in memory first, each channel so many times. Groups are the input's channels.
class SpreadDepthwise final : public ConvolutionPlan {
 public:
  explicit SpreadDepthwise(const ConvolutionShape& shape);

  size_t ScratchBytes(int threads) const override;
  void Run(const float* input, const float* packed, float* out, int64_t out_stride,
           const Epilogue& epilogue, void* scratch, Parallel& parallel) const override;

 private:
  Depthwise depthwise_;
  int64_t count_;   // floats of the input
  int64_t times_;   // that each of them is needed
  int64_t spread_;  // floats of the scratch memory, in whole cache lines
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_DEPTHWISE_H_
