// SPDX-License-Identifier: MIT
#include "optimizer/read_planes.h"

#include <algorithm>
#include <array>
#include <vector>

#include "operators/convolution_geometry.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

// More than the planes of a picture are as well turned.
constexpr int64_t kMostPlanes = 4;

bool TakesPlanes(const Node& conv) {
  const Value* const weights = conv.input(1);
  if (!Is(conv, "Conv") || !IsConstantFloat(weights) || conv.IntAttribute("group", 1) != 1 ||
      !operators::ChannelLayout(conv).last || conv.HasAttribute(operators::kReadsPlanes)) {
    return false;
  }
  const Shape& shape = weights->constant.shape();
  return shape.rank() == 4 && shape[1] <= kMostPlanes;
}

bool PutsChannelsLast(const Node& transpose) {
  constexpr std::array<int64_t, 4> kToLast = {0, 2, 3, 1};
  const auto perm = transpose.IntsAttribute("perm");
  return std::equal(perm.begin(), perm.end(), kToLast.begin(), kToLast.end());
}

}  // namespace

bool ReadPlanes(Graph& graph) {
  bool changed = false;
  std::vector<Node*> convolutions;
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) changed |= ReadPlanes(*subgraph);
    if (TakesPlanes(*node)) convolutions.push_back(node.get());
  }
  for (Node* const conv : convolutions) {
    Node* const transpose = ProducerOf(conv->input(0), "Transpose");
    if (transpose == nullptr || &transpose->graph() != &graph || !PutsChannelsLast(*transpose) ||
        !HasOneReader(*transpose->output(0))) {
      continue;
    }
    conv->SetInput(0, transpose->input(0));
    conv->SetAttribute(operators::kReadsPlanes, int64_t{1});
    graph.Remove(*transpose);
    changed = true;
  }
  return changed;
}

}  // namespace mullion::optimizer
