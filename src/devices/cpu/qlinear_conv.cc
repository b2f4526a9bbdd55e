// SPDX-License-Identifier: MIT
#include "devices/cpu/integer_convolution.h"
#include "devices/cpu/integer_operand.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

enum Input { kX, kXScale, kXZero, kW, kWScale, kWZero, kYScale, kYZero, kBias };

class QlinearConv final : public Executable {
 public:
  QlinearConv()
      : convolution_({.image = kX, .image_zero = kXZero, .weights = kW, .weights_zero = kWZero}) {}
  Status Prepare(const Node& node, WeightStore& weights) {
    return convolution_.Prepare(node, weights);
  }

  bool Holds(int i) const override { return convolution_.Holds(i); }

  Status Bind(BindContext& context) const override {
    const int64_t channels = context.input(kW)->shape[0];
    return convolution_.Bind(context, channels * int64_t{sizeof(float)});
  }

  Status Run(RunContext& context) const override {
    const Shape& weights = context.Input(kW).shape;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, convolution_.OutputShape(context)));
    auto* const scales = ScratchAt<float>(context, 0);
    const float x_scale = SpreadFloat(context.Input(kXScale), 0);
    const float y_scale = SpreadFloat(context.Input(kYScale), 0);
    SpreadFloats(context.Input(kWScale), weights[0], scales);
    for (int64_t i = 0; i < weights[0]; ++i) scales[i] = x_scale * scales[i] / y_scale;
    IntegerConvolution::Job job;
    job.output = output.type == ElementType::kInt8 ? IntegerOutput::kInt8 : IntegerOutput::kUint8;
    job.zero_point = static_cast<float>(ByteInput(context, kYZero));
    job.bias = context.HasInput(kBias) ? context.Input(kBias).as<int32_t>() : nullptr;
    job.scales = scales;
    job.out = output.data;
    convolution_.Run(context, job);
    return OkStatus();
  }

 private:
  IntegerConvolution convolution_;
};

}  // namespace

void RegisterQlinearConv(KernelRegistry& registry) {
  registry.Add({.name = "QLinearConv", .since = 10, .make = MakePrepared<QlinearConv>});
}

}  // namespace mullion::cpu
