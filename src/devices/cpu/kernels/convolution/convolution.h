// SPDX-License-Identifier: MIT
// Convolution of channels-last images of any spatial rank through the matrix kernel: one row of the
// left operand per output pixel and kernel position, taken from the image in place.
#ifndef MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_CONVOLUTION_H_
#define MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_CONVOLUTION_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "base/axis_list.h"
#include "base/parallel.h"
#include "devices/cpu/kernels/matrix/matrix_kernel.h"
#include "devices/cpu/kernels/matrix/weight_product.h"

namespace mullion::cpu {

// Sizes of a convolution, checked by the caller: every output pixel is the one that ONNX Conv
// defines, and products of sizes do not overflow.
struct ConvolutionShape {
  struct Axis {
    int64_t input = 1;
    int64_t output = 1;
    int64_t kernel = 1;
    int64_t stride = 1;
    int64_t dilation = 1;
    int64_t pad = 0;  // before the first pixel; may be negative

    // Outputs o in [first, second) that read [o * stride - pad + offset, ... + span) inside the
    // input.
    std::pair<int64_t, int64_t> Inside(int64_t offset, int64_t span) const;
  };
  int64_t batch = 1;
  int64_t groups = 1;
  int64_t in_channels = 0;  // of all groups
  int64_t out_channels = 0;
  int spatial_rank = 0;
  AxisList<Axis> axes;
  // Whether axes are the same wherever the weights are used, and known when they are packed.
  bool fixed = false;
  // Whether pads are; those that hang on the image's size are only where that is fixed.
  bool fixed_pads = true;
  // Of a transposed convolution in one group: whether along the last axis each input pixel makes
  // as many output pixels as the stride says, for itself alone. Kernel and stride are alike then,
  // and nothing is cut off or added.
  bool tiles_line = false;
  // Whether the image is there as [batch][channel][pixel]. For plans that read planes only.
  bool planes = false;

  int64_t Taps() const;          // kernel positions
  int64_t OutputPixels() const;  // of the whole batch
};

// A convolution of some kind bound to sizes. Immutable, thread-safe.
class ConvolutionPlan {
 public:
  virtual ~ConvolutionPlan() = default;
  virtual size_t ScratchBytes(int threads) const = 0;
  // `packed` are weights as the kind of plan packs them. Rows of `out` and of the epilogue's
  // residual are output pixels, `out_stride` floats apart.
  virtual void Run(const float* input, const float* packed, float* out, int64_t out_stride,
                   const Epilogue& epilogue, void* scratch, Parallel& parallel) const = 0;
  // Whether pixels of the output and of the residual must follow each other without gaps.
  virtual bool NeedsDensePixels() const { return false; }
  // Whether the input's channels are planes where the shape says so, and not each pixel's together.
  virtual bool ReadsPlanes() const { return false; }
  // Whether the residual may be the output's memory.
  virtual bool TakesResidualInPlace() const { return false; }
};

// Floats of the packed weights, and packing them from ONNX order [out][in / groups][kernel]. Both
// hang on the weights and the instruction level in use, not on the image.
size_t PackedConvolutionFloats(int64_t out_channels, int64_t groups, int64_t channels,
                               int64_t taps);
void PackConvolution(const RightSource& weights, int64_t out_channels, int64_t groups,
                     float* packed);
inline void PackConvolution(const float* weights, int64_t out_channels, int64_t groups,
                            int64_t channels, int64_t taps, float* packed) {
  PackConvolution(RightSource::Convolution(weights, channels, taps), out_channels, groups, packed);
}

// Where the rows are, worked out for one shape. Immutable.
class ConvolutionRows {
 public:
  explicit ConvolutionRows(const ConvolutionShape& shape);

  int64_t taps() const { return taps_; }
  int64_t depth() const { return depth_; }
  int64_t scratch_floats() const { return scratch_floats_; }
  void Make(const float* input, const RowRequest& request) const;

 private:
  struct Run;
  void MakeRun(const float* input, const RowRequest& request, const Run& run) const;
  void MakeInsideRun(const float* input, const RowRequest& request, const Run& run) const;
  void MakeOtherTaps(const RowRequest& request) const;
  void MakeTap(const float* line, const RowRequest& request, const Run& run, int64_t tap,
               int64_t last_tap) const;
  void MarkEven(const RowRequest& request, const Run& run, bool has_lines) const;
  void CopyWindows(const float* line, const RowRequest& request, const Run& run, int64_t tap,
                   int64_t begin, int64_t end) const;
  const float* LineOf(const float* image, const Run& run, int64_t outer_tap) const;

  ConvolutionShape shape_;
  int64_t last_kernel_;  // positions along the last axis that are taps of their own
  int64_t taps_;
  int64_t depth_;
  int64_t scratch_floats_ = 0;
  int64_t input_pixels_;  // of one image
  // Kernel coordinates, dilated, of the axes before the last: [outer tap][axis].
  std::vector<int64_t> outer_taps_;
  // Along the last axis, the outputs [first, second) whose tap (or whole window) lies in the image.
  std::vector<std::pair<int64_t, int64_t>> inside_;
  std::pair<int64_t, int64_t> all_inside_;  // those of which every tap does
  std::vector<float> zeros_;
  // Where no window hangs over the image, in floats from the first tap of a window; else empty.
  std::vector<int64_t> tap_offsets_;
};

// Whether taps side by side along the last axis are taken as one.
bool MergesLastAxis(const ConvolutionShape& shape);

// What a convolution reads in the place of its input. Small images whose windows are merged get
// their padding in memory: windows that hang over a side would otherwise be copied for every line
// of the kernel, which takes longer than their products. Immutable.
class PaddedImage {
 public:
  explicit PaddedImage(const ConvolutionShape& shape);

  // The convolution of what Make gives; as it was where that is the input.
  const ConvolutionShape& shape() const { return shape_; }
  // Of the copy, in whole cache lines; 0 where there is none.
  size_t bytes() const { return bytes_; }
  // The input, or its copy with zeros around it in `memory`.
  const float* Make(const float* input, void* memory) const;

 private:
  ConvolutionShape shape_;
  size_t bytes_ = 0;
  std::vector<int64_t> lines_;  // of the input by line of the copy; below 0 for one of zeros
  // Of every line, in floats: those of the copy and of the input, and of what is copied.
  int64_t length_ = 0;
  int64_t input_length_ = 0;
  int64_t from_ = 0;
  int64_t to_ = 0;
  int64_t count_ = 0;
};

// Takes weights from PackConvolution.
class Convolution final : public ConvolutionPlan {
 public:
  explicit Convolution(const ConvolutionShape& shape);

  size_t ScratchBytes(int threads) const override;
  void Run(const float* input, const float* packed, float* out, int64_t out_stride,
           const Epilogue& epilogue, void* scratch, Parallel& parallel) const override;
  bool TakesResidualInPlace() const override { return true; }

  // Run, a stretch of pixels at a time, where a pixel is made of several and of few channels:
  // MakeImage gives what RunPixels reads, in whole cache lines of image_bytes(); `pixels` are those
  // of all images' outputs, and the first of them is `out`'s first row.
  size_t image_bytes() const { return image_.bytes(); }
  const float* MakeImage(const float* input, void* memory) const {
    return image_.Make(input, memory);
  }
  void RunPixels(const float* image, const float* packed, std::pair<int64_t, int64_t> pixels,
                 float* out, int64_t out_stride, const Epilogue& epilogue, void* scratch,
                 Parallel& parallel) const;

 private:
  PaddedImage image_;
  ConvolutionRows rows_;
  MatrixProduct product_;
  bool few_columns_;
  // One pixel to one pixel: a product with the weights.
  bool plain_;
  WeightProduct weight_product_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_CONVOLUTION_CONVOLUTION_H_
