// SPDX-License-Identifier: MIT
#include "operators/rescaled_conv.h"

#include "devices/cpu/integer_convolution.h"
#include "devices/cpu/integer_operand.h"
#include "devices/cpu/kernels/integer/integer_input.h"
#include "devices/cpu/registry.h"
#include "operators/convolution_geometry.h"
#include "operators/registry.h"

namespace mullion::cpu {

namespace {

using namespace operators::rescaled_conv;

class RescaledConv final : public Executable {
 public:
  RescaledConv()
      : convolution_({.image = kX, .image_zero = kXZero, .weights = kW, .weights_zero = kWZero}) {}
  Status Prepare(const Node& node, WeightStore& weights) {
    channels_last_ = operators::ChannelLayout(node).last;
    rectified_ = node.IntAttribute(kRectified, 0) != 0;
    return convolution_.Prepare(node, weights);
  }

  bool Holds(int i) const override { return convolution_.Holds(i); }

  Status Bind(BindContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(
        const operators::ConvolutionGeometry geometry,
        operators::ConvolutionGeometry::FromNode(context.node(), context.input(kX)->shape,
                                                 context.input(kW)->shape));
    const bool turns = context.input(kResidual) != nullptr && !channels_last_;
    return convolution_.Bind(context,
                             Layout(geometry.out_channels, geometry.OutputShape(), turns).size);
  }

  Status Run(RunContext& context) const override {
    const Shape& shape = convolution_.OutputShape(context);
    const int64_t channels = context.Input(kW).shape[0];
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    const Layout layout(channels, shape, context.HasInput(kResidual) && !channels_last_);
    auto* const values = ScratchAt<float>(context, layout.values);
    float* const scales = values;
    float* const shifts = values + channels;
    const float x_scale = SpreadFloat(context.Input(kXScale), 0);
    const float q_scale = SpreadFloat(context.Input(kQScale), 0);
    SpreadFloats(context.Input(kWScale), channels, scales);
    SpreadFloats(context.Input(kShifts), channels, shifts);
    for (int64_t i = 0; i < channels; ++i) scales[i] = x_scale * scales[i] / q_scale;
    IntegerConvolution::Job job;
    job.output = context.Input(kQZero).type == ElementType::kInt8 ? IntegerOutput::kInt8
                                                                  : IntegerOutput::kUint8;
    job.zero_point = static_cast<float>(ByteInput(context, kQZero));
    job.bias = context.HasInput(kBias) ? context.Input(kBias).as<int32_t>() : nullptr;
    job.scales = scales;
    job.rescale.factors = context.Input(kFactors).as<float>();
    job.rescale.shifts = shifts;
    job.rescale.is_signed = output.type == ElementType::kInt8;
    job.rescale.rectified = rectified_;
    job.rescale.zero_point = static_cast<float>(ByteInput(context, kZero));
    if (context.HasInput(kResidual)) {
      if (context.Input(kResidual).shape != shape) {
        return context.Error("the residual is not of the shape of the result");
      }
      TakeResidual(context, layout, channels, shifts, job.rescale);
    }
    job.out = output.data;
    convolution_.Run(context, job);
    return OkStatus();
  }

 private:
  // Offsets into scratch memory: scales and shifts, and a residual that is turned.
  struct Layout {
    Layout(int64_t channels, const Shape& output, bool turns) {
      ScratchLayout layout;
      values = layout.Take(2 * channels * int64_t{sizeof(float)});
      residual = layout.Take(turns ? output.ElementCount() : 0);
      size = layout.size();
    }
    int64_t values;
    int64_t residual;
    int64_t size;
  };

  void TakeResidual(const RunContext& context, const Layout& layout, int64_t channels,
                    float* shifts, IntegerRescale& rescale) const {
    const TensorView& residual = context.Input(kResidual);
    rescale.residual_factors = context.Input(kResidualFactors).as<float>();
    rescale.residual_is_signed = residual.type == ElementType::kInt8;
    if (rescale.residual_is_signed) {
      for (int64_t i = 0; i < channels; ++i) shifts[i] -= 128 * rescale.residual_factors[i];
    }
    rescale.residual = residual.as<uint8_t>();
    if (channels_last_) return;
    auto* const turned = ScratchAt<uint8_t>(context, layout.residual);
    const int64_t images = residual.shape[0];
    const int64_t pixels = residual.shape.Product(2, residual.shape.rank());
    const IntegerConversion copy{IntegerForm::kBytes, false, 0};
    for (int64_t i = 0; i < images; ++i) {
      const int64_t at = i * channels * pixels;
      GatherPixels(copy, rescale.residual + at, channels, pixels, 0, pixels, turned + at, channels);
    }
    rescale.residual = turned;
  }

  IntegerConvolution convolution_;
  bool channels_last_ = false;
  bool rectified_ = false;
};

}  // namespace

void RegisterRescaledConv(KernelRegistry& registry) {
  registry.Add({.name = operators::kRescaledConv,
                .domain = operators::kInternalDomain,
                .make = MakePrepared<RescaledConv>});
}

}  // namespace mullion::cpu
