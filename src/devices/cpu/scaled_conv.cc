// SPDX-License-Identifier: MIT
#include "operators/scaled_conv.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>

#include "devices/cpu/dynamic_scale.h"
#include "devices/cpu/fused_activation.h"
#include "devices/cpu/integer_convolution.h"
#include "devices/cpu/integer_operand.h"
#include "devices/cpu/registry.h"
#include "operators/convolution_geometry.h"
#include "operators/registry.h"

namespace mullion::cpu {

namespace {

using namespace operators::scaled_conv;

constexpr int64_t kFloatBytes = int64_t{sizeof(float)};

// The bytes of a result hang on its range, which is known when all of it is: so the floats are kept
// and quantized in a second pass. But a result that is clipped may fill its bounds. Then bytes are
// made at once by the range from bound to bound, four times less to write and nothing to read
// again, and made again when the range turned out smaller. Where only bytes are wanted they clamp
// for the activation.
class ScaledConv final : public Executable {
 public:
  ScaledConv()
      : convolution_({.image = kX, .image_zero = kXZero, .weights = kW, .weights_zero = kWZero}) {}

  Status Prepare(const Node& node, WeightStore& weights) {
    if (!operators::ChannelLayout(node).last) {
      return node.Error(StatusCode::kUnsupported, "ScaledConv must be channels last");
    }
    MULLION_ASSIGN_OR_RETURN(activation_, FusedActivationOf(node));
    using Kind = Activation::Kind;
    // Its lower bound is the zero point then, or nothing is below, and so it is at the upper end.
    const bool clips = activation_.kind == Kind::kClip && activation_.alpha == 0 &&
                       std::isnormal(activation_.beta / 255) &&
                       activation_.beta < std::numeric_limits<float>::max();
    bytes_clamp_ = node.output(kY) == nullptr && node.input(kResidual) == nullptr &&
                   (clips || activation_.kind == Kind::kRelu || activation_.kind == Kind::kNone);
    guesses_ = bytes_clamp_ && clips && activation_.beta > 0;
    return convolution_.Prepare(node, weights);
  }

  bool Holds(int i) const override { return convolution_.Holds(i); }

  Status Bind(BindContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(
        const operators::ConvolutionGeometry geometry,
        operators::ConvolutionGeometry::FromNode(context.node(), context.input(kX)->shape,
                                                 context.input(kW)->shape));
    const Layout layout(geometry.out_channels, geometry.OutputShape(), context.threads(),
                        context.output(kY) == nullptr);
    return convolution_.Bind(context, layout.size);
  }

  Status Run(RunContext& context) const override {
    const Shape& shape = convolution_.OutputShape(context);
    const int64_t channels = context.Input(kW).shape[0];
    const Layout layout(channels, shape, context.parallel().threads(), !context.WantsOutput(kY));
    IntegerConvolution::Job job;
    job.ranges = ScratchAt<FloatRange>(context, layout.ranges);
    job.scales = Scales(context, channels, ScratchAt<float>(context, layout.scales));
    if (context.HasInput(kBias)) job.biases = context.Input(kBias).as<float>();
    if (context.HasInput(kResidual)) job.residual = context.Input(kResidual).as<float>();
    if (!bytes_clamp_) job.activation = activation_;

    auto* floats = ScratchAt<float>(context, layout.floats);
    if (context.WantsOutput(kY)) {
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView y, context.AllocateOutput(kY, shape));
      floats = y.as<float>();
    }
    uint8_t* bytes = nullptr;
    if (context.WantsOutput(kBytes)) {
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView y, context.AllocateOutput(kBytes, shape));
      bytes = y.as<uint8_t>();
    }
    const FloatRange range = guesses_ && bytes != nullptr && guess_holds_.load(kRelaxed)
                                 ? RunGuessing(context, job, bytes)
                                 : RunExactly(context, job, floats, bytes, shape.ElementCount());
    const ByteScale scale = ScaleOfRange(range);
    if (context.WantsOutput(kScale)) {
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView y, context.AllocateOutput(kScale, Shape{}));
      *y.as<float>() = scale.scale;
    }
    if (context.WantsOutput(kZero)) {
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView y, context.AllocateOutput(kZero, Shape{}));
      *y.as<uint8_t>() = static_cast<uint8_t>(scale.zero_point);
    }
    return OkStatus();
  }

 private:
  static constexpr auto kRelaxed = std::memory_order_relaxed;

  // Offsets into scratch memory.
  struct Layout {
    Layout(int64_t channels, const Shape& output, int threads, bool keeps_floats) {
      ScratchLayout layout;
      scales = layout.Take(channels * kFloatBytes);
      floats = layout.Take(keeps_floats ? output.ElementCount() * kFloatBytes : 0);
      ranges = layout.Take(RangesBytes(threads));
      size = layout.size();
    }
    int64_t scales;
    int64_t floats;
    int64_t ranges;
    int64_t size;
  };

  static const float* Scales(const RunContext& context, int64_t channels, float* scales) {
    const float x_scale = *context.Input(kXScale).as<float>();
    if (context.HasInput(kWScale)) {
      SpreadFloats(context.Input(kWScale), channels, scales);
      for (int64_t i = 0; i < channels; ++i) scales[i] *= x_scale;
    } else {
      std::fill_n(scales, channels, x_scale);
    }
    return scales;
  }

  // Of the activation's results.
  FloatRange Measure(const RunContext& context, const IntegerConvolution::Job& job) const {
    const int threads = context.parallel().threads();
    std::fill_n(job.ranges, threads, FloatRange());
    convolution_.Run(context, job);
    FloatRange range;
    for (int i = 0; i < threads; ++i) range.Widen(job.ranges[i]);
    if (!bytes_clamp_ || activation_.kind == Activation::Kind::kNone) return range;
    if (activation_.kind == Activation::Kind::kClip) {
      range.high = std::min(range.high, activation_.beta);
    }
    return {0, range.high};
  }

  FloatRange MakeBytes(const RunContext& context, IntegerConvolution::Job job,
                       const FloatRange& range, uint8_t* bytes) const {
    const ByteScale scale = ScaleOfRange(range);
    job.output = IntegerOutput::kQuantized;
    job.out = bytes;
    job.step = scale.scale;
    job.zero_point = static_cast<float>(scale.zero_point);
    return Measure(context, job);
  }

  FloatRange RunGuessing(const RunContext& context, const IntegerConvolution::Job& job,
                         uint8_t* bytes) const {
    const FloatRange range = MakeBytes(context, job, {0, activation_.beta}, bytes);
    if (NoteGuess(range)) return range;
    MakeBytes(context, job, range, bytes);
    return range;
  }

  FloatRange RunExactly(const RunContext& context, IntegerConvolution::Job job, float* floats,
                        uint8_t* bytes, int64_t count) const {
    job.output = IntegerOutput::kFloat;
    job.out = floats;
    const FloatRange range = Measure(context, job);
    if (bytes != nullptr) {
      QuantizeByScale(floats, count, ScaleOfRange(range), context.parallel(), bytes);
    }
    NoteGuess(range);
    return range;
  }

  bool NoteGuess(const FloatRange& range) const {
    const bool holds = range.high == activation_.beta;
    guess_holds_.store(holds, kRelaxed);
    return holds;
  }

  IntegerConvolution convolution_;
  Activation activation_;
  bool bytes_clamp_ = false;
  bool guesses_ = false;
  // What the last evaluation found: speed hangs on it, results do not.
  mutable std::atomic<bool> guess_holds_{true};
};

}  // namespace

void RegisterScaledConv(KernelRegistry& registry) {
  registry.Add({.name = operators::kScaledConv,
                .domain = operators::kInternalDomain,
                .make = MakePrepared<ScaledConv>});
}

}  // namespace mullion::cpu
