// SPDX-License-Identifier: MIT
// The convolution of 8-bit images that ConvInteger and QLinearConv share.
#ifndef MULLION_DEVICES_CPU_INTEGER_CONVOLUTION_H_
#define MULLION_DEVICES_CPU_INTEGER_CONVOLUTION_H_

#include <memory>

#include "device/kernel.h"
#include "device/weight_store.h"
#include "devices/cpu/kernels/integer/integer_finish.h"
#include "devices/cpu/kernels/integer/integer_pack.h"

namespace mullion::cpu {

class IntegerConvolution {
 public:
  // Which inputs of the node are what.
  struct Ports {
    int image;
    int image_zero;
    int weights;
    int weights_zero;
  };
  struct Job {
    IntegerOutput output = IntegerOutput::kInt32;
    float zero_point = 0;           // of the output
    const int32_t* bias = nullptr;  // one per output channel, or null
    const float* scales = nullptr;  // one per output channel, for outputs that have them
    // For kFloat and kQuantized, channels last only.
    float step = 1;
    const float* biases = nullptr;  // one per output channel, or null
    Activation activation;
    const float* residual = nullptr;
    FloatRange* ranges = nullptr;  // one for each thread
    // For bytes: values per output channel; the residual is dense and channels last.
    IntegerRescale rescale;
    void* out = nullptr;
  };

  explicit IntegerConvolution(const Ports& ports) : ports_(ports) {}
  // Packs weights that are constant.
  Status Prepare(const Node& node, WeightStore& weights);
  // As Executable::Holds.
  bool Holds(int i) const { return i == ports_.weights && packed_ != nullptr; }
  // Sets state and scratch memory; the caller's own `extra` bytes of it come first.
  Status Bind(BindContext& context, int64_t extra = 0) const;
  void Run(const RunContext& context, const Job& job) const;
  // Of the sizes that are bound.
  const Shape& OutputShape(const RunContext& context) const;

 private:
  struct Bound;

  Status PrepareWinograd(const Node& node, WeightStore& weights);
  bool Depthwise(const Shape& weights, int64_t groups) const;
  IntegerPanels Panels(const Shape& weights, int64_t groups) const;
  int64_t PackedBytes(const Shape& weights, int64_t groups) const;
  void Pack(const TensorView& weights, int64_t groups, const int32_t* zeros, uint8_t* packed) const;
  const uint8_t* PackedWeights(const RunContext& context, const Bound& bound) const;
  static int64_t PaddingBytes(const Bound& bound);
  const uint8_t* StageImage(const RunContext& context, const Bound& bound) const;
  // Columns of the result are channels, and zeros where there is none.
  static IntegerFinish FinishOf(const RunContext& context, const Bound& bound, const Job& job);
  void RunDepthwise(const RunContext& context, const Bound& bound, const Job& job) const;
  // What the sums of bytes begin with: the bias, less what the zero point adds.
  static const int32_t* InitOf(const RunContext& context, const Bound& bound, const Job& job,
                               const int32_t* weight_sums, int32_t zero);
  void RunWinograd(const RunContext& context, const Bound& bound, const Job& job) const;
  void RunProduct(const RunContext& context, const Bound& bound, const Job& job) const;

  Ports ports_;
  IntegerForm form_ = IntegerForm::kWords;
  int64_t groups_ = 1;
  bool channels_last_ = false;
  bool by_lines_ = false;  // see integer_lines.h; of packed weights only
  // Zero points of the weights, one per output channel, when they are constant.
  bool constant_zeros_ = false;
  IntegerForm depthwise_form_ = IntegerForm::kWords;
  std::shared_ptr<const void> packed_;
  std::shared_ptr<const void> winograd_;  // null where that way is not open
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_INTEGER_CONVOLUTION_H_
