// SPDX-License-Identifier: MIT
// Transposed convolution of channels-last images of any spatial rank.
//
// Output pixel o gets input pixel i through kernel position k where o = i * stride - pad +
// k * dilation. Outputs of the same remainder modulo the stride therefore see the same kernel
// positions, at input pixels one apart: each such phase is an ordinary convolution of stride 1 with
// a part of the kernel, whose outputs lie `stride` pixels apart. No product is computed in vain and
// no sum is scattered. Where every channel is a group of its own, the phases are depthwise.
//
// Where an input pixel makes `stride` pixels of a line for itself alone, their channels side by
// side are columns of one product, and its outputs follow each other.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_TRANSPOSED_CONVOLUTION_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_TRANSPOSED_CONVOLUTION_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "base/parallel.h"
#include "devices/cpu/kernels/convolution/convolution.h"
#include "devices/cpu/kernels/convolution/depthwise.h"

namespace mullion::cpu {

// Packs ONNX ConvTranspose weights [in][out / groups][kernel]; of `shape` only channels, groups,
// kernels, strides and dilations count.
size_t PackedTransposedConvolutionFloats(const ConvolutionShape& shape);
void PackTransposedConvolution(const float* weights, const ConvolutionShape& shape, float* packed);

// Takes weights from PackTransposedConvolution. Of each axis of the shape, `output` is the size of
// the output and `pad` what is cut from its begin; kernels, strides and pads are those of the
// transposed convolution.
class TransposedConvolution final : public ConvolutionPlan {
 public:
  explicit TransposedConvolution(const ConvolutionShape& shape);

  size_t ScratchBytes(int threads) const override;
  void Run(const float* input, const float* packed, float* out, int64_t out_stride,
           const Epilogue& epilogue, void* scratch, Parallel& parallel) const override;
  bool NeedsDensePixels() const override { return pixels_at_once_ > 1; }

 private:
  // One combination of remainders along the axes.
  struct Phase {
    explicit Phase(const ConvolutionShape& shape) : rows(shape) {}
    ConvolutionRows rows;
    std::optional<Depthwise> depthwise;  // in the place of the product
    MatrixProduct product;
    std::vector<int64_t> lines;  // first output pixel of each line of the phase's outputs
    int64_t packed = 0;          // where its weights begin
  };

  void RunPhases(const float* input, const float* packed, float* out, int64_t out_stride,
                 const Epilogue& epilogue, void* scratch, Parallel& parallel) const;

  int64_t pixels_at_once_;
  MatrixProduct fill_;  // the bias alone, for all pixels; no rows when the phases cover them
  std::vector<Phase> phases_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_TRANSPOSED_CONVOLUTION_H_
