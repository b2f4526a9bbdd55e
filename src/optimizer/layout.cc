// SPDX-License-Identifier: MIT
#include "optimizer/layout.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "operators/image_operators.h"
#include "operators/quantized_concat.h"
#include "operators/scaled_conv.h"
#include "optimizer/channel_shuffle.h"
#include "optimizer/infer_graph.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

// ---- what operators can do ---------------------------------------------------------------------

constexpr std::string_view kChannelsLast = "channels_last";

// The spatial operators that gain so much that they pull their input into the layout.
constexpr auto kPulling = std::to_array<std::string_view>({
    "Conv",
    "ConvInteger",
    "ConvTranspose",
    "QLinearConv",
    "RescaledConv",
    "ScaledConv",
});

// Per-tensor forms are elementwise; per-axis forms renumber their axis.
constexpr auto kQuantizing = std::to_array<std::string_view>({
    "DequantizeLinear",
    "DynamicQuantizeLinear",
    "QuantizeLinear",
});

template <size_t N>
bool IsOneOf(const Node& node, const std::array<std::string_view, N>& names) {
  return std::binary_search(names.begin(), names.end(), std::string_view(node.operator_name()));
}

// ---- permutations ------------------------------------------------------------------------------

// [N, C, spatial...] to [N, spatial..., C]: output axis i is input axis ToLast(rank)[i].
std::vector<int64_t> ToLast(int rank) {
  std::vector<int64_t> perm{0};
  for (int i = 2; i < rank; ++i) perm.push_back(i);
  perm.push_back(1);
  return perm;
}

std::vector<int64_t> ToFirst(int rank) {
  std::vector<int64_t> perm{0, rank - 1};
  for (int i = 1; i < rank - 1; ++i) perm.push_back(i);
  return perm;
}

// Where a channels-first axis stands in the channels-last order.
int64_t AxisInLast(int64_t axis, int rank) {
  if (axis < 0) axis += rank;
  if (axis == 0) return 0;
  return axis == 1 ? rank - 1 : axis - 1;
}

TypeInfo Permuted(const TypeInfo& type, std::span<const int64_t> perm) {
  TypeInfo out = type;
  for (size_t i = 0; i < perm.size(); ++i) {
    out.shape[static_cast<int>(i)] = type.shape[static_cast<int>(perm[i])];
  }
  return out;
}

int RankOf(const Value* value) {
  return value != nullptr && value->type.IsTensor() && value->type.has_shape
             ? value->type.shape.rank()
             : -1;
}

// ---- the walk ----------------------------------------------------------------------------------

class Layout {
 public:
  Layout(Graph& graph, const OperatorRegistry& registry) : graph_(graph), registry_(registry) {}

  bool Run() {
    for (auto place = graph_.nodes().begin(); place != graph_.nodes().end();) {
      Node& node = **place;
      ++place;
      for (Graph* const subgraph : node.Subgraphs()) {
        changed_ |= PlaceChannelsLast(*subgraph, registry_);
      }
      Visit(node);
    }
    for (Value* const first : given_) {
      if (first->IsGraphOutput() || !first->uses().empty()) MakeFirst(*first, *last_.at(first));
    }
    return changed_;
  }

 private:
  void Visit(Node& node) {
    if (!operators::IsKnownDomain(node) || !node.Subgraphs().empty()) return;
    if (operators::IsSpatial(node)) {
      VisitSpatial(node);
    } else if (node.operator_name() == "Transpose") {
      VisitTranspose(node);
    } else if (AnyInputIsLast(node)) {
      VisitFollower(node);
    }
  }

  bool IsLast(const Value* value) const { return value != nullptr && last_.contains(value); }

  bool AnyInputIsLast(const Node& node) const {
    return std::any_of(node.inputs().begin(), node.inputs().end(),
                       [&](const Value* value) { return IsLast(value); });
  }

  void VisitSpatial(Node& node) {
    const bool scaled = node.operator_name() == operators::kScaledConv;
    const int rank = RankOf(node.input(0));
    if (rank < 3 || (RankOf(node.output(0)) != rank && !scaled)) return;
    if (node.IntAttribute(kChannelsLast, 0) != 0) return;
    if (!IsLast(node.input(0)) && !WasLast(*node.input(0), rank) && !IsOneOf(node, kPulling)) {
      return;
    }
    // Index outputs count pixels in the model's own order.
    if (node.output(1) != nullptr && !scaled) return;
    if (!CanTakeLast(node, rank)) return;
    node.SetInput(0, &LastOf(*node.input(0), node));
    const int residual = operators::ResidualInput(node);
    if (residual >= 0 && node.input(residual) != nullptr) {
      node.SetInput(residual, &LastOf(*node.input(residual), node));
    }
    node.SetAttribute(kChannelsLast, int64_t{1});
    GiveLast(node, 0);
    if (scaled) GiveLast(node, operators::scaled_conv::kBytes);
  }

  // Whether it is a channels-last value that the model turned: turning it back costs nothing.
  static bool WasLast(const Value& value, int rank) {
    const Node* const turn = value.producer();
    if (turn == nullptr || !operators::IsKnownDomain(*turn) ||
        turn->operator_name() != "Transpose") {
      return false;
    }
    const auto perm = turn->IntsAttribute("perm");
    const std::vector<int64_t> to_first = ToFirst(rank);
    return std::equal(perm.begin(), perm.end(), to_first.begin(), to_first.end());
  }

  // Forms of spatial operators that only exist channels-first.
  static bool CanTakeLast(const Node& node, int rank) {
    if (node.operator_name() == "BatchNormalization") {
      return node.IntAttribute("training_mode", 0) == 0;
    }
    if (node.operator_name() == "DepthToSpace" || node.operator_name() == "SpaceToDepth") {
      return rank == 4;
    }
    return true;
  }

  // A Transpose of a channels-last value: the two permutations are one, often none.
  void VisitTranspose(Node& node) {
    Value* const input = node.input(0);
    if (!IsLast(input)) return;
    const int rank = RankOf(input);
    std::vector<int64_t> perm(node.IntsAttribute("perm").begin(), node.IntsAttribute("perm").end());
    if (perm.empty()) {
      for (int i = rank; i-- > 0;) perm.push_back(i);
    }
    if (static_cast<int>(perm.size()) != rank) return;
    for (int64_t& axis : perm) axis = AxisInLast(axis, rank);
    node.SetAttribute("perm", perm);
    node.SetInput(0, last_.at(input));
    changed_ = true;
  }

  // Operators that work on any order of axes.
  void VisitFollower(Node& node) {
    // Of a Split nobody may read the first part.
    const int rank = RankOf(node.operator_name() == "Split" ? node.input(0) : node.output(0));
    if (rank < 3) return;
    if (operators::IsElementwise(node)) {
      if (InputsBroadcast(node, rank)) TakeAll(node, rank);
    } else if (JoinsImages(node) || node.operator_name() == "Softmax" ||
               node.operator_name() == "LogSoftmax") {
      FollowAxis(node, rank, JoinsImages(node) ? 0 : -1);
    } else if (node.operator_name() == "Split") {
      FollowAxis(node, rank, 0);
    } else if (IsOneOf(node, kQuantizing)) {
      FollowQuantizing(node, rank);
    } else if (node.operator_name().starts_with("Reduce")) {
      FollowReduce(node, rank);
    } else if (node.operator_name() == "Pad") {
      FollowPad(node, rank);
    } else if (node.operator_name() == "Slice") {
      FollowSlice(node, rank);
    } else if (node.operator_name() == "Reshape") {
      if (!FollowReshape(node) && !FollowShuffle(node)) FollowParts(node);
    } else if (node.operator_name() == "Squeeze" || node.operator_name() == "Unsqueeze") {
      FollowSqueeze(node);
    }
  }

  // All inputs are scalars, constants that can be turned, or of the same rank.
  bool InputsBroadcast(const Node& node, int rank) const {
    return std::all_of(node.inputs().begin(), node.inputs().end(), [&](const Value* input) {
      if (input == nullptr) return true;
      const int r = RankOf(input);
      return r == 0 || r == rank || IsSingle(*input) || (r > 0 && r < rank);
    });
  }

  static bool IsSingle(const Value& value) {
    return value.type.has_shape && value.type.shape.IsConcrete() &&
           value.type.shape.ElementCount() == 1 && value.type.shape.rank() <= 1;
  }

  void TakeAll(Node& node, int rank) {
    for (int i = 0; i < node.input_count(); ++i) {
      Value* const input = node.input(i);
      if (input == nullptr || RankOf(input) == 0 || IsSingle(*input)) continue;
      Value* aligned = input;
      if (RankOf(input) < rank) aligned = &AlignRank(*input, rank, node);
      node.SetInput(i, &LastOf(*aligned, node));
    }
    for (int i = 0; i < node.output_count(); ++i) GiveLast(node, i);
  }

  void FollowAxis(Node& node, int rank, int64_t fallback) {
    if (!AllImagesOfRank(node, node.operator_name() == "Split" ? 1 : node.input_count(), rank)) {
      return;
    }
    if (!JoinsImages(node) && node.operator_name() != "Split" && node.opset() < 13) {
      return;
    }
    node.SetAttribute("axis", AxisInLast(node.IntAttribute("axis", fallback), rank));
    const int images = node.operator_name() == "Split" ? 1 : node.input_count();
    for (int i = 0; i < images; ++i) node.SetInput(i, &LastOf(*node.input(i), node));
    // Not the scale and zero point of a QuantizedConcat.
    for (int i = 0; i < node.output_count(); ++i) {
      if (RankOf(node.output(i)) == rank) GiveLast(node, i);
    }
  }

  static bool JoinsImages(const Node& node) {
    return node.operator_name() == "Concat" || node.operator_name() == operators::kQuantizedConcat;
  }

  static bool AllImagesOfRank(const Node& node, int count, int rank) {
    for (int i = 0; i < count; ++i) {
      if (RankOf(node.input(i)) != rank) return false;
    }
    return true;
  }

  void FollowQuantizing(Node& node, int rank) {
    if (RankOf(node.input(0)) != rank || node.HasAttribute("block_size")) return;
    if (node.operator_name() != "DynamicQuantizeLinear") {
      node.SetAttribute("axis", AxisInLast(node.IntAttribute("axis", 1), rank));
    }
    node.SetInput(0, &LastOf(*node.input(0), node));
    GiveLast(node, 0);
  }

  // Constant axes given as input 1, dimensions kept.
  void FollowReduce(Node& node, int rank) {
    const Value* const axes = node.input(1);
    if (node.IntAttribute("keepdims", 1) == 0 || axes == nullptr || !axes->IsConstant() ||
        RankOf(node.input(0)) != rank) {
      return;
    }
    std::vector<int64_t> renumbered;
    for (const int64_t axis : axes->constant.span<int64_t>()) {
      renumbered.push_back(AxisInLast(axis, rank));
    }
    if (renumbered.empty()) return;
    node.SetInput(1, &graph_.AddConstant("axes", Tensor::Vector<int64_t>(renumbered)));
    node.SetInput(0, &LastOf(*node.input(0), node));
    GiveLast(node, 0);
  }

  // Constant pads for all axes.
  void FollowPad(Node& node, int rank) {
    const Value* const pads = node.input(1);
    if (node.opset() < 11 || pads == nullptr || !pads->IsConstant() || node.input(3) != nullptr ||
        pads->constant.type() != ElementType::kInt64 || pads->constant.count() != 2 * rank) {
      return;
    }
    const auto old = pads->constant.span<int64_t>();
    std::vector<int64_t> renumbered(old.size());
    for (int axis = 0; axis < rank; ++axis) {
      const auto to = static_cast<size_t>(AxisInLast(axis, rank));
      renumbered[to] = old[static_cast<size_t>(axis)];
      renumbered[to + static_cast<size_t>(rank)] = old[static_cast<size_t>(axis + rank)];
    }
    node.SetInput(1, &graph_.AddConstant("pads", Tensor::Vector<int64_t>(renumbered)));
    node.SetInput(0, &LastOf(*node.input(0), node));
    GiveLast(node, 0);
  }

  // Constant axes given as input 3.
  void FollowSlice(Node& node, int rank) {
    const Value* const axes = node.input(3);
    if (node.opset() < 10 || axes == nullptr || !axes->IsConstant()) return;
    std::vector<int64_t> renumbered;
    const bool wide =
        DispatchType(TypeList<int32_t, int64_t>{}, axes->constant.type(), [&](auto tag) {
          using T = typename decltype(tag)::type;
          for (const T axis : axes->constant.span<T>()) {
            renumbered.push_back(AxisInLast(axis, rank));
          }
        });
    if (!wide || axes->constant.type() != ElementType::kInt64) return;
    node.SetInput(3, &graph_.AddConstant("axes", Tensor::Vector<int64_t>(renumbered)));
    node.SetInput(0, &LastOf(*node.input(0), node));
    GiveLast(node, 0);
  }

  // Pixels in other rows, images and channels as before: [N, C, H, W] to [N, C, H * W].
  bool FollowReshape(Node& node) {
    const std::span<const int64_t> sizes = SizesOf(node);
    if (sizes.size() < 3 || !KeepsImages(node.input(0)->type.shape, sizes) ||
        (node.IntAttribute("allowzero", 0) != 0 && std::count(sizes.begin(), sizes.end(), 0) > 0)) {
      return false;
    }
    std::vector<int64_t> turned{sizes[0]};
    turned.insert(turned.end(), sizes.begin() + 2, sizes.end());
    turned.push_back(node.input(0)->type.shape[1]);
    node.SetInput(1, &graph_.AddConstant("shape", Tensor::Vector<int64_t>(turned)));
    node.SetInput(0, &LastOf(*node.input(0), node));
    GiveLast(node, 0);
    return true;
  }

  // Constant axes, of pixels alone: signals that are convolved as images of one line.
  void FollowSqueeze(Node& node) {
    const int rank = std::max(RankOf(node.input(0)), RankOf(node.output(0)));
    const Value* const axes = node.input(1);
    if (std::min(RankOf(node.input(0)), RankOf(node.output(0))) < 3 || axes == nullptr ||
        !axes->IsConstant() || axes->constant.type() != ElementType::kInt64) {
      return;
    }
    std::vector<int64_t> renumbered;
    for (const int64_t axis : axes->constant.span<int64_t>()) {
      if ((axis < 0 ? axis + rank : axis) < 2) return;
      renumbered.push_back(AxisInLast(axis, rank));
    }
    node.SetInput(1, &graph_.AddConstant("axes", Tensor::Vector<int64_t>(renumbered)));
    node.SetInput(0, &LastOf(*node.input(0), node));
    GiveLast(node, 0);
  }

  // What a Reshape makes of its input, if that is constant; else nothing.
  static std::span<const int64_t> SizesOf(const Node& reshape) {
    const Value* const target = reshape.input(1);
    const bool known = target->IsConstant() && target->constant.type() == ElementType::kInt64;
    return known ? target->constant.span<int64_t>() : std::span<const int64_t>();
  }

  // Whether a Reshape to `sizes` is sure to keep the first two dimensions.
  static bool KeepsImages(const Shape& shape, std::span<const int64_t> sizes) {
    if (shape.rank() < 3 || shape[1] <= 0 || (sizes[1] != 0 && sizes[1] != shape[1])) return false;
    return KeepsBatch(shape, sizes, 2);
  }

  // Whether it keeps the first one, if it keeps the channels; its pixels begin at `first`.
  static bool KeepsBatch(const Shape& shape, std::span<const int64_t> sizes, size_t first) {
    if (sizes[0] == 0 || (sizes[0] > 0 && sizes[0] == shape[0])) return true;
    int64_t pixels = 1;
    for (int i = 2; i < shape.rank(); ++i) pixels *= std::max<int64_t>(shape[i], 0);
    for (const int64_t size : sizes.subspan(first))
      pixels = size > 0 && pixels % size == 0 ? pixels / size : 0;
    return sizes[0] == -1 && pixels == 1;
  }

  // The three nodes of a shuffle at once.
  bool FollowShuffle(Node& node) {
    auto shuffle = ChannelShuffle::From(node);
    if (!shuffle.has_value()) return false;
    shuffle->PutChannelsLast(LastOf(*node.input(0), node));
    GiveLast(*shuffle->join, 0);
    return true;
  }

  // Channels in parts, [N, C, H, W] to [N, A, C / A, H, W], which a Transpose puts where it wants:
  // detectors give out their boxes so. It takes parts that come last as well, and moves less.
  void FollowParts(Node& node) {
    Value* const parted = node.output(0);
    if (!HasOneReader(*parted)) return;
    Node& turn = *parted->uses()[0].node;
    const auto perm = turn.IntsAttribute("perm");
    const std::span<const int64_t> sizes = SizesOf(node);
    const int parts = ChannelParts(node.input(0)->type.shape, sizes);
    if (parts < 2 || !Is(turn, "Transpose") || &turn.graph() != &graph_ ||
        perm.size() != sizes.size() || RankOf(parted) != static_cast<int>(sizes.size())) {
      return;
    }
    // What was [N, parts, pixels] becomes [N, pixels, parts].
    const auto pixels = static_cast<int64_t>(sizes.size()) - 1 - parts;
    std::vector<int64_t> to_last(sizes.size());
    std::iota(to_last.begin(), to_last.end(), 0);
    std::rotate(to_last.begin() + 1, to_last.begin() + 1 + parts, to_last.end());
    std::vector<int64_t> turned;
    for (const int64_t axis : to_last) turned.push_back(sizes[static_cast<size_t>(axis)]);
    std::vector<int64_t> turned_perm;
    for (const int64_t axis : perm) {
      turned_perm.push_back(axis == 0 ? 0 : axis <= parts ? axis + pixels : axis - parts);
    }
    Value& last = graph_.AddValue(parted->name(), Permuted(parted->type, to_last));
    node.SetInput(1, &graph_.AddConstant("shape", Tensor::Vector<int64_t>(turned)));
    node.SetInput(0, &LastOf(*node.input(0), node));
    node.SetOutput(0, &last);
    turn.SetInput(0, &last);
    turn.SetAttribute("perm", turned_perm);
    changed_ = true;
  }

  // Into how many parts a Reshape to `sizes` is sure to divide the channels, and nothing but them;
  // 0 where it does otherwise.
  static int ChannelParts(const Shape& shape, std::span<const int64_t> sizes) {
    if (shape.rank() < 3 || sizes.size() < 3) return 0;
    if (std::count(sizes.begin() + 1, sizes.end(), 0) > 0) return 0;
    int64_t channels = 1;
    size_t next = 1;
    while (next < sizes.size() && sizes[next] > 0 && channels < shape[1]) channels *= sizes[next++];
    if (channels != shape[1] || !KeepsBatch(shape, sizes, next)) return 0;
    return static_cast<int>(next) - 1;
  }

  // ---- making values ---------------------------------------------------------------------------

  // The channels-last twin of a value; made by a Transpose before `reader` when there is none.
  Value& LastOf(Value& value, const Node& reader) {
    const auto found = last_.find(&value);
    if (found != last_.end()) return *found->second;
    const auto turned = turned_.find(&value);
    if (turned != turned_.end()) return *turned->second;
    const std::vector<int64_t> perm = ToLast(RankOf(&value));
    Value& twin = graph_.AddValue(value.name(), Permuted(value.type, perm));
    AddTranspose(value, twin, perm, &reader, reader.origin);
    turned_.emplace(&value, &twin);
    return twin;
  }

  // Leading dimensions of 1, so that all operands have one rank.
  Value& AlignRank(Value& value, int rank, const Node& reader) {
    std::vector<int64_t> axes;
    Shape shape = value.type.shape;
    while (shape.rank() < rank) {
      axes.push_back(static_cast<int64_t>(axes.size()));
      shape.Insert(0, 1);
    }
    Value& aligned =
        graph_.AddValue(value.name(), TypeInfo::Tensor(value.type.element_type, shape));
    Node& node = graph_.AddBareNode("", "Unsqueeze", 13, &reader);
    node.origin = reader.origin;
    node.AddInput(&value);
    node.AddInput(&graph_.AddConstant("axes", Tensor::Vector<int64_t>(axes)));
    node.SetOutput(0, &aligned);
    return aligned;
  }

  // Output i of `node` is channels-last from now on. The old value stays as the name that readers
  // not visited yet know; who needs it channels-first gets a Transpose at the end of the walk.
  void GiveLast(Node& node, int i) {
    Value* const first = node.output(i);
    if (first == nullptr) return;
    Value& last = graph_.AddValue(first->name(), Permuted(first->type, ToLast(RankOf(first))));
    node.SetOutput(i, &last);
    last_.emplace(first, &last);
    given_.push_back(first);
    changed_ = true;
  }

  void MakeFirst(Value& first, Value& last) {
    const Node& producer = *last.producer();
    // Right after the producer: before everything that reads it.
    Node& transpose = graph_.AddBareNode("", "Transpose", 13, graph_.Next(producer));
    transpose.origin = producer.origin;
    transpose.SetAttribute("perm", ToFirst(RankOf(&first)));
    transpose.AddInput(&last);
    transpose.SetOutput(0, &first);
  }

  void AddTranspose(Value& from, Value& to, const std::vector<int64_t>& perm, const Node* before,
                    const Origin& origin) {
    Node& transpose = graph_.AddBareNode("", "Transpose", 13, before);
    transpose.origin = origin;
    transpose.SetAttribute("perm", perm);
    transpose.AddInput(&from);
    transpose.SetOutput(0, &to);
  }

  Graph& graph_;
  const OperatorRegistry& registry_;
  bool changed_ = false;
  std::unordered_map<const Value*, Value*> last_;    // first to last, made by their producers
  std::vector<Value*> given_;                        // the keys of last_ in order
  std::unordered_map<const Value*, Value*> turned_;  // first to last, made by a Transpose
};

}  // namespace

bool PlaceChannelsLast(Graph& graph, const OperatorRegistry& registry) {
  return Layout(graph, registry).Run();
}

}  // namespace mullion::optimizer
