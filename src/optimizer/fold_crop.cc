// SPDX-License-Identifier: MIT
#include "optimizer/fold_crop.h"

#include <optional>
#include <vector>

#include "operators/channel_layout.h"
#include "operators/conv_transpose.h"
#include "operators/epilogue.h"
#include "operators/int_list.h"
#include "operators/slice.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

std::optional<IntList> CropInts(const Value* value) {
  if (value == nullptr || !value->IsConstant()) return std::nullopt;
  Result<IntList> list = ReadIntList(value->constant.view(), "list");
  if (!list.ok()) return std::nullopt;
  return *list;
}

// What `slice` cuts off the spatial axes of a tensor of `shape`, at their begins and then at their
// ends; nothing when it does more than that, or sizes are not known.
std::optional<std::vector<int64_t>> CutOf(const Node& slice, const Shape& shape,
                                          operators::ChannelLayout layout) {
  const auto starts = CropInts(slice.input(1));
  const auto ends = CropInts(slice.input(2));
  const auto axes = CropInts(slice.input(3));
  if (!starts.has_value() || !ends.has_value() || !axes.has_value()) return std::nullopt;
  for (const int64_t axis : *axes) {
    const int64_t place = axis < 0 ? axis + shape.rank() : axis;
    if (place == 0 || place == layout.ChannelAxis(shape.rank())) return std::nullopt;
  }
  const auto steps = CropInts(slice.input(4));
  if (slice.input(4) != nullptr && !steps.has_value()) return std::nullopt;
  const auto ranges =
      operators::ResolveSlice(shape, *starts, *ends, &*axes, steps.has_value() ? &*steps : nullptr);
  if (!ranges.ok()) return std::nullopt;
  const auto rank = static_cast<size_t>(shape.rank() - 2);
  std::vector<int64_t> cut(2 * rank);
  for (size_t i = 0; i < rank; ++i) {
    const int axis = layout.SpatialAxis(static_cast<int>(i));
    const operators::SliceRange& range = ranges->axes[static_cast<size_t>(axis)];
    if (shape[axis] < 0 || range.step != 1 || range.count < 1) return std::nullopt;
    cut[i] = range.start;
    cut[i + rank] = shape[axis] - range.start - range.count;
  }
  return cut;
}

bool FoldInto(Graph& graph, Node& conv, Node& slice) {
  const Value& made = *conv.output(0);
  const Value* const image = conv.input(0);
  const Value* const weights = conv.input(1);
  if (&conv.graph() != &graph || !HasOneReader(made) || !made.type.has_shape ||
      !image->type.has_shape || weights == nullptr || !weights->type.has_shape) {
    return false;
  }
  const auto cut = CutOf(slice, made.type.shape, {});
  const auto geometry = operators::TransposedGeometry(conv, image->type.shape, weights->type.shape);
  if (!cut.has_value() || !geometry.ok()) return false;
  const auto rank = static_cast<size_t>(geometry->spatial_rank);
  const auto added = conv.IntsAttribute("output_padding");
  std::vector<int64_t> pads(2 * rank);
  for (size_t i = 0; i < rank; ++i) {
    const operators::WindowAxis& axis = geometry->axes[i];
    if (axis.input < 0 || axis.kernel < 0 || axis.output < 0) return false;
    const int64_t full = (axis.input - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1 +
                         (added.empty() ? 0 : added[i]);
    const int64_t wanted = axis.output - (*cut)[i] - (*cut)[i + rank];
    pads[i] = axis.pad_begin + (*cut)[i];
    pads[i + rank] = full - pads[i] - wanted;
  }
  for (const char* const other : {"auto_pad", "output_shape"}) conv.RemoveAttribute(other);
  conv.SetAttribute("pads", std::move(pads));
  Value* const output = slice.output(0);
  slice.SetOutput(0, nullptr);
  conv.SetOutput(0, output);
  graph.Remove(slice);
  return true;
}

bool CropResidual(Graph& graph, Node& normalization) {
  Node* const slice = ProducerOf(normalization.input(operators::kResidualInput), "Slice");
  if (slice == nullptr || &slice->graph() != &graph || !HasOneReader(*slice->output(0))) {
    return false;
  }
  Value* const whole = slice->input(0);
  if (!IsFloat(whole) || !whole->type.has_shape || whole->type.shape.rank() != 4) return false;
  const auto cut = CutOf(*slice, whole->type.shape, operators::ChannelLayout(normalization));
  if (!cut.has_value()) return false;
  normalization.SetAttribute(operators::kResidualBegin, std::vector<int64_t>{(*cut)[0], (*cut)[1]});
  normalization.SetInput(operators::kResidualInput, whole);
  graph.Remove(*slice);
  return true;
}

}  // namespace

bool CropResiduals(Graph& graph) {
  bool changed = false;
  std::vector<Node*> normalizations;
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) changed |= CropResiduals(*subgraph);
    if ((Is(*node, "InstanceNormalization") || Is(*node, "GroupNormalization")) &&
        operators::ChannelLayout(*node).last) {
      normalizations.push_back(node.get());
    }
  }
  for (Node* const node : normalizations) changed |= CropResidual(graph, *node);
  return changed;
}

bool FoldCrop(Graph& graph) {
  bool changed = false;
  std::vector<Node*> slices;
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) changed |= FoldCrop(*subgraph);
    if (Is(*node, "Slice")) slices.push_back(node.get());
  }
  for (Node* const slice : slices) {
    Node* const conv = ProducerOf(slice->input(0), "ConvTranspose");
    if (conv != nullptr) changed |= FoldInto(graph, *conv, *slice);
  }
  return changed;
}

}  // namespace mullion::optimizer
