// SPDX-License-Identifier: MIT
// ConvTranspose of float by phases of the matrix kernel, and of double by plain loops.
#include "operators/conv_transpose.h"

#include <numeric>

#include "base/str_cat.h"
#include "devices/cpu/convolution_shape.h"
#include "devices/cpu/float_convolution.h"
#include "devices/cpu/kernels/convolution/transposed_convolution.h"
#include "devices/cpu/plain_convolution.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using operators::ConvolutionGeometry;
using operators::TransposedGeometry;

// A kernel of a million positions and a stride as large would be a million small convolutions.
constexpr int64_t kMostPhases = 1 << 16;

// See ConvolutionShape::tiles_line. Pads of other kinds may hang on the size of the image.
bool TilesLine(const Node& node, const ConvolutionShape& shape) {
  if (shape.spatial_rank == 0 || shape.groups != 1 || node.HasAttribute("output_shape"))
    return false;
  const auto last = static_cast<size_t>(shape.spatial_rank - 1);
  const ConvolutionShape::Axis& axis = shape.axes[last];
  if (axis.kernel != axis.stride || axis.stride == 1 || axis.dilation != 1) return false;
  const std::string_view auto_pad = node.StringAttribute("auto_pad", "NOTSET");
  if (auto_pad != "NOTSET" && auto_pad != "VALID") return false;
  const std::span<const int64_t> pads = node.IntsAttribute("pads");
  if (!pads.empty() && (pads[last] != 0 || pads.back() != 0)) return false;
  const std::span<const int64_t> added = node.IntsAttribute("output_padding");
  return added.empty() || added[last] == 0;
}

Status CheckPhases(const Node& node, const ConvolutionShape& shape) {
  int64_t phases = 1;
  for (int i = 0; i < shape.spatial_rank; ++i) {
    const ConvolutionShape::Axis& axis = shape.axes[static_cast<size_t>(i)];
    phases *= std::min(axis.kernel, axis.stride / std::gcd(axis.stride, axis.dilation));
    if (phases <= kMostPhases) continue;
    return node.Error(StatusCode::kUnsupported, "its kernel and strides make more than ",
                      kMostPhases, " different phases, the most that are supported");
  }
  return OkStatus();
}

class FloatConvTranspose final : public FloatConvolution {
 public:
  using FloatConvolution::FloatConvolution;

 private:
  Result<ConvolutionShape> ShapeOf(const Shape& image, const Shape& weights) const override {
    MULLION_ASSIGN_OR_RETURN(const ConvolutionGeometry geometry,
                             TransposedGeometry(node(), image, weights));
    ConvolutionShape shape = ShapeOfGeometry(geometry);
    shape.tiles_line = TilesLine(node(), shape);
    MULLION_RETURN_IF_ERROR(CheckPhases(node(), shape));
    return shape;
  }

  std::unique_ptr<ConvolutionPlan> MakePlan(const ConvolutionShape& shape) const override {
    return std::make_unique<TransposedConvolution>(shape);
  }

  // The classes of kernel positions hang on strides and dilations.
  std::string Format(const ConvolutionShape& shape) const override {
    std::string format = StrCat("transposed convolution in ", shape.groups, " groups",
                                shape.tiles_line ? ", tiles" : "");
    for (int i = 0; i < shape.spatial_rank; ++i) {
      const ConvolutionShape::Axis& axis = shape.axes[static_cast<size_t>(i)];
      format += StrCat(", ", axis.stride, " by ", axis.dilation);
    }
    return format;
  }

  size_t PackedFloats(const ConvolutionShape& shape) const override {
    return PackedTransposedConvolutionFloats(shape);
  }

  void Pack(const WeightRows& weights, const ConvolutionShape& shape,
            float* packed) const override {
    PackTransposedConvolution(weights(0, shape.in_channels), shape, packed);
  }
};

class DoubleConvTranspose final : public Executable {
 public:
  explicit DoubleConvTranspose(const Node& node) : node_(node) {}

  Status Run(RunContext& context) const override {
    const TensorView& image = context.Input(0);
    const TensorView& weights = context.Input(1);
    MULLION_ASSIGN_OR_RETURN(const ConvolutionGeometry geometry,
                             TransposedGeometry(node_, image.shape, weights.shape));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, geometry.OutputShape()));
    const double* const bias = context.HasInput(2) ? context.Input(2).as<double>() : nullptr;
    PlainConvolveTransposed(ShapeOfGeometry(geometry), geometry.layout.last, image.as<double>(),
                            weights.as<double>(), bias, output.as<double>(), context.parallel());
    return OkStatus();
  }

 private:
  const Node& node_;
};

Result<std::unique_ptr<Executable>> MakeConvTranspose(const Node& node, WeightStore& weights) {
  if (node.input(0)->type.element_type == ElementType::kDouble) {
    return std::unique_ptr<Executable>(std::make_unique<DoubleConvTranspose>(node));
  }
  auto convolution = std::make_unique<FloatConvTranspose>(node);
  MULLION_RETURN_IF_ERROR(convolution->Prepare(weights));
  return std::unique_ptr<Executable>(std::move(convolution));
}

}  // namespace

void RegisterConvTranspose(KernelRegistry& registry) {
  registry.Add({.name = "ConvTranspose", .types = types::kFloatDouble, .make = MakeConvTranspose});
}

}  // namespace mullion::cpu
