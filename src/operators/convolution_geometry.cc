// SPDX-License-Identifier: MIT
#include "operators/convolution_geometry.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "base/str_cat.h"
#include "operators/epilogue.h"
#include "operators/inference.h"

namespace mullion::operators {

namespace {

// Element i of a list of `count` numbers, `fallback` when the attribute is absent.
Result<int64_t> ListElement(const Node& node, const char* name, int count, int i, int64_t fallback,
                            int64_t least) {
  const std::span<const int64_t> values = node.IntsAttribute(name);
  if (values.empty()) return fallback;
  if (values.size() != static_cast<size_t>(count)) {
    return WrongNode(node, StrCat("attribute '", name, "' has ", values.size(),
                                  " elements but must have ", count));
  }
  const int64_t value = values[static_cast<size_t>(i)];
  if (value >= least && value <= kLargestConvolution) return value;
  return WrongNode(node, StrCat("attribute '", name, "' holds ", value, " but must lie in [", least,
                                ", ", kLargestConvolution, "]"));
}

Status ReadAxis(const Node& node, int rank, int i, ConvolutionGeometry::Axis& axis) {
  MULLION_ASSIGN_OR_RETURN(axis.stride, ListElement(node, "strides", rank, i, 1, 1));
  MULLION_ASSIGN_OR_RETURN(axis.dilation, ListElement(node, "dilations", rank, i, 1, 1));
  MULLION_ASSIGN_OR_RETURN(axis.pad_begin,
                           ListElement(node, "pads", 2 * rank, i, 0, -kLargestConvolution));
  MULLION_ASSIGN_OR_RETURN(axis.pad_end,
                           ListElement(node, "pads", 2 * rank, rank + i, 0, -kLargestConvolution));
  MULLION_ASSIGN_OR_RETURN(const int64_t kernel,
                           ListElement(node, "kernel_shape", rank, i, axis.kernel, 1));
  if (axis.kernel >= 0 && kernel != axis.kernel) {
    return WrongNode(node, StrCat("attribute 'kernel_shape' says ", kernel, " on spatial axis ", i,
                                  " but the weights have ", axis.kernel));
  }
  axis.kernel = kernel;
  if (axis.kernel > kLargestConvolution || axis.input > kLargestConvolution) {
    return WrongNode(node, StrCat("spatial axis ", i, " is too large"));
  }
  return OkStatus();
}

// Sets the output's size, and the pads that `auto_pad` leaves open.
Status Resolve(const Node& node, std::string_view auto_pad, ConvolutionGeometry::Axis& axis) {
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (!same && auto_pad != "NOTSET" && auto_pad != "VALID" && !auto_pad.empty()) {
    return WrongNode(node, StrCat("attribute 'auto_pad' is '", auto_pad,
                                  "' but must be NOTSET, SAME_UPPER, SAME_LOWER or VALID"));
  }
  if (auto_pad == "VALID") axis.pad_begin = axis.pad_end = 0;
  if (axis.input < 0 || axis.kernel < 0) {
    axis.output = kUnknownDim;
    return OkStatus();
  }
  const int64_t extent = (axis.kernel - 1) * axis.dilation + 1;
  if (same) {
    axis.output = (axis.input + axis.stride - 1) / axis.stride;
    const int64_t pads =
        std::max<int64_t>((axis.output - 1) * axis.stride + extent - axis.input, 0);
    axis.pad_begin = auto_pad == "SAME_UPPER" ? pads / 2 : pads - pads / 2;
    axis.pad_end = pads - axis.pad_begin;
    return OkStatus();
  }
  const int64_t room = axis.input + axis.pad_begin + axis.pad_end - extent;
  axis.output = room < 0 ? 0 : room / axis.stride + 1;
  return OkStatus();
}

Status CheckChannels(const Node& node, const ConvolutionGeometry& g, int64_t group_channels) {
  if (g.groups < 1 || (g.out_channels >= 0 && g.out_channels % g.groups != 0)) {
    return WrongNode(node, StrCat("attribute 'group' is ", g.groups, " for ", g.out_channels,
                                  " output channels; it must be positive and divide them"));
  }
  if (g.in_channels < 0 || group_channels < 0) return OkStatus();
  if (g.in_channels % g.groups == 0 && g.in_channels / g.groups == group_channels) {
    return OkStatus();
  }
  return WrongNode(node, StrCat("the image has ", g.in_channels, " channels but the weights want ",
                                group_channels, " for each of ", g.groups, " groups"));
}

}  // namespace

Result<ConvolutionGeometry> ConvolutionGeometry::FromNode(const Node& node, const Shape& image,
                                                          const Shape& weights) {
  if (image.rank() < 3 || image.rank() != weights.rank()) {
    return WrongNode(node, StrCat("the image has shape ", image.ToString(), " and the weights ",
                                  weights.ToString(), "; both must have the same rank, 3 or more"));
  }
  ConvolutionGeometry g;
  g.layout = ChannelLayout(node);
  g.spatial_rank = image.rank() - 2;
  g.batch = image[0];
  g.groups = node.IntAttribute("group", 1);
  g.in_channels = image[g.layout.ChannelAxis(image.rank())];
  g.out_channels = weights[0];
  MULLION_RETURN_IF_ERROR(CheckChannels(node, g, weights[1]));
  const std::string_view auto_pad = node.StringAttribute("auto_pad", "NOTSET");
  for (int i = 0; i < g.spatial_rank; ++i) {
    ConvolutionGeometry::Axis& axis = g.axes[static_cast<size_t>(i)];
    axis.input = image[g.layout.SpatialAxis(i)];
    axis.kernel = weights[i + 2];
    MULLION_RETURN_IF_ERROR(ReadAxis(node, g.spatial_rank, i, axis));
    MULLION_RETURN_IF_ERROR(Resolve(node, auto_pad, axis));
  }
  return g;
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
  return context.Error(StrCat(context.DescribeInput(kBiasInput),
                              " but must have one element for each of the ", out_channels,
                              " output channels"));
}

}  // namespace mullion::operators
