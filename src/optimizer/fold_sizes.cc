// SPDX-License-Identifier: MIT
#include "optimizer/fold_sizes.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "operators/int_list.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

// A number, or what `value` has along `axis`, which is then a symbol, unknown or 0.
struct Size {
  const Value* value = nullptr;
  int axis = 0;
  int64_t number = 0;
};
using Sizes = std::vector<Size>;

// Lists are joined and cut a few times; longer chains are left alone.
constexpr int kMostSizeSteps = 8;

std::optional<IntList> ConstantInts(const Value* value) {
  if (value == nullptr || !value->IsConstant() || value->constant.deferred()) return std::nullopt;
  const Result<IntList> list = ReadIntList(value->constant.view(), "sizes");
  return list.ok() ? std::optional<IntList>(*list) : std::nullopt;
}

Sizes SizesOf(const Value& value) {
  Sizes sizes;
  for (int axis = 0; axis < value.type.shape.rank(); ++axis) {
    const int64_t dim = value.type.shape[axis];
    sizes.push_back(dim > 0 ? Size{nullptr, 0, dim} : Size{&value, axis, dim});
  }
  return sizes;
}

std::optional<Sizes> ListOf(const Value* list, int steps);

std::optional<Sizes> JoinedList(const Node& concat, int steps) {
  Sizes joined;
  for (const Value* const input : concat.inputs()) {
    const std::optional<Sizes> part = ListOf(input, steps);
    if (!part.has_value()) return std::nullopt;
    joined.insert(joined.end(), part->begin(), part->end());
  }
  return joined;
}

std::optional<Sizes> GatheredList(const Node& gather, int steps) {
  const std::optional<Sizes> all = ListOf(gather.input(0), steps);
  const std::optional<IntList> indices = ConstantInts(gather.input(1));
  if (!all.has_value() || !indices.has_value()) return std::nullopt;
  const auto count = static_cast<int64_t>(all->size());
  Sizes sizes;
  for (const int64_t index : *indices) {
    if (index < -count || index >= count) return std::nullopt;
    sizes.push_back((*all)[static_cast<size_t>(index < 0 ? index + count : index)]);
  }
  return sizes;
}

std::optional<Sizes> CutList(const Node& slice, int steps) {
  const std::optional<Sizes> all = ListOf(slice.input(0), steps);
  const std::optional<IntList> first = ConstantInts(slice.input(1));
  const std::optional<IntList> last = ConstantInts(slice.input(2));
  const std::optional<IntList> step = ConstantInts(slice.input(4));
  if (!all.has_value() || !first.has_value() || !last.has_value() || first->size() != 1 ||
      last->size() != 1 ||
      (slice.input(4) != nullptr && (!step.has_value() || step->size() != 1 || (*step)[0] != 1))) {
    return std::nullopt;
  }
  const auto count = static_cast<int64_t>(all->size());
  const auto clamp = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + count : at, 0, count);
  };
  const auto begin = clamp((*first)[0]);
  const auto end = std::max(begin, clamp((*last)[0]));
  return Sizes(all->begin() + begin, all->begin() + end);
}

// What a list of sizes, or one size, is known to hold.
std::optional<Sizes> ListOf(const Value* list, int steps) {
  if (list == nullptr || steps == 0 || !list->type.IsTensor() ||
      list->type.element_type != ElementType::kInt64 || !list->type.has_shape ||
      list->type.shape.rank() > 1) {
    return std::nullopt;
  }
  if (const std::optional<IntList> numbers = ConstantInts(list)) {
    Sizes sizes;
    for (const int64_t number : *numbers) sizes.push_back({nullptr, 0, number});
    return sizes;
  }
  const Node* const node = list->producer();
  if (node == nullptr) return std::nullopt;
  if (Is(*node, "Shape")) {
    const Value& value = *node->input(0);
    const bool whole = !node->HasAttribute("start") && !node->HasAttribute("end");
    return whole && value.type.has_shape ? std::optional(SizesOf(value)) : std::nullopt;
  }
  if (Is(*node, "Concat")) return JoinedList(*node, steps - 1);
  if (Is(*node, "Gather")) return GatheredList(*node, steps - 1);
  if (Is(*node, "Slice")) return CutList(*node, steps - 1);
  // One size with a dimension or without: there is but one place for it.
  const bool same =
      Is(*node, "Unsqueeze") || Is(*node, "Squeeze") || Is(*node, "Cast") || Is(*node, "Identity");
  if (same) return ListOf(node->input(0), steps - 1);
  return std::nullopt;
}

// Symbols of the graph's inputs. Nobody holds those who run it to one size for each.
class Symbols {
 public:
  explicit Symbols(const Graph& graph) {
    for (const Value* const input : graph.inputs()) {
      if (!input->type.has_shape) continue;
      for (const int64_t dim : input->type.shape) seen_.push_back(dim);
    }
  }
  // Whether all that has this symbol has it from one place.
  bool StandsForOne(int64_t symbol) const {
    return symbol != kUnknownDim && std::count(seen_.begin(), seen_.end(), symbol) < 2;
  }

 private:
  std::vector<int64_t> seen_;
};

// Whether `size` is what `input` has along `axis`, whatever the symbols stand for.
bool IsSizeOf(const Size& size, const Value& input, int axis, const Symbols& symbols) {
  if (size.value == &input && size.axis == axis) return true;
  if (!input.type.has_shape || axis >= input.type.shape.rank()) return false;
  return size.number == input.type.shape[axis] &&
         (size.number >= 0 || symbols.StandsForOne(size.number));
}

bool FoldList(Node& reshape, const Symbols& symbols) {
  const Value* const list = reshape.input(1);
  if (list == nullptr || list->IsConstant() || reshape.IntAttribute("allowzero", 0) != 0) {
    return false;
  }
  const std::optional<Sizes> sizes = ListOf(list, kMostSizeSteps);
  if (!sizes.has_value()) return false;
  std::vector<int64_t> target;
  for (const Size& size : *sizes) {
    const int axis = static_cast<int>(target.size());
    if (size.value == nullptr) {
      target.push_back(size.number);
    } else if (IsSizeOf(size, *reshape.input(0), axis, symbols)) {
      target.push_back(0);
    } else {
      return false;
    }
  }
  reshape.SetInput(1, &reshape.graph().AddConstant(list->name(), Tensor::Vector<int64_t>(target)));
  return true;
}

bool FoldLists(Graph& graph, const Symbols& symbols) {
  bool changed = false;
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) changed |= FoldLists(*subgraph, symbols);
    if (Is(*node, "Reshape")) changed |= FoldList(*node, symbols);
  }
  return changed;
}

}  // namespace

bool FoldSizes(Graph& graph) { return FoldLists(graph, Symbols(graph)); }

}  // namespace mullion::optimizer
