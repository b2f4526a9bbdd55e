// SPDX-License-Identifier: MIT
#include "operators/deform_conv.h"

#include "base/str_cat.h"
#include "operators/registry.h"
#include "operators/window_attributes.h"

namespace mullion::operators {

namespace {

Status InferDeformConv(InferenceContext& context) {
  for (int i = 1; i < 5; ++i) MULLION_RETURN_IF_ERROR(context.RequireSameType(i, 0));
  const Shape* const image = context.InputShape(0);
  const Shape* const weights = context.InputShape(1);
  const ElementType type = context.InputType(0);
  if (image == nullptr || weights == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  if (!image->IsConcrete() || !weights->IsConcrete()) {
    Shape output = Shape::Filled(image->rank(), kUnknownDim);
    if (output.rank() >= 2) {
      output[0] = (*image)[0];
      output[1] = weights->rank() > 0 ? (*weights)[0] : kUnknownDim;
    }
    context.SetOutput(0, type, output);
    return OkStatus();
  }
  const auto concrete = [&](int i) {
    const Shape* const shape = context.InputShape(i);
    return shape != nullptr && shape->IsConcrete() ? shape : nullptr;
  };
  const auto geometry =
      DeformConvGeometry::Make(context.node(), *image, *weights, concrete(2), concrete(4));
  if (!geometry.ok()) return context.Error(geometry.status().message());
  const Shape* const bias = concrete(3);
  if (bias != nullptr && bias->ElementCount() != (*weights)[0]) {
    return context.Error(context.DescribeInput(3), " but must have one element for each of ",
                         (*weights)[0], " output channels");
  }
  context.SetOutput(0, type, geometry->output);
  return OkStatus();
}

Status CheckShape(int input, const Shape* shape, const Shape& wanted) {
  if (shape == nullptr || *shape == wanted) return OkStatus();
  return InvalidModel("input ", input, " is ", shape->ToString(), " but must be ",
                      wanted.ToString(), " for these sizes");
}

}  // namespace

Result<DeformConvGeometry> DeformConvGeometry::Make(const Node& node, const Shape& image,
                                                    const Shape& weights, const Shape* offsets,
                                                    const Shape* mask) {
  DeformConvGeometry geometry;
  const int rank = image.rank() - 2;
  if (rank < 1 || rank > kMaxSpatialRank || weights.rank() != image.rank()) {
    return InvalidModel("inputs 0 and 1 are ", image.ToString(), " and ", weights.ToString(),
                        " but must have the same rank, from 3 to ", kMaxSpatialRank + 2);
  }
  geometry.rank = rank;
  geometry.groups = node.IntAttribute("group", 1);
  geometry.offset_groups = node.IntAttribute("offset_group", 1);
  const int64_t channels = image[1];
  if (geometry.groups < 1 || geometry.offset_groups < 1 || channels % geometry.groups != 0 ||
      channels % geometry.offset_groups != 0 || weights[0] % geometry.groups != 0 ||
      weights[1] != channels / geometry.groups) {
    return InvalidModel("inputs 0 and 1 are ", image.ToString(), " and ", weights.ToString(),
                        ", which do not fit ", geometry.groups, " groups (attribute 'group') and ",
                        geometry.offset_groups, " of offsets ('offset_group')");
  }
  std::array<int64_t, kMaxSpatialRank> kernel, strides, dilations;
  std::array<int64_t, 2 * kMaxSpatialRank> pads;
  MULLION_RETURN_IF_ERROR(ReadWindowSizes(node, "kernel_shape", rank, 0, 0, kernel.data()));
  MULLION_RETURN_IF_ERROR(ReadWindowSizes(node, "strides", rank, 1, 1, strides.data()));
  MULLION_RETURN_IF_ERROR(ReadWindowSizes(node, "dilations", rank, 1, 1, dilations.data()));
  MULLION_RETURN_IF_ERROR(ReadWindowSizes(node, "pads", 2 * rank, 0, 0, pads.data()));
  geometry.output = Shape{image[0], weights[0]};
  for (int i = 0; i < rank; ++i) {
    const auto a = static_cast<size_t>(i);
    Axis& axis = geometry.axes[a];
    axis = {image[i + 2], 0, weights[i + 2], strides[a], dilations[a], pads[a]};
    if (kernel[a] != 0 && kernel[a] != axis.kernel) {
      return InvalidModel("attribute 'kernel_shape' differs from input 1, ", weights.ToString());
    }
    const int64_t extent = (axis.kernel - 1) * axis.dilation + 1;
    const int64_t room = axis.input + pads[a] + pads[a + static_cast<size_t>(rank)] - extent;
    axis.output = room < 0 || axis.kernel == 0 ? 0 : room / axis.stride + 1;
    geometry.taps *= axis.kernel;
    geometry.output.Append(axis.output);
  }
  // Offsets are [N, groups * kernel positions * axes, output...], masks the same without axes.
  Shape wanted = geometry.output;
  wanted[1] = geometry.offset_groups * geometry.taps * rank;
  MULLION_RETURN_IF_ERROR(CheckShape(2, offsets, wanted));
  wanted[1] = geometry.offset_groups * geometry.taps;
  MULLION_RETURN_IF_ERROR(CheckShape(4, mask, wanted));
  return geometry;
}

void RegisterDeformConv(OperatorRegistry& registry) {
  registry.Add({.name = "DeformConv",
                .since = 19,
                .inputs = {3, 5},
                .types = types::kAllFloats,
                .infer = InferDeformConv});
}

}  // namespace mullion::operators
