// SPDX-License-Identifier: MIT
// Conv of float through the matrix kernel, by Winograd or depthwise, and of double by plain loops.
#include <optional>

#include "base/str_cat.h"
#include "devices/cpu/convolution_shape.h"
#include "devices/cpu/float_convolution.h"
#include "devices/cpu/half_precision.h"
#include "devices/cpu/kernels/convolution/depthwise.h"
#include "devices/cpu/kernels/convolution/folded_stride.h"
#include "devices/cpu/kernels/convolution/fourier_convolution.h"
#include "devices/cpu/kernels/convolution/half_convolution.h"
#include "devices/cpu/kernels/convolution/large_kernel.h"
#include "devices/cpu/kernels/convolution/pixel_columns.h"
#include "devices/cpu/kernels/convolution/plane_convolution.h"
#include "devices/cpu/kernels/convolution/thin_winograd.h"
#include "devices/cpu/kernels/convolution/winograd.h"
#include "devices/cpu/plain_convolution.h"
#include "devices/cpu/registry.h"
#include "operators/convolution_geometry.h"

namespace mullion::cpu {

namespace {

using operators::AutoPad;
using operators::ConvolutionGeometry;

// One channel alone counts where vectors can run along the line.
bool IsDepthwise(const ConvolutionShape& shape) {
  if (shape.in_channels != shape.groups || shape.out_channels != shape.groups) return false;
  return shape.groups > 1 || (shape.spatial_rank > 0 &&
                              shape.axes[static_cast<size_t>(shape.spatial_rank - 1)].stride == 1);
}

// Every channel alone, with several results.
bool IsSpread(const ConvolutionShape& shape) {
  return shape.groups > 1 && shape.in_channels == shape.groups &&
         shape.out_channels > shape.groups && shape.out_channels / shape.groups <= kMostSpread;
}

class FloatConv final : public FloatConvolution {
 public:
  explicit FloatConv(const Node& node) : FloatConvolution(node), half_(HalfTilesFor(node)) {}

  // Reads the node once for all images, where weights are constant.
  void KeepAttributes() {
    const Value& weights = *node().input(1);
    if (!weights.IsConstant()) return;
    Result<Known> known = ReadNode(KnownImage(), weights.constant.shape());
    if (known.ok()) known_ = *std::move(known);
  }

  bool ComputesInHalf() const override {
    const Shape& weights = node().input(1)->type.shape;
    const auto shape = ShapeOf(KnownImage(), weights);
    return shape.ok() && UsesHalf(*shape);
  }

 private:
  // What takes fewer multiplications is faster still.
  bool UsesHalf(const ConvolutionShape& shape) const {
    return half_ != nullptr && GainsFromHalf(shape) && !UsesWinograd(shape) &&
           !UsesFoldedStride(shape) && !UsesFourier(shape) && !UsesLargeKernel(shape);
  }

  // What hangs on the node and on the weights alone.
  struct Known {
    ConvolutionGeometry geometry;
    AutoPad auto_pad = AutoPad::kNotSet;
    bool fixed = false;  // the image's axes

    ConvolutionShape ToShape() const {
      ConvolutionShape shape = ShapeOfGeometry(geometry);
      shape.fixed = fixed;
      shape.fixed_pads =
          fixed || (auto_pad != AutoPad::kSameUpper && auto_pad != AutoPad::kSameLower);
      return shape;
    }
  };

  Result<Known> ReadNode(const Shape& image, const Shape& weights) const {
    Known known;
    MULLION_ASSIGN_OR_RETURN(known.geometry, ConvolutionGeometry::FromNode(node(), image, weights));
    MULLION_ASSIGN_OR_RETURN(known.auto_pad, operators::ReadAutoPad(node()));
    known.geometry.in_channels = weights[1] * known.geometry.groups;  // also of unknown images
    known.fixed = HasFixedAxes();
    return known;
  }

  Result<ConvolutionShape> ShapeOf(const Shape& image, const Shape& weights) const override {
    MULLION_ASSIGN_OR_RETURN(const Known known, ReadNode(image, weights));
    return known.ToShape();
  }

  bool TellSizes(const Shape& image, ConvolutionShape& shape) const override {
    if (!known_.has_value()) return false;
    Known known = *known_;
    if (!known.geometry.TakeImage(image, known.auto_pad)) return false;
    shape = known.ToShape();
    return true;
  }

  std::unique_ptr<ConvolutionPlan> MakePlan(const ConvolutionShape& shape) const override {
    if (IsDepthwise(shape)) return std::make_unique<Depthwise>(shape);
    if (IsSpread(shape)) return std::make_unique<SpreadDepthwise>(shape);
    if (IsThinWinograd(shape)) return std::make_unique<ThinWinograd>(shape);
    if (UsesWinograd(shape)) return std::make_unique<Winograd>(shape);
    if (UsesFoldedStride(shape)) return std::make_unique<FoldedStride>(shape);
    if (UsesFourier(shape)) return std::make_unique<FourierConvolution>(shape);
    if (UsesLargeKernel(shape)) return std::make_unique<LargeKernel>(shape);
    if (UsesHalf(shape)) return std::make_unique<HalfConvolution>(shape, half_);
    if (PixelsAtOnce(shape) > 1) return std::make_unique<PixelColumns>(shape);
    if (UsesPlaneConvolution(shape)) return std::make_unique<PlaneConvolution>(shape);
    return std::make_unique<Convolution>(shape);
  }

  std::string Format(const ConvolutionShape& shape) const override {
    if (IsDepthwise(shape) || IsSpread(shape)) return "depthwise";
    if (UsesWinograd(shape)) {
      return StrCat("winograd of ", PackedWinogradFloats(shape), " floats",
                    shape.axes[0].stride == 2 ? ", two apart" : "");
    }
    // Where weights go hangs on the pads, too.
    if (UsesFoldedStride(shape)) {
      return StrCat("folded stride of ", shape.axes[0].stride, ", ", shape.axes[0].pad, " and ",
                    shape.axes[1].pad, " before, ", PackedFoldedStrideFloats(shape), " floats",
                    shape.planes ? ", planes" : "");
    }
    if (UsesFourier(shape)) return "fourier";
    if (UsesLargeKernel(shape)) return "large kernel";
    if (UsesHalf(shape)) return "half convolution";
    if (PixelsAtOnce(shape) > 1) {
      const auto last = static_cast<size_t>(shape.spatial_rank - 1);
      return StrCat("convolution of pixels ", shape.axes[last].stride, " apart");
    }
    return StrCat("convolution in ", shape.groups, " groups");
  }

  size_t PackedFloats(const ConvolutionShape& shape) const override {
    const int64_t channels = shape.in_channels / shape.groups;
    if (IsDepthwise(shape) || IsSpread(shape)) {
      return PackedDepthwiseFloats(shape.out_channels, shape.Taps());
    }
    if (UsesWinograd(shape)) return PackedWinogradFloats(shape);
    if (UsesFoldedStride(shape)) return PackedFoldedStrideFloats(shape);
    if (UsesFourier(shape)) return PackedFourierFloats(shape);
    if (UsesLargeKernel(shape)) return PackedLargeKernelFloats(shape);
    if (UsesHalf(shape)) return PackedHalfConvolutionFloats(shape);
    if (PixelsAtOnce(shape) > 1) return PackedPixelColumnsFloats(shape);
    return PackedConvolutionFloats(shape.out_channels, shape.groups, channels, shape.Taps());
  }

  void Pack(const WeightRows& weights, const ConvolutionShape& shape,
            float* packed) const override {
    const RightSource source =
        RightSource::Convolution(weights, shape.in_channels / shape.groups, shape.Taps());
    const auto all = [&] { return weights(0, shape.out_channels); };
    if (IsDepthwise(shape) || IsSpread(shape)) {
      PackDepthwise(all(), shape.out_channels, shape.Taps(), packed);
    } else if (UsesWinograd(shape)) {
      PackWinograd(source, shape, packed);
    } else if (UsesFoldedStride(shape)) {
      PackFoldedStride(all(), shape, packed);
    } else if (UsesFourier(shape)) {
      PackFourier(all(), shape, packed);
    } else if (UsesLargeKernel(shape)) {
      PackLargeKernel(all(), shape, packed);
    } else if (UsesHalf(shape)) {
      PackHalfConvolution(all(), shape, packed);
    } else if (PixelsAtOnce(shape) > 1) {
      PackPixelColumns(all(), shape, packed);
    } else {
      PackConvolution(source, shape.out_channels, shape.groups, packed);
    }
  }

  const TileFinder half_;  // null where half precision is not to be used
  std::optional<Known> known_;
};

class DoubleConv final : public Executable {
 public:
  explicit DoubleConv(const Node& node) : node_(node) {}

  Status Run(RunContext& context) const override {
    const TensorView& image = context.Input(0);
    const TensorView& weights = context.Input(1);
    MULLION_ASSIGN_OR_RETURN(const ConvolutionGeometry geometry,
                             ConvolutionGeometry::FromNode(node_, image.shape, weights.shape));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, geometry.OutputShape()));
    const double* const bias = context.HasInput(2) ? context.Input(2).as<double>() : nullptr;
    PlainConvolve(ShapeOfGeometry(geometry), geometry.layout.last, image.as<double>(),
                  weights.as<double>(), bias, output.as<double>(), context.parallel());
    return OkStatus();
  }

 private:
  const Node& node_;
};

Result<std::unique_ptr<Executable>> MakeConv(const Node& node, WeightStore& weights) {
  if (node.input(0)->type.element_type == ElementType::kDouble) {
    return std::unique_ptr<Executable>(std::make_unique<DoubleConv>(node));
  }
  auto conv = std::make_unique<FloatConv>(node);
  MULLION_RETURN_IF_ERROR(conv->Prepare(weights));
  conv->KeepAttributes();
  return std::unique_ptr<Executable>(std::move(conv));
}

}  // namespace

void RegisterConv(KernelRegistry& registry) {
  registry.Add({.name = "Conv", .types = types::kFloatDouble, .make = MakeConv});
}

}  // namespace mullion::cpu
