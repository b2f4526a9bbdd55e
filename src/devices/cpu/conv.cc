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
#include "devices/cpu/kernels/convolution/shuffled_convolution.h"
#include "devices/cpu/kernels/convolution/shuffled_tile.h"
#include "devices/cpu/kernels/convolution/thin_winograd.h"
#include "devices/cpu/kernels/convolution/winograd.h"
#include "devices/cpu/plain_convolution.h"
#include "devices/cpu/pooled_convolution.h"
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
  explicit FloatConv(const Node& node)
      : FloatConvolution(node),
        half_(HalfTilesFor(node)),
        shuffles_(node.IntAttribute(operators::kShufflesChannels, 0) != 0) {}

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
    return shape.ok() && FormOf(*shape) == Form::kHalf;
  }

 private:
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

  enum class Form {
    kDepthwise,
    kWinograd,
    kFolded,
    kFourier,
    kLarge,
    kHalf,
    kPixels,
    kShuffled,
    kDirect
  };

  Form FormOf(const ConvolutionShape& shape) const {
    if (pool().spatial_rank > 0) return Form::kDirect;
    if (shuffles_) return Form::kShuffled;
    if (IsDepthwise(shape) || IsSpread(shape)) return Form::kDepthwise;
    if (UsesWinograd(shape)) return Form::kWinograd;
    if (UsesFoldedStride(shape)) return Form::kFolded;
    if (UsesFourier(shape)) return Form::kFourier;
    if (UsesLargeKernel(shape)) return Form::kLarge;
    if (half_ != nullptr && GainsFromHalf(shape)) return Form::kHalf;
    return PixelsAtOnce(shape) > 1 ? Form::kPixels : Form::kDirect;
  }

  std::unique_ptr<ConvolutionPlan> MakePlan(const ConvolutionShape& shape) const override {
    switch (FormOf(shape)) {
      case Form::kDepthwise:
        if (IsDepthwise(shape)) return std::make_unique<Depthwise>(shape);
        return std::make_unique<SpreadDepthwise>(shape);
      case Form::kWinograd:
        if (IsThinWinograd(shape)) return std::make_unique<ThinWinograd>(shape);
        return std::make_unique<Winograd>(shape);
      case Form::kFolded:
        return std::make_unique<FoldedStride>(shape);
      case Form::kFourier:
        return std::make_unique<FourierConvolution>(shape);
      case Form::kLarge:
        return std::make_unique<LargeKernel>(shape);
      case Form::kHalf:
        return std::make_unique<HalfConvolution>(shape, half_);
      case Form::kPixels:
        return std::make_unique<PixelColumns>(shape);
      case Form::kShuffled:
        return std::make_unique<ShuffledConvolution>(shape);
      case Form::kDirect:
        break;
    }
    if (pool().spatial_rank > 0) return std::make_unique<PooledConvolution>(shape, pool());
    if (UsesPlaneConvolution(shape)) return std::make_unique<PlaneConvolution>(shape);
    return std::make_unique<Convolution>(shape);
  }

  std::string Format(const ConvolutionShape& shape) const override {
    switch (FormOf(shape)) {
      case Form::kDepthwise:
        return "depthwise";
      case Form::kWinograd:
        return StrCat("winograd of ", PackedWinogradFloats(shape), " floats",
                      shape.axes[0].stride == 2 ? ", two apart" : "");
      case Form::kFolded:  // where weights go hangs on the pads, too
        return StrCat("folded stride of ", shape.axes[0].stride, ", ", shape.axes[0].pad, " and ",
                      shape.axes[1].pad, " before, ", PackedFoldedStrideFloats(shape), " floats",
                      shape.planes ? ", planes" : "");
      case Form::kFourier:
        return "fourier";
      case Form::kLarge:
        return "large kernel";
      case Form::kHalf:
        return "half convolution";
      case Form::kPixels:
        return StrCat("convolution of pixels ",
                      shape.axes[static_cast<size_t>(shape.spatial_rank - 1)].stride, " apart");
      case Form::kShuffled:
        return "shuffled";
      case Form::kDirect:
        break;
    }
    return StrCat("convolution in ", shape.groups, " groups");
  }

  size_t PackedFloats(const ConvolutionShape& shape) const override {
    switch (FormOf(shape)) {
      case Form::kDepthwise:
        return PackedDepthwiseFloats(shape.out_channels, shape.Taps());
      case Form::kWinograd:
        return PackedWinogradFloats(shape);
      case Form::kFolded:
        return PackedFoldedStrideFloats(shape);
      case Form::kFourier:
        return PackedFourierFloats(shape);
      case Form::kLarge:
        return PackedLargeKernelFloats(shape);
      case Form::kHalf:
        return PackedHalfConvolutionFloats(shape);
      case Form::kPixels:
        return PackedPixelColumnsFloats(shape);
      case Form::kShuffled:
        return PackedShuffledFloats(shape);
      case Form::kDirect:
        break;
    }
    return PackedConvolutionFloats(shape.out_channels, shape.groups,
                                   shape.in_channels / shape.groups, shape.Taps());
  }

  void Pack(const WeightRows& weights, const ConvolutionShape& shape,
            float* packed) const override {
    const RightSource source =
        RightSource::Convolution(weights, shape.in_channels / shape.groups, shape.Taps());
    const Form form = FormOf(shape);
    if (form == Form::kWinograd) return PackWinograd(source, shape, packed);
    if (form == Form::kDirect) {
      return PackConvolution(source, shape.out_channels, shape.groups, packed);
    }
    const float* const all = weights(0, shape.out_channels);
    if (form == Form::kDepthwise) PackDepthwise(all, shape.out_channels, shape.Taps(), packed);
    if (form == Form::kFolded) PackFoldedStride(all, shape, packed);
    if (form == Form::kFourier) PackFourier(all, shape, packed);
    if (form == Form::kLarge) PackLargeKernel(all, shape, packed);
    if (form == Form::kHalf) PackHalfConvolution(all, shape, packed);
    if (form == Form::kPixels) PackPixelColumns(all, shape, packed);
    if (form == Form::kShuffled) PackShuffled(all, shape, packed);
  }

  const TileFinder half_;  // null where half precision is not to be used
  const bool shuffles_;
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

// Shuffled channels are for tiles to give out.
Status SupportsConv(const Node& node) {
  if (!node.HasAttribute(operators::kShufflesChannels) ||
      ShuffledBlock(node.input(1)->type.shape[0]) > 0) {
    return OkStatus();
  }
  return node.Error(StatusCode::kUnsupported, "so many channels are not given out shuffled");
}

}  // namespace

void RegisterConv(KernelRegistry& registry) {
  registry.Add(
      {.name = "Conv", .types = types::kFloatDouble, .make = MakeConv, .supports = SupportsConv});
}

}  // namespace mullion::cpu
