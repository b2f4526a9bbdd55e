// SPDX-License-Identifier: MIT
#include "optimizer/turn_transposed.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

// [in][out / groups][kernel] to [out][in / groups][kernel from its end].
Result<Tensor> TurnedWeights(const Tensor& weights, int64_t groups) {
  Shape shape = weights.shape();
  const int64_t in = shape[0] / groups;
  const int64_t out = shape[1];
  const int64_t taps = shape.Product(2, shape.rank());
  shape[0] = out * groups;
  shape[1] = in;
  MULLION_ASSIGN_OR_RETURN(Tensor turned, Tensor::Allocate(ElementType::kFloat, shape));
  const float* const from = weights.span<float>().data();
  auto* to = static_cast<float*>(turned.mutable_data());
  for (int64_t group = 0; group < groups; ++group) {
    for (int64_t oc = 0; oc < out; ++oc) {
      for (int64_t ic = 0; ic < in; ++ic, to += taps) {
        const float* const kernel = from + ((group * in + ic) * out + oc) * taps;
        std::reverse_copy(kernel, kernel + taps, to);
      }
    }
  }
  return turned;
}

bool TurnAt(Graph& graph, Node& node) {
  const Value* const weights = node.input(1);
  const auto strides = node.IntsAttribute("strides");
  const bool steps_by_one =
      std::all_of(strides.begin(), strides.end(), [](int64_t stride) { return stride == 1; });
  const int64_t groups = node.IntAttribute("group", 1);
  if (!IsConstantFloat(weights) || !steps_by_one || node.HasAttribute("output_shape") ||
      node.StringAttribute("auto_pad", "NOTSET") != "NOTSET") {
    return false;
  }
  const Shape& shape = weights->constant.shape();
  if (shape.rank() < 3 || groups < 1 || shape[0] % groups != 0) return false;
  const auto rank = static_cast<size_t>(shape.rank() - 2);
  const auto dilations = node.IntsAttribute("dilations");
  const auto added = node.IntsAttribute("output_padding");
  std::vector<int64_t> pads(node.IntsAttribute("pads").begin(), node.IntsAttribute("pads").end());
  pads.resize(2 * rank);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t reach =
        (shape[static_cast<int>(i) + 2] - 1) * (dilations.empty() ? 1 : dilations[i]);
    pads[i] = reach - pads[i];
    pads[i + rank] = reach - pads[i + rank] + (added.empty() ? 0 : added[i]);
  }
  Result<Tensor> turned = TurnedWeights(weights->constant, groups);
  if (!turned.ok()) return false;
  node.SetOperator("", "Conv", node.opset());
  node.RemoveAttribute("output_padding");
  node.SetAttribute("pads", std::move(pads));
  node.SetInput(1, &graph.AddConstant(weights->name(), *std::move(turned)));
  return true;
}

}  // namespace

bool TurnTransposed(Graph& graph) {
  bool changed = false;
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) changed |= TurnTransposed(*subgraph);
    if (Is(*node, "ConvTranspose")) changed |= TurnAt(graph, *node);
  }
  return changed;
}

}  // namespace mullion::optimizer
