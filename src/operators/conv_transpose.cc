// SPDX-License-Identifier: MIT
// ConvTranspose.
#include "operators/conv_transpose.h"

#include <algorithm>
#include <optional>

#include "base/str_cat.h"
#include "operators/epilogue.h"
#include "operators/inference.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

using Sizes = std::array<int64_t, 2 * kMaxRank>;

// What ConvTranspose has beyond strides and dilations.
struct Padding {
  AutoPad auto_pad = AutoPad::kNotSet;
  Sizes pads{};
  Sizes output_padding{};
  std::optional<Sizes> output_shape;  // of the spatial axes
};

Result<Padding> ReadPadding(const Node& node, int rank) {
  Padding padding;
  MULLION_ASSIGN_OR_RETURN(padding.auto_pad, ReadAutoPad(node));
  MULLION_RETURN_IF_ERROR(
      ReadWindowSizes(node, "pads", 2 * rank, 0, -kLargestConvolution, padding.pads.data()));
  MULLION_RETURN_IF_ERROR(
      ReadWindowSizes(node, "output_padding", rank, 0, 0, padding.output_padding.data()));
  const auto given = static_cast<int>(node.IntsAttribute("output_shape").size());
  if (given == 0) return padding;
  // ONNX wants the spatial axes only; some exporters write all of them.
  Sizes sizes{};
  const int count = given == rank + 2 ? rank + 2 : rank;
  MULLION_RETURN_IF_ERROR(ReadWindowSizes(node, "output_shape", count, 0, 0, sizes.data()));
  std::rotate(sizes.begin(), sizes.begin() + (count - rank), sizes.end());
  padding.output_shape = sizes;
  return padding;
}

// Sets the output's size and the pads. When the output is given, what the full result
// has more is cut from both ends, the odd one from the end for SAME_UPPER, else from the begin;
// what it has less is empty at the end.
Status Resolve(const Node& node, const Padding& padding, int rank, int i, WindowAxis& axis) {
  const auto at = static_cast<size_t>(i);
  const AutoPad auto_pad = padding.auto_pad;
  const bool same = auto_pad == AutoPad::kSameUpper || auto_pad == AutoPad::kSameLower;
  const bool known = axis.input >= 0 && axis.kernel >= 0;
  const int64_t extent = (axis.kernel - 1) * axis.dilation + 1;
  const int64_t full =
      std::max<int64_t>((axis.input - 1) * axis.stride + padding.output_padding[at] + extent, 0);
  axis.output = kUnknownDim;
  if (padding.output_shape.has_value() || same) {
    if (padding.output_shape.has_value()) {
      axis.output = (*padding.output_shape)[at];
    } else if (axis.input >= 0) {
      axis.output = axis.input * axis.stride;
    }
    if (!known) return OkStatus();
    const int64_t cut = std::max<int64_t>(full - axis.output, 0);
    axis.pad_begin = auto_pad == AutoPad::kSameUpper ? cut / 2 : cut - cut / 2;
    axis.pad_end = full - axis.output - axis.pad_begin;
    return OkStatus();
  }
  const bool valid = auto_pad == AutoPad::kValid;
  axis.pad_begin = valid ? 0 : padding.pads[at];
  axis.pad_end = valid ? 0 : padding.pads[at + static_cast<size_t>(rank)];
  if (!known) return OkStatus();
  const int64_t cut = axis.pad_begin + axis.pad_end;
  axis.output = full - cut;
  if (axis.output >= 0) return OkStatus();
  return WrongNode(node, "attribute 'pads' cuts ", cut, " elements from spatial axis ", i,
                   " of the output, which has only ", full);
}

Status InferConvTranspose(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireInput(1));
  for (int i = 1; i <= kResidualInput; ++i) {
    MULLION_RETURN_IF_ERROR(context.RequireSameType(0, i));
  }
  const Shape* const image = context.InputShape(0);
  const Shape* const weights = context.InputShape(1);
  if (image == nullptr || weights == nullptr) {
    context.SetOutput(0, context.InputType(0));
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const ConvolutionGeometry geometry,
                           TransposedGeometry(context.node(), *image, *weights));
  MULLION_RETURN_IF_ERROR(CheckChannelBias(context, geometry.out_channels));
  const Shape output = geometry.OutputShape();
  MULLION_RETURN_IF_ERROR(CheckResidual(context, kResidualInput, output));
  context.SetOutput(0, context.InputType(0), output);
  return OkStatus();
}

}  // namespace

Result<ConvolutionGeometry> TransposedGeometry(const Node& node, const Shape& image,
                                               const Shape& weights) {
  MULLION_ASSIGN_OR_RETURN(ConvolutionGeometry g, ConvolutionGeometry::Begin(node, image, weights));
  g.in_channels = weights[0];
  const int64_t channels = image[g.layout.ChannelAxis(image.rank())];
  if (g.groups < 1 || g.groups > kLargestConvolution ||
      (g.in_channels >= 0 && g.in_channels % g.groups != 0)) {
    return WrongNode(node, "attribute 'group' is ", g.groups, " for ", g.in_channels,
                     " input channels; it must be positive and divide them");
  }
  if (channels >= 0 && g.in_channels >= 0 && channels != g.in_channels) {
    return WrongNode(node, "the image has ", channels, " channels but the weights, of shape ",
                     weights.ToString(), ", take ", g.in_channels);
  }
  if (weights[1] > kLargestConvolution)
    return WrongNode(node, "the weights have too many output channels");
  g.out_channels = weights[1] < 0 ? kUnknownDim : weights[1] * g.groups;
  MULLION_RETURN_IF_ERROR(g.ReadAxes(node, image, weights));
  MULLION_ASSIGN_OR_RETURN(const Padding padding, ReadPadding(node, g.spatial_rank));
  for (int i = 0; i < g.spatial_rank; ++i) {
    WindowAxis& axis = g.axes[static_cast<size_t>(i)];
    if (axis.kernel == 0) {
      return WrongNode(node, "the weights, of shape ", weights.ToString(),
                       ", are empty on spatial axis ", i);
    }
    MULLION_RETURN_IF_ERROR(Resolve(node, padding, g.spatial_rank, i, axis));
  }
  return g;
}

void RegisterConvTranspose(OperatorRegistry& registry) {
  // ConvTranspose-11 says more clearly what the defaults are, -22 allows bfloat16.
  registry.Add({.name = "ConvTranspose",
                .inputs = {2, 4},
                .added_inputs = 1,
                .types = types::kAllFloats,
                .infer = InferConvTranspose});
}

}  // namespace mullion::operators
