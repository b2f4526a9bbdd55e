// SPDX-License-Identifier: MIT
#include "operators/convolution_geometry.h"

#include <algorithm>

#include "base/str_cat.h"
#include "operators/epilogue.h"
#include "operators/inference.h"

namespace mullion::operators {

namespace {

using Sizes = std::array<int64_t, 2 * kMaxRank>;

Status CheckChannels(const Node& node, const ConvolutionGeometry& g, int64_t group_channels) {
  if (g.groups < 1 || (g.out_channels >= 0 && g.out_channels % g.groups != 0)) {
    return WrongNode(node, "attribute 'group' is ", g.groups, " for ", g.out_channels,
                     " output channels; it must be positive and divide them");
  }
  if (g.in_channels < 0 || group_channels < 0) return OkStatus();
  if (g.in_channels % g.groups == 0 && g.in_channels / g.groups == group_channels) {
    return OkStatus();
  }
  return WrongNode(node, "the image has ", g.in_channels, " channels but the weights want ",
                   group_channels, " for each of ", g.groups, " groups");
}

}  // namespace

Result<ConvolutionGeometry> ConvolutionGeometry::Begin(const Node& node, const Shape& image,
                                                       const Shape& weights) {
  if (image.rank() < 3 || image.rank() != weights.rank()) {
    return WrongNode(node, "the image has shape ", image.ToString(), " and the weights ",
                     weights.ToString(), "; both must have the same rank, 3 or more");
  }
  ConvolutionGeometry g;
  g.layout = ChannelLayout(node);
  g.image_layout.last = g.layout.last && node.IntAttribute(kReadsPlanes, 0) == 0;
  g.spatial_rank = image.rank() - 2;
  g.batch = image[0];
  g.groups = node.IntAttribute("group", 1);
  return g;
}

Result<ConvolutionGeometry> ConvolutionGeometry::FromNode(const Node& node, const Shape& image,
                                                          const Shape& weights) {
  MULLION_ASSIGN_OR_RETURN(ConvolutionGeometry g, Begin(node, image, weights));
  g.in_channels = image[g.image_layout.ChannelAxis(image.rank())];
  g.out_channels = weights[0];
  MULLION_RETURN_IF_ERROR(CheckChannels(node, g, weights[1]));
  const int rank = g.spatial_rank;
  Sizes pads{};
  MULLION_RETURN_IF_ERROR(g.ReadAxes(node, image, weights));
  MULLION_RETURN_IF_ERROR(
      ReadWindowSizes(node, "pads", 2 * rank, 0, -kLargestConvolution, pads.data()));
  MULLION_ASSIGN_OR_RETURN(const AutoPad auto_pad, ReadAutoPad(node));
  for (size_t i = 0; i < static_cast<size_t>(rank); ++i) {
    g.axes[i].pad_begin = pads[i];
    g.axes[i].pad_end = pads[i + static_cast<size_t>(rank)];
    g.axes[i].Resolve(auto_pad);
  }
  return g;
}

bool ConvolutionGeometry::TakeImage(const Shape& image, AutoPad auto_pad) {
  if (image.rank() != spatial_rank + 2) return false;
  const int64_t channels = image[image_layout.ChannelAxis(image.rank())];
  if (in_channels >= 0 && channels != in_channels) return false;
  batch = image[0];
  in_channels = channels;
  for (int i = 0; i < spatial_rank; ++i) {
    WindowAxis& axis = axes[static_cast<size_t>(i)];
    axis.input = image[image_layout.SpatialAxis(i)];
    if (axis.input > kLargestConvolution) return false;
    axis.Resolve(auto_pad);
  }
  return true;
}

Status ConvolutionGeometry::ReadAxes(const Node& node, const Shape& image, const Shape& weights) {
  Sizes kernel{}, strides{}, dilations{};
  MULLION_RETURN_IF_ERROR(ReadWindowSizes(node, "strides", spatial_rank, 1, 1, strides.data()));
  MULLION_RETURN_IF_ERROR(ReadWindowSizes(node, "dilations", spatial_rank, 1, 1, dilations.data()));
  MULLION_RETURN_IF_ERROR(ReadWindowSizes(node, "kernel_shape", spatial_rank, 1, 1, kernel.data()));
  const bool says_kernel = !node.IntsAttribute("kernel_shape").empty();
  for (int i = 0; i < spatial_rank; ++i) {
    const auto at = static_cast<size_t>(i);
    WindowAxis& axis = axes[at];
    axis.input = image[image_layout.SpatialAxis(i)];
    axis.kernel = weights[i + 2];
    axis.stride = strides[at];
    axis.dilation = dilations[at];
    if (says_kernel && axis.kernel >= 0 && axis.kernel != kernel[at]) {
      return WrongNode(node, "attribute 'kernel_shape' says ", kernel[at], " on spatial axis ", i,
                       " but the weights have ", axis.kernel);
    }
    if (says_kernel) axis.kernel = kernel[at];
    if (axis.kernel > kLargestConvolution || axis.input > kLargestConvolution) {
      return WrongNode(node, "spatial axis ", i, " is too large");
    }
  }
  return OkStatus();
}

Shape ConvolutionGeometry::OutputShape() const {
  Shape shape = Shape::Filled(spatial_rank + 2, batch);
  shape[layout.ChannelAxis(shape.rank())] = out_channels;
  for (int i = 0; i < spatial_rank; ++i) {
    shape[layout.SpatialAxis(i)] = axes[static_cast<size_t>(i)].output;
  }
  return shape;
}

Status CheckChannelBias(const InferenceContext& context, int64_t out_channels) {
  const Shape* const shape = context.InputShape(kBiasInput);
  if (shape == nullptr) return OkStatus();
  const bool fits =
      shape->rank() == 1 && ((*shape)[0] < 0 || out_channels < 0 || (*shape)[0] == out_channels);
  if (fits) return OkStatus();
  return context.Error(context.DescribeInput(kBiasInput),
                       " but must have one element for each of the ", out_channels,
                       " output channels");
}

}  // namespace mullion::operators
