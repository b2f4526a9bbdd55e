// SPDX-License-Identifier: MIT
#include "optimizer/join_in_place.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "operators/whole_output.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

struct Part {
  Value* value;
  Node* conv;  // null where another node must copy the part
  int64_t first_channel;
};

using Places = std::unordered_map<const Node*, int>;

// The Conv that makes `value` for one reader alone and may write it anywhere.
Node* FreeConv(const Graph& graph, const Value& value) {
  Node* const conv = ProducerOf(&value, "Conv");
  if (conv == nullptr || &conv->graph() != &graph || !HasOneReader(value)) return nullptr;
  const bool free =
      conv->IntAttribute("channels_last", 0) != 0 && !conv->HasAttribute(operators::kWholeChannels);
  return free ? conv : nullptr;
}

// The parts of a Concat along the last axis; none where it is not one of images, or no convolution
// makes any.
std::vector<Part> PartsOf(const Graph& graph, const Node& concat) {
  const Value& whole = *concat.output(0);
  if (!IsFloat(&whole) || !whole.type.has_shape || whole.IsGraphOutput()) return {};
  const int rank = whole.type.shape.rank();
  const int64_t axis = concat.IntAttribute("axis", 0);
  if (rank < 3 || (axis != rank - 1 && axis != -1) || concat.input_count() < 2) return {};
  std::vector<Part> parts;
  int64_t channels = 0;
  for (int i = 0; i < concat.input_count(); ++i) {
    Value* const value = concat.input(i);
    if (!value->type.has_shape || value->type.shape.Back(0) < 0) return {};
    Node* const conv = value->type.shape.Back(0) > 0 ? FreeConv(graph, *value) : nullptr;
    parts.push_back({value, conv, channels});
    channels += value->type.shape.Back(0);
  }
  const bool any =
      std::any_of(parts.begin(), parts.end(), [](const Part& p) { return p.conv != nullptr; });
  return any ? parts : std::vector<Part>();
}

void Join(Graph& graph, Node& concat, std::vector<Part> parts, const Places& places) {
  // In the order of the graph; copies, which stand where the Concat stood, are the last.
  const auto place = [&](const Part& part) {
    return part.conv == nullptr ? places.at(&concat) : places.at(part.conv);
  };
  std::stable_sort(parts.begin(), parts.end(),
                   [&](const Part& a, const Part& b) { return place(a) < place(b); });
  Value* const output = concat.output(0);
  const TypeInfo type = output->type;
  concat.SetOutput(0, nullptr);
  Value* whole = nullptr;
  for (const Part& part : parts) {
    Node* node = part.conv;
    if (node != nullptr) {
      if (whole != nullptr) node->SetInput(operators::kConvWhole, whole);
    } else {
      node = &graph.AddBareNode(operators::kInternalDomain, operators::kJoinPart, 1, &concat);
      node->origin = concat.origin;
      node->SetInput(0, part.value);
      node->SetInput(operators::kJoinPartWhole, whole);
    }
    node->SetAttribute(operators::kWholeChannels, type.shape.Back(0));
    node->SetAttribute(operators::kFirstChannel, part.first_channel);
    whole = &part == &parts.back() ? output : &graph.AddValue(output->name(), type);
    node->SetOutput(0, whole);
  }
  graph.Remove(concat);
}

}  // namespace

bool JoinInPlace(Graph& graph) {
  Places places;
  std::vector<Node*> concats;
  bool changed = false;
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) changed |= JoinInPlace(*subgraph);
    places.emplace(node.get(), static_cast<int>(places.size()));
    if (Is(*node, "Concat")) concats.push_back(node.get());
  }
  for (Node* const concat : concats) {
    std::vector<Part> parts = PartsOf(graph, *concat);
    if (parts.empty()) continue;
    Join(graph, *concat, std::move(parts), places);
    changed = true;
  }
  return changed;
}

}  // namespace mullion::optimizer
