// SPDX-License-Identifier: MIT
#include "optimizer/fold_shuffle.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "operators/convolution_geometry.h"
#include "operators/epilogue.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

constexpr int kReshapeOpset = 14;

struct Shuffle {
  Node* split;
  Node* turn;
  Node* join;
  int64_t groups;    // that are exchanged with what is in them
  int64_t channels;  // in each
  // What reads the shuffled channels and could read them as they were.
  Node* depthwise = nullptr;
  Node* grouped = nullptr;
  // What makes the channels and could give them out shuffled.
  Node* maker = nullptr;
};

// The only reader of the node's output, if it is `name` and reads it as its first input.
Node* ReaderAlone(const Node& node, std::string_view name) {
  const Value& value = *node.output(0);
  if (!HasOneReader(value) || value.uses()[0].index != 0) return nullptr;
  Node* const reader = value.uses()[0].node;
  return Is(*reader, name) && &reader->graph() == &node.graph() ? reader : nullptr;
}

// The last two axes change places.
bool TurnsTail(const Node& transpose, int rank) {
  const auto perm = transpose.IntsAttribute("perm");
  if (static_cast<int>(perm.size()) != rank) return false;
  for (int i = 0; i < rank; ++i) {
    const int axis = i == rank - 1 ? rank - 2 : i == rank - 2 ? rank - 1 : i;
    if (perm[static_cast<size_t>(i)] != axis) return false;
  }
  return true;
}

// A Conv with channels last and constant weights, whose shape is `weights` but for what is below 0.
bool IsConvOf(const Node& conv, const Shape& weights) {
  const Value* const constant = conv.input(1);
  if (conv.IntAttribute("channels_last", 0) == 0 || !IsConstantFloat(constant)) return false;
  const Shape& shape = constant->constant.shape();
  if (shape.rank() != weights.rank()) return false;
  for (int i = 0; i < shape.rank(); ++i) {
    if (weights[i] >= 0 && shape[i] != weights[i]) return false;
  }
  return true;
}

bool AreAll(const Node& node, std::string_view attribute, int64_t value) {
  const auto values = node.IntsAttribute(attribute);
  return std::all_of(values.begin(), values.end(), [&](int64_t v) { return v == value; });
}

bool FindShuffle(Node& turn, Shuffle& found) {
  Node* const split = ProducerOf(turn.input(0), "Reshape");
  Node* const join = ReaderAlone(turn, "Reshape");
  if (split == nullptr || join == nullptr || ReaderAlone(*split, "Transpose") != &turn)
    return false;
  const Value& image = *split->input(0);
  const Value& middle = *split->output(0);
  if (!HaveSameShape(image, *join->output(0)) || !middle.type.has_shape) return false;
  const int rank = image.type.shape.rank();
  if (rank < 3 || middle.type.shape.rank() != rank + 1 || !TurnsTail(turn, rank + 1)) return false;
  const Shape& parts = middle.type.shape;
  for (int i = 0; i + 1 < rank; ++i) {
    if (parts[i] != image.type.shape[i]) return false;
  }
  found = {split, &turn, join, parts.Back(1), parts.Back(0)};
  return found.groups > 1 && found.channels > 0 &&
         found.groups * found.channels == image.type.shape.Back(0);
}

// A 1×1 Conv of all pixels without a residual.
bool IsPointwise(const Node& conv, int64_t in_channels, int64_t out_channels, int rank) {
  Shape weights = Shape::Filled(rank, 1);
  weights[0] = out_channels;
  weights[1] = in_channels;
  return IsConvOf(conv, weights) && AreAll(conv, "strides", 1) && AreAll(conv, "pads", 0) &&
         !conv.HasAttribute(operators::kShufflesChannels);
}

bool HasReader(Shuffle& shuffle) {
  const Shape& image = shuffle.split->input(0)->type.shape;
  const int64_t channels = image.Back(0);
  Node* const depthwise = ReaderAlone(*shuffle.join, "Conv");
  if (depthwise == nullptr) return false;
  Shape weights = Shape::Filled(image.rank(), -1);
  weights[0] = channels;
  weights[1] = 1;
  const Value* const bias = depthwise->input(operators::kBiasInput);
  if (!IsConvOf(*depthwise, weights) || (bias != nullptr && !IsConstantFloat(bias)) ||
      depthwise->input(operators::kResidualInput) != nullptr) {
    return false;
  }
  Node* const grouped = ReaderAlone(*depthwise, "Conv");
  const int64_t readers = grouped == nullptr ? 1 : grouped->IntAttribute("group", 1);
  if (readers < 2 || channels % (readers * shuffle.groups) != 0 ||
      !IsPointwise(*grouped, channels / readers, -1, image.rank())) {
    return false;
  }
  shuffle.depthwise = depthwise;
  shuffle.grouped = grouped;
  return true;
}

// Of kShufflesChannels.
constexpr int64_t kMadeGroups = 4;

// Sets the attribute where it can be.
bool HasMaker(Shuffle& shuffle, const Capabilities* capabilities) {
  const Value& image = *shuffle.split->input(0);
  Node* const maker = ProducerOf(&image, "Conv");
  if (maker == nullptr || &maker->graph() != &shuffle.split->graph() || !HasOneReader(image) ||
      shuffle.groups != kMadeGroups || maker->IntAttribute("group", 1) != kMadeGroups ||
      maker->input(operators::kResidualInput) != nullptr ||
      !IsPointwise(*maker, -1, kMadeGroups * shuffle.channels, image.type.shape.rank())) {
    return false;
  }
  maker->SetAttribute(operators::kShufflesChannels, int64_t{1});
  if (capabilities == nullptr || !capabilities->Supports(*maker)) {
    maker->RemoveAttribute(operators::kShufflesChannels);
    return false;
  }
  shuffle.maker = maker;
  return true;
}

// Rows of a constant in the order in which channels come before the shuffle.
Value& Unshuffled(const Shuffle& shuffle, const Value& constant) {
  const Shape& shape = constant.constant.shape();
  const int64_t row = shape.Product(1, shape.rank());
  std::vector<float> shuffled(static_cast<size_t>(constant.constant.count()));
  constant.constant.CopyContents(shuffled.data());
  std::vector<float> rows;
  for (int64_t group = 0; group < shuffle.groups; ++group) {
    for (int64_t i = 0; i < shuffle.channels; ++i) {
      const auto from = shuffled.begin() + (i * shuffle.groups + group) * row;
      rows.insert(rows.end(), from, from + row);
    }
  }
  return shuffle.turn->graph().AddConstant(constant.name(), Tensor::FromSpan<float>(shape, rows));
}

void Fold(Graph& graph, const Shuffle& shuffle) {
  Node& depthwise = *shuffle.depthwise;
  Node& grouped = *shuffle.grouped;
  depthwise.SetInput(0, shuffle.split->input(0));
  depthwise.SetInput(1, &Unshuffled(shuffle, *depthwise.input(1)));
  if (Value* const bias = depthwise.input(operators::kBiasInput)) {
    depthwise.SetInput(operators::kBiasInput, &Unshuffled(shuffle, *bias));
  }
  for (Node* const node : {shuffle.join, shuffle.turn, shuffle.split}) graph.Remove(*node);

  // Pixels and their groups are one axis.
  Value& image = *depthwise.output(0);
  TypeInfo type = image.type;
  const int rank = type.shape.rank();
  std::vector<int64_t> dims(static_cast<size_t>(rank), 0);
  dims[static_cast<size_t>(rank - 2)] = -1;
  dims[static_cast<size_t>(rank - 1)] = shuffle.channels;
  Node& reshape = graph.AddBareNode("", "Reshape", kReshapeOpset, &grouped);
  reshape.origin = shuffle.grouped->origin;
  reshape.AddInput(&image);
  reshape.AddInput(&graph.AddConstant("shape", Tensor::Vector<int64_t>(dims)));
  const int64_t pixels = type.shape[rank - 2];
  type.shape[rank - 2] = pixels < 0 ? kUnknownDim : pixels * shuffle.groups;
  type.shape[rank - 1] = shuffle.channels;
  reshape.SetOutput(0, &graph.AddValue(image.name(), type));

  const Value& weights = *grouped.input(1);
  Shape shape = weights.constant.shape();
  shape[1] /= shuffle.groups;
  shape[rank - 1] = shuffle.groups;
  grouped.SetInput(0, reshape.output(0));
  grouped.SetInput(1, &graph.AddConstant(weights.name(), weights.constant.Reshaped(shape)));
  std::vector<int64_t> kernel(static_cast<size_t>(rank - 2), 1);
  kernel.back() = shuffle.groups;
  grouped.RemoveAttribute("auto_pad");
  grouped.RemoveAttribute("dilations");
  grouped.SetAttribute("strides", kernel);
  grouped.SetAttribute("kernel_shape", std::move(kernel));
}

// Whether what makes the channels takes longer to write a pixel group by group than to make it.
bool HasShortMaker(const Shuffle& shuffle) {
  constexpr int64_t kShortDepth = 16;
  const Node* const maker = ProducerOf(shuffle.split->input(0), "Conv");
  return maker != nullptr && IsConstantFloat(maker->input(1)) &&
         maker->input(1)->constant.shape()[1] <= kShortDepth;
}

void GiveOutShuffled(Graph& graph, const Shuffle& shuffle) {
  Value* const output = shuffle.join->output(0);
  shuffle.join->SetOutput(0, nullptr);
  shuffle.maker->SetOutput(0, output);
  for (Node* const node : {shuffle.join, shuffle.turn, shuffle.split}) graph.Remove(*node);
}

}  // namespace

bool FoldShuffle(Graph& graph, const Capabilities* capabilities) {
  std::vector<Shuffle> shuffles;
  bool changed = false;
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) changed |= FoldShuffle(*subgraph, capabilities);
    Shuffle found;
    if (Is(*node, "Transpose") && FindShuffle(*node, found)) shuffles.push_back(found);
  }
  for (Shuffle& shuffle : shuffles) {
    const bool reads = HasReader(shuffle);
    if ((!reads || HasShortMaker(shuffle)) && HasMaker(shuffle, capabilities)) {
      GiveOutShuffled(graph, shuffle);
    } else if (reads) {
      Fold(graph, shuffle);
    } else {
      continue;
    }
    changed = true;
  }
  return changed;
}

}  // namespace mullion::optimizer
