// SPDX-License-Identifier: MIT
#include "optimizer/fuse_max_pool.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "operators/epilogue.h"
#include "operators/pool.h"
#include "operators/whole_output.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

// With more, others than the direct form of the convolution are faster.
constexpr int64_t kMostPictureChannels = 4;
constexpr int64_t kPooledKernel = 3;
// Fewer are made of a picture's planes line by line.
constexpr int64_t kFewestOutputs = 17;

// With channels last, and every second line left out.
bool IsFirstLayer(const Node& conv) {
  const Value* const weights = conv.input(1);
  if (!IsConstantFloat(weights) || !operators::ChannelLayout(conv).last ||
      conv.HasAttribute(operators::kWholeChannels) || conv.HasAttribute(operators::kMaxPooled) ||
      conv.input(operators::kResidualInput) != nullptr) {
    return false;
  }
  const Shape& shape = weights->constant.shape();
  if (shape.rank() != 4 || shape[0] < kFewestOutputs || shape[1] > kMostPictureChannels ||
      shape[2] != kPooledKernel || shape[3] != kPooledKernel ||
      conv.IntAttribute("group", 1) != 1) {
    return false;
  }
  const auto strides = conv.IntsAttribute("strides");
  const auto dilations = conv.IntsAttribute("dilations");
  return strides.size() == 2 && strides[0] == 2 && strides[1] == 2 &&
         std::all_of(dilations.begin(), dilations.end(), [](int64_t d) { return d == 1; });
}

// What a Conv's attribute can say of it, or nothing.
std::vector<int64_t> WindowsOf(const Node& pool) {
  const auto parameters = operators::PoolParameters::FromNode(pool);
  if (!parameters.ok() || parameters->spatial_rank != 2 || !parameters->layout.last ||
      parameters->auto_pad != operators::AutoPad::kNotSet || parameters->ceil_mode ||
      pool.output(1) != nullptr) {
    return {};
  }
  const operators::WindowAxis& y = parameters->windows[0];
  const operators::WindowAxis& x = parameters->windows[1];
  if (y.dilation != 1 || x.dilation != 1) return {};
  return {y.kernel, x.kernel, y.stride, x.stride, y.pad_begin, x.pad_begin, y.pad_end, x.pad_end};
}

}  // namespace

bool FuseMaxPool(Graph& graph) {
  std::vector<Node*> pools;
  bool changed = false;
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) changed |= FuseMaxPool(*subgraph);
    if (Is(*node, "MaxPool")) pools.push_back(node.get());
  }
  for (Node* const pool : pools) {
    Node* const conv = ProducerOf(pool->input(0), "Conv");
    if (conv == nullptr || &conv->graph() != &graph || !HasOneReader(*conv->output(0)) ||
        !IsFirstLayer(*conv)) {
      continue;
    }
    std::vector<int64_t> windows = WindowsOf(*pool);
    if (windows.empty()) continue;
    conv->SetAttribute(operators::kMaxPooled, std::move(windows));
    Value* const output = pool->output(0);
    pool->SetOutput(0, nullptr);
    conv->SetOutput(0, output);
    graph.Remove(*pool);
    changed = true;
  }
  return changed;
}

}  // namespace mullion::optimizer
