// SPDX-License-Identifier: MIT
// MaxPool, AveragePool, LpPool.
#include "operators/pool.h"

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// Sets output and pads from the input's size.
void Resolve(const PoolParameters& parameters, WindowAxis& axis) {
  axis.Resolve(parameters.auto_pad);
  const bool same =
      parameters.auto_pad == AutoPad::kSameUpper || parameters.auto_pad == AutoPad::kSameLower;
  if (same || !parameters.ceil_mode || axis.output < 0) return;
  const int64_t room =
      axis.input + axis.pad_begin + axis.pad_end - ((axis.kernel - 1) * axis.dilation + 1);
  // One more window that ends outside, unless it would begin in the padding at the end: also where
  // not even the first one fits, by less than a stride.
  if (room > -axis.stride && room % axis.stride != 0 &&
      axis.output * axis.stride < axis.input + axis.pad_begin) {
    ++axis.output;
  }
}

Status InferPool(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const PoolParameters parameters,
                           PoolParameters::FromNode(context.node()));
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) {
    context.SetOutput(0, context.InputType(0));
    if (context.WantsOutput(1)) context.SetOutput(1, ElementType::kInt64);
    return OkStatus();
  }
  MULLION_RETURN_IF_ERROR(context.RequireRank(0, parameters.spatial_rank + 2));
  const Shape output = parameters.OutputShape(*shape);
  context.SetOutput(0, context.InputType(0), output);
  if (!context.WantsOutput(1)) return OkStatus();
  // Indices stay channels first, and count in a channels-first input.
  Shape indices = output;
  if (parameters.layout.last) {
    const int64_t channels = output.Back(0);
    indices.Remove(output.rank() - 1);
    indices.Insert(1, channels);
  }
  context.SetOutput(1, ElementType::kInt64, indices);
  return OkStatus();
}

}  // namespace

Status UpgradeFloatP(Node& node) {
  if (node.HasAttribute("p")) {
    const float p = node.FloatAttribute("p", 2.0f);
    if (!(p >= 1 && p < 1e6f) || p != static_cast<float>(static_cast<int64_t>(p))) {
      return node.Error(StatusCode::kUnsupported, "attribute 'p' is ", p,
                        "; whole numbers from 1 are supported");
    }
    node.SetAttribute("p", static_cast<int64_t>(p));
  }
  node.set_opset(2);
  return OkStatus();
}

Result<PoolParameters> PoolParameters::FromNode(const Node& node) {
  PoolParameters parameters;
  parameters.layout = ChannelLayout(node);
  const auto rank = node.IntsAttribute("kernel_shape").size();
  if (rank == 0 || rank > static_cast<size_t>(kMaxRank - 2)) {
    return node.Error(StatusCode::kInvalidModel, "attribute 'kernel_shape' has ", rank,
                      " elements but must have one for each spatial axis, at most ", kMaxRank - 2);
  }
  const int count = static_cast<int>(rank);
  parameters.spatial_rank = count;
  std::array<int64_t, kMaxRank> kernel, strides, dilations;
  std::array<int64_t, 2 * kMaxRank> pads;
  MULLION_RETURN_IF_ERROR(ReadWindowSizes(node, "kernel_shape", count, 1, 1, kernel.data()));
  MULLION_RETURN_IF_ERROR(ReadWindowSizes(node, "strides", count, 1, 1, strides.data()));
  MULLION_RETURN_IF_ERROR(ReadWindowSizes(node, "dilations", count, 1, 1, dilations.data()));
  MULLION_RETURN_IF_ERROR(ReadWindowSizes(node, "pads", 2 * count, 0, 0, pads.data()));
  MULLION_ASSIGN_OR_RETURN(parameters.auto_pad, ReadAutoPad(node));
  for (size_t i = 0; i < rank; ++i) {
    parameters.windows[i] = {.kernel = kernel[i],
                             .stride = strides[i],
                             .dilation = dilations[i],
                             .pad_begin = pads[i],
                             .pad_end = pads[rank + i]};
  }
  parameters.ceil_mode = node.IntAttribute("ceil_mode", 0) != 0;
  parameters.count_include_pad = node.IntAttribute("count_include_pad", 0) != 0;
  parameters.column_major_indices = node.IntAttribute("storage_order", 0) != 0;
  parameters.p = node.IntAttribute("p", 2);
  if (parameters.p < 1) {
    return node.Error(StatusCode::kInvalidModel, "attribute 'p' is ", parameters.p,
                      " but must be 1 or more");
  }
  return parameters;
}

Result<PoolParameters> PoolParameters::OfPooled(const Node& conv) {
  PoolParameters parameters;
  if (!conv.HasAttribute(kMaxPooled)) return parameters;
  std::array<int64_t, 8> sizes;
  MULLION_RETURN_IF_ERROR(ReadWindowSizes(conv, kMaxPooled.data(), 8, 0, 0, sizes.data()));
  parameters.layout = ChannelLayout(conv);
  parameters.spatial_rank = 2;
  for (size_t i = 0; i < 2; ++i) {
    parameters.windows[i] = {.kernel = std::max<int64_t>(sizes[i], 1),
                             .stride = std::max<int64_t>(sizes[i + 2], 1),
                             .pad_begin = sizes[i + 4],
                             .pad_end = sizes[i + 6]};
  }
  return parameters;
}

AxisList<WindowAxis> PoolParameters::Axes(const Shape& input) const {
  AxisList<WindowAxis> axes = windows;
  for (int i = 0; i < spatial_rank; ++i) {
    WindowAxis& axis = axes[static_cast<size_t>(i)];
    axis.input = input[layout.SpatialAxis(i)];
    Resolve(*this, axis);
  }
  return axes;
}

Shape PoolParameters::OutputShape(const Shape& input) const {
  const AxisList<WindowAxis> axes = Axes(input);
  Shape output = input;
  for (int i = 0; i < spatial_rank; ++i) {
    output[layout.SpatialAxis(i)] = axes[static_cast<size_t>(i)].output;
  }
  return output;
}

void RegisterPool(OperatorRegistry& registry) {
  // MaxPool: indices and storage_order came in opset 8, dilations and ceil_mode in 10, 8-bit types
  // in 12; AveragePool: count_include_pad in 7, ceil_mode in 10, dilations in 19. Absent attributes
  // have their defaults, so each has one form.
  registry.Add({.name = "MaxPool",
                .inputs = {1, 1},
                .outputs = {1, 2},
                .types = types::kAllFloats | SetOf(ElementType::kInt8, ElementType::kUint8),
                .infer = InferPool});
  registry.Add(
      {.name = "AveragePool", .inputs = {1, 1}, .types = types::kAllFloats, .infer = InferPool});
  registry.Add(
      {.name = "LpPool", .inputs = {1, 1}, .types = types::kAllFloats, .upgrade = UpgradeFloatP});
  registry.Add({.name = "LpPool",
                .since = 2,
                .inputs = {1, 1},
                .types = types::kAllFloats,
                .infer = InferPool});
}

}  // namespace mullion::operators
