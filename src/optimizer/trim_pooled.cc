// SPDX-License-Identifier: MIT
#include "optimizer/trim_pooled.h"

#include <utility>
#include <vector>

#include "operators/convolution_geometry.h"
#include "operators/epilogue.h"
#include "operators/pool.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

bool TrimBefore(Node& conv, Node& pool) {
  Value& made = *conv.output(0);
  const Value* const image = conv.input(0);
  const Value* const weights = conv.input(1);
  // Indices count in the whole image, and a residual has its shape.
  if (&conv.graph() != &pool.graph() || !HasOneReader(made) || pool.output(1) != nullptr ||
      conv.input(operators::kResidualInput) != nullptr || !made.type.has_shape ||
      !image->type.has_shape || !weights->type.has_shape) {
    return false;
  }
  const auto geometry =
      operators::ConvolutionGeometry::FromNode(conv, image->type.shape, weights->type.shape);
  const auto windows = operators::PoolParameters::FromNode(pool);
  if (!geometry.ok() || !windows.ok() || windows->spatial_rank != geometry->spatial_rank) {
    return false;
  }
  const auto pooled = windows->Axes(made.type.shape);
  const auto rank = static_cast<size_t>(geometry->spatial_rank);
  std::vector<int64_t> conv_pads(2 * rank);
  std::vector<int64_t> pool_pads(2 * rank);
  Shape shape = made.type.shape;
  int64_t taps = 1;
  for (size_t i = 0; i < rank; ++i) {
    const operators::WindowAxis& axis = geometry->axes[i];
    const operators::WindowAxis& window = pooled[i];
    if (axis.kernel < 1 || axis.output < 1 || window.output < 1) return false;
    const int64_t end = window.Start(window.output - 1) + (window.kernel - 1) * window.dilation + 1;
    const bool all = end < 1 || end >= axis.output;
    conv_pads[i] = axis.pad_begin;
    conv_pads[i + rank] = axis.pad_end - (all ? 0 : (axis.output - end) * axis.stride);
    pool_pads[i] = window.pad_begin;
    pool_pads[i + rank] = all ? window.pad_end : 0;
    if (!all) shape[geometry->layout.SpatialAxis(static_cast<int>(i))] = end;
    taps *= axis.kernel;
  }
  // A product of all pixels would become one of lines.
  if (shape == made.type.shape || taps == 1) return false;
  made.type.shape = shape;
  conv.RemoveAttribute("auto_pad");
  conv.SetAttribute("pads", std::move(conv_pads));
  pool.RemoveAttribute("auto_pad");
  pool.SetAttribute("pads", std::move(pool_pads));
  return true;
}

}  // namespace

bool TrimPooled(Graph& graph) {
  bool changed = false;
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) changed |= TrimPooled(*subgraph);
    if (!Is(*node, "MaxPool") && !Is(*node, "AveragePool") && !Is(*node, "LpPool")) continue;
    Node* const conv = ProducerOf(node->input(0), "Conv");
    if (conv != nullptr) changed |= TrimBefore(*conv, *node);
  }
  return changed;
}

}  // namespace mullion::optimizer
