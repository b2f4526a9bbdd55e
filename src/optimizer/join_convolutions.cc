// SPDX-License-Identifier: MIT
#include "optimizer/join_convolutions.h"

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "operators/epilogue.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

constexpr std::string_view kGroup = "group";
constexpr int kSplitOpset = 18;

// Channels of the longest vector. Only convolutions of fewer are joined.
constexpr int64_t kVector = 16;
// A product of so few columns sums each by itself, in a quarter of a vector's time.
constexpr int64_t kFewColumns = 4;
// Multiplications of an output below which a convolution costs no more than taking it apart again.
constexpr int64_t kLeastDepth = 16;

int64_t OutChannels(const Node& conv) { return conv.input(1)->constant.shape()[0]; }

// Constant weights and bias, and no residual.
bool IsPlainConv(const Graph& graph, const Node& node) {
  if (!Is(node, "Conv") || &node.graph() != &graph || !IsConstantFloat(node.input(1))) return false;
  const Value* const bias = node.input(operators::kBiasInput);
  return node.input(1)->constant.shape().rank() >= 3 &&
         (bias == nullptr ||
          (IsConstantFloat(bias) && bias->constant.count() == OutChannels(node))) &&
         node.input(operators::kResidualInput) == nullptr;
}

bool IsNarrow(const Node& conv) {
  const Shape& weights = conv.input(1)->constant.shape();
  return conv.IntAttribute(kGroup, 1) == 1 && weights[0] < kVector &&
         weights.Product(1, weights.rank()) >= kLeastDepth;
}

bool IsDepthwise(const Node& conv) {
  const Shape& weights = conv.input(1)->constant.shape();
  return weights[1] == 1 && weights[0] == conv.IntAttribute(kGroup, 1);
}

bool IsEqual(const AttributeValue& a, const AttributeValue& b) {
  return std::visit(
      [&](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, int64_t> || std::is_same_v<T, float> ||
                      std::is_same_v<T, std::string> || std::is_same_v<T, std::vector<int64_t>>) {
          const T* const other = std::get_if<T>(&b);
          return other != nullptr && *other == value;
        } else {
          return false;
        }
      },
      a);
}

// Whether all that `a` says but the number of groups is said by `b`.
bool HasAttributesOf(const Node& a, const Node& b) {
  return std::all_of(a.attributes().begin(), a.attributes().end(), [&](const Attribute& attribute) {
    const AttributeValue* const other = b.FindAttribute(attribute.name);
    return attribute.name == kGroup || (other != nullptr && IsEqual(attribute.value, *other));
  });
}

// Alike but for the number of output channels.
bool AreAlike(const Node& a, const Node& b) {
  Shape shape = a.input(1)->constant.shape();
  shape[0] = OutChannels(b);
  return shape == b.input(1)->constant.shape() && HasAttributesOf(a, b) && HasAttributesOf(b, a);
}

int64_t Channels(const std::vector<Node*>& convs) {
  int64_t channels = 0;
  for (const Node* const conv : convs) channels += OutChannels(*conv);
  return channels;
}

// In quarters of the time that a vector of columns takes.
int64_t Cost(int64_t channels) {
  return channels <= kFewColumns ? channels : (channels + kVector - 1) / kVector * 4;
}

bool Pays(const std::vector<Node*>& convs) {
  int64_t apart = 0;
  for (const Node* const conv : convs) apart += Cost(OutChannels(*conv));
  // A quarter more, for the copies.
  return convs.size() > 1 && 4 * apart > 5 * Cost(Channels(convs));
}

Value& JoinedWeights(Graph& graph, const std::vector<Node*>& convs) {
  std::vector<float> joined;
  for (const Node* const conv : convs) {
    const auto weights = conv->input(1)->constant.span<float>();
    joined.insert(joined.end(), weights.begin(), weights.end());
  }
  Shape shape = convs[0]->input(1)->constant.shape();
  shape[0] = Channels(convs);
  return graph.AddConstant(convs[0]->input(1)->name(), Tensor::FromSpan<float>(shape, joined));
}

// Null when none has a bias.
Value* JoinedBias(Graph& graph, const std::vector<Node*>& convs) {
  std::vector<float> joined;
  std::string_view name;
  for (const Node* const conv : convs) {
    const Value* const bias = conv->input(operators::kBiasInput);
    if (bias != nullptr) {
      name = bias->name();
      const auto values = bias->constant.span<float>();
      joined.insert(joined.end(), values.begin(), values.end());
    } else {
      joined.resize(joined.size() + static_cast<size_t>(OutChannels(*conv)));
    }
  }
  if (name.data() == nullptr) return nullptr;
  return &graph.AddConstant(name, Tensor::Vector<float>(joined));
}

// What stands before all readers of `value`, behind its producer.
const Node* PlaceBehind(const Graph& graph, const Value& value) {
  if (value.producer() != nullptr && &value.graph() == &graph) return graph.Next(*value.producer());
  return graph.nodes().front().get();
}

// One convolution of `x` in the place of all, and the Split behind it.
Node& Join(Graph& graph, Value& x, const std::vector<Node*>& convs, bool depthwise) {
  const Node* const place = PlaceBehind(graph, x);
  const Node& first = *convs[0];
  Node& conv = graph.AddBareNode("", "Conv", first.opset(), place);
  conv.origin = first.origin;
  for (const Attribute& attribute : first.attributes()) {
    conv.SetAttribute(attribute.name, attribute.value);
  }
  if (depthwise) conv.SetAttribute(kGroup, Channels(convs));
  conv.AddInput(&x);
  conv.AddInput(&JoinedWeights(graph, convs));
  if (Value* const bias = JoinedBias(graph, convs)) conv.AddInput(bias);
  TypeInfo type = first.output(0)->type;
  if (type.has_shape) type.shape[1] = Channels(convs);
  Value& joined = graph.AddValue(first.output(0)->name(), type);
  conv.SetOutput(0, &joined);

  Node& split = graph.AddBareNode("", "Split", kSplitOpset, place);
  split.origin = first.origin;
  split.SetAttribute("axis", int64_t{1});
  std::vector<int64_t> sizes;
  for (const Node* const part : convs) sizes.push_back(OutChannels(*part));
  split.AddInput(&joined);
  split.AddInput(&graph.AddConstant("split", Tensor::Vector<int64_t>(sizes)));
  for (size_t i = 0; i < convs.size(); ++i) {
    Value* const output = convs[i]->output(0);
    convs[i]->SetOutput(0, nullptr);
    split.SetOutput(static_cast<int>(i), output);
    graph.Remove(*convs[i]);
  }
  return split;
}

// The depthwise convolutions that read one part each, if they are alike.
std::vector<Node*> DepthwiseReaders(const Graph& graph, const Node& split) {
  std::vector<Node*> readers;
  for (const Value* const part : split.outputs()) {
    if (!HasOneReader(*part)) return {};
    const Use use = part->uses()[0];
    if (use.index != 0 || !IsPlainConv(graph, *use.node) || !IsDepthwise(*use.node) ||
        OutChannels(*use.node) != part->type.shape[1] ||
        (!readers.empty() && !AreAlike(*readers[0], *use.node))) {
      return {};
    }
    readers.push_back(use.node);
  }
  return readers;
}

bool JoinReaders(Graph& graph, Value& value) {
  std::vector<Node*> convs;
  for (const Use& use : value.uses()) {
    if (use.index != 0 || !IsPlainConv(graph, *use.node) || !IsNarrow(*use.node)) continue;
    if (convs.empty() || AreAlike(*convs[0], *use.node)) convs.push_back(use.node);
  }
  if (!Pays(convs)) return false;
  Node* split = &Join(graph, value, convs, false);
  for (;;) {
    const std::vector<Node*> readers = DepthwiseReaders(graph, *split);
    if (readers.empty()) return true;
    Node& behind = Join(graph, *split->input(0), readers, true);
    graph.Remove(*split);
    split = &behind;
  }
}

}  // namespace

bool JoinConvolutions(Graph& graph) {
  std::vector<Value*> read;
  for (const auto& node : graph.nodes()) {
    if (!Is(*node, "Conv")) continue;
    Value* const x = node->input(0);
    if (x->uses().size() > 1 && (read.empty() || read.back() != x)) read.push_back(x);
  }
  bool changed = false;
  for (Value* const value : read) changed |= JoinReaders(graph, *value);
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) changed |= JoinConvolutions(*subgraph);
  }
  return changed;
}

}  // namespace mullion::optimizer
