// SPDX-License-Identifier: MIT
#include "optimizer/channel_shuffle.h"

#include <numeric>
#include <vector>

#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

// The only reader of the node's output, if it is `name` and reads it as its first input.
Node* OnlyReader(const Node& node, std::string_view name) {
  const Value* const value = node.output(0);
  if (value == nullptr || !HasOneReader(*value) || value->uses()[0].index != 0) return nullptr;
  Node* const reader = value->uses()[0].node;
  return Is(*reader, name) && &reader->graph() == &node.graph() ? reader : nullptr;
}

// 0, 2, 1, 3, ...
bool ExchangesGroups(const Node& transpose, int rank) {
  const auto perm = transpose.IntsAttribute("perm");
  if (static_cast<int>(perm.size()) != rank) return false;
  for (int i = 0; i < rank; ++i) {
    const int axis = i == 1 ? 2 : i == 2 ? 1 : i;
    if (perm[static_cast<size_t>(i)] != axis) return false;
  }
  return true;
}

// A Reshape that keeps all dimensions up to the channels and makes `tail` of those.
void ReshapeTail(Node& reshape, int kept, std::initializer_list<int64_t> tail) {
  std::vector<int64_t> dims(static_cast<size_t>(kept), 0);
  dims.insert(dims.end(), tail);
  reshape.SetInput(1, &reshape.graph().AddConstant("shape", Tensor::Vector<int64_t>(dims)));
  reshape.RemoveAttribute("allowzero");
}

}  // namespace

std::optional<ChannelShuffle> ChannelShuffle::From(Node& split) {
  ChannelShuffle shuffle{.split = &split};
  if (!Is(split, "Reshape")) return std::nullopt;
  shuffle.turn = OnlyReader(split, "Transpose");
  if (shuffle.turn == nullptr) return std::nullopt;
  shuffle.join = OnlyReader(*shuffle.turn, "Reshape");
  if (shuffle.join == nullptr || !HaveSameShape(*split.input(0), *shuffle.join->output(0)) ||
      !split.output(0)->type.has_shape) {
    return std::nullopt;
  }
  const Shape& shape = split.input(0)->type.shape;
  const Shape& middle = split.output(0)->type.shape;
  const int rank = shape.rank();
  if (rank < 3 || middle.rank() != rank + 1 || middle[0] != shape[0] || middle[1] < 1 ||
      middle[2] < 1 || middle[1] * middle[2] != shape[1] ||
      !ExchangesGroups(*shuffle.turn, rank + 1)) {
    return std::nullopt;
  }
  for (int i = 2; i < rank; ++i) {
    if (middle[i + 1] != shape[i]) return std::nullopt;
  }
  shuffle.groups = middle[1];
  return shuffle;
}

void ChannelShuffle::PutChannelsLast(Value& last) {
  Graph& graph = split->graph();
  Shape shape = last.type.shape;
  const int rank = shape.rank();
  const int64_t channels = shape[rank - 1];
  const auto between = [&](Node& node, int64_t outer, int64_t inner) {
    shape[rank - 1] = outer;
    Shape parts = shape;
    parts.Append(inner);
    Value& value =
        graph.AddValue(node.output(0)->name(), TypeInfo::Tensor(last.type.element_type, parts));
    node.SetOutput(0, &value);
    return &value;
  };
  ReshapeTail(*split, rank - 1, {groups, channels / groups});
  split->SetInput(0, &last);
  turn->SetInput(0, between(*split, groups, channels / groups));
  std::vector<int64_t> perm(static_cast<size_t>(rank + 1));
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[static_cast<size_t>(rank - 1)], perm[static_cast<size_t>(rank)]);
  turn->SetAttribute("perm", perm);
  join->SetInput(0, between(*turn, channels / groups, groups));
  ReshapeTail(*join, rank - 1, {channels});
}

}  // namespace mullion::optimizer
