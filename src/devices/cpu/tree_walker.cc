// SPDX-License-Identifier: MIT
#include "devices/cpu/tree_walker.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace mullion::cpu {

namespace {

using operators::TreeForest;
using Mode = TreeForest::Mode;

template <typename T>
bool Holds(Mode mode, T value, T split) {
  switch (mode) {
    case Mode::kLeq:
      return value <= split;
    case Mode::kLt:
      return value < split;
    case Mode::kGte:
      return value >= split;
    case Mode::kGt:
      return value > split;
    case Mode::kEq:
      return value == split;
    case Mode::kNeq:
      return value != split;
    default:
      return false;
  }
}

}  // namespace

template <typename T>
TreeWalker<T>::TreeWalker(const TreeForest& forest)
    : targets_(forest.targets), aggregate_(forest.aggregate) {
  for (const TreeForest::Vote& vote : forest.votes) {
    votes_.push_back({vote.target, static_cast<T>(vote.weight)});
  }
  for (const double member : forest.members) members_.push_back(static_cast<T>(member));
  nodes_.reserve(forest.nodes.size());
  forms_.reserve(forest.nodes.size());
  // Breadth first, so that the levels that every row passes lie together.
  std::vector<std::pair<int32_t, int32_t>> level;
  std::vector<std::pair<int32_t, int32_t>> below;
  for (const int32_t root : forest.roots) {
    roots_.push_back(static_cast<int32_t>(nodes_.size()));
    nodes_.emplace_back();
    forms_.emplace_back();
    level.assign(1, {root, roots_.back()});
    while (!level.empty()) {
      below.clear();
      for (const auto& [from, to] : level) {
        Place(forest, from, to);
        const TreeForest::Branch& branch = forest.nodes[static_cast<size_t>(from)];
        if (branch.mode == Mode::kLeaf) continue;
        const int32_t child = nodes_[static_cast<size_t>(to)].child;
        const bool swapped = branch.mode == Mode::kGt || branch.mode == Mode::kGte;
        below.push_back({swapped ? branch.false_child : branch.true_child, child});
        below.push_back({swapped ? branch.true_child : branch.false_child, child + 1});
      }
      std::swap(level, below);
    }
  }
}

// Node `from` of the forest becomes node `to`; room for its children is made at the end.
template <typename T>
void TreeWalker<T>::Place(const TreeForest& forest, int32_t from, int32_t to) {
  const TreeForest::Branch& branch = forest.nodes[static_cast<size_t>(from)];
  Node node{};
  node.child = to;
  if (branch.mode != Mode::kLeaf) {
    node.child = static_cast<int32_t>(nodes_.size());
    nodes_.resize(nodes_.size() + 2);
    forms_.resize(nodes_.size());
    SetBranch(branch, node);
  }
  nodes_[static_cast<size_t>(to)] = node;
  forms_[static_cast<size_t>(to)] = {branch.mode, branch.first, branch.last,
                                     static_cast<T>(branch.split)};
}

// Every ordering becomes "not greater": less than is not greater than the number before, and the
// other two are the opposites, with the children swapped.
template <typename T>
void TreeWalker<T>::SetBranch(const TreeForest::Branch& branch, Node& node) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  const Mode mode = branch.mode;
  const bool swapped = mode == Mode::kGt || mode == Mode::kGte;
  node.split = static_cast<T>(branch.split);
  node.feature = branch.feature;
  node.step = 1;
  // NaN is not ordered: false, unless the branch says otherwise.
  const bool missing_is_first = branch.missing_is_true != swapped;
  node.missing = missing_is_first ? 0 : 1;
  if (missing_is_first && way_ == Way::kPlain) way_ = Way::kMissing;
  const bool ordered = mode == Mode::kLeq || mode == Mode::kLt || swapped;
  if (!ordered || !std::isfinite(node.split)) way_ = Way::kAnyForm;
  if (mode == Mode::kLt || mode == Mode::kGte) {
    node.split = std::nextafter(node.split, -kInfinity);
  }
}

template <typename T>
bool TreeWalker<T>::IsMember(const Form& form, T value) const {
  return std::find(members_.begin() + form.first, members_.begin() + form.last, value) !=
         members_.begin() + form.last;
}

template <typename T>
template <typename TreeWalker<T>::Way kWay>
int32_t TreeWalker<T>::Next(int32_t at, const T* row) const {
  const Node& node = nodes_[static_cast<size_t>(at)];
  const T value = row[node.feature];
  if constexpr (kWay == Way::kPlain) {
    return node.child + (node.step & static_cast<int32_t>(!(value <= node.split)));
  } else if constexpr (kWay == Way::kMissing) {
    const int32_t second = std::isnan(value) ? node.missing : !(value <= node.split);
    return node.child + (node.step & second);
  } else {
    if (node.step == 0) return at;
    if (std::isnan(value)) return node.child + node.missing;
    const Form& form = forms_[static_cast<size_t>(at)];
    const Mode mode = form.mode;
    const bool swapped = mode == Mode::kGt || mode == Mode::kGte;
    const bool holds =
        mode == Mode::kMember ? IsMember(form, value) : Holds(mode, value, form.split);
    return node.child + (holds != swapped ? 0 : 1);
  }
}

template <typename T>
template <typename TreeWalker<T>::Way kWay>
void TreeWalker<T>::WalkWay(const T* const* rows, int32_t* at) const {
  int32_t moved = 0;
  do {
    moved = 0;
    for (int i = 0; i < kCursors; ++i) {
      const int32_t next = Next<kWay>(at[i], rows[i]);
      moved |= next ^ at[i];
      at[i] = next;
    }
  } while (moved != 0);
}

// Several walks at once, because each waits for memory at every step.
template <typename T>
void TreeWalker<T>::Walk(const T* const* rows, int32_t* at) const {
  switch (way_) {
    case Way::kPlain:
      return WalkWay<Way::kPlain>(rows, at);
    case Way::kMissing:
      return WalkWay<Way::kMissing>(rows, at);
    case Way::kAnyForm:
      return WalkWay<Way::kAnyForm>(rows, at);
  }
}

template <typename T>
void TreeWalker<T>::Vote(int32_t leaf, T* scores, uint8_t* voted) const {
  const Form& form = forms_[static_cast<size_t>(leaf)];
  for (int32_t i = form.first; i < form.last; ++i) {
    const Weight& vote = votes_[static_cast<size_t>(i)];
    T& score = scores[vote.target];
    const bool first = voted[vote.target] == 0;
    voted[vote.target] = 1;
    switch (aggregate_) {
      case TreeForest::Aggregate::kMin:
        score = first ? vote.weight : std::min(score, vote.weight);
        break;
      case TreeForest::Aggregate::kMax:
        score = first ? vote.weight : std::max(score, vote.weight);
        break;
      default:
        score += vote.weight;
    }
  }
}

template <typename T>
void TreeWalker<T>::Score(const T* rows, int64_t stride, int64_t row_count, T* scores,
                          uint8_t* voted) const {
  std::fill_n(scores, row_count * targets_, T{0});
  std::fill_n(voted, row_count * targets_, uint8_t{0});
  const T* cursor_rows[kCursors];
  int32_t at[kCursors];
  // Of few rows each goes down several trees at once, of many several go down one tree.
  const bool by_tree = row_count < kCursors;
  const int64_t outer = by_tree ? row_count : tree_count();
  const int64_t inner = by_tree ? tree_count() : row_count;
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t first = 0; first < inner; first += kCursors) {
      const int64_t count = std::min<int64_t>(kCursors, inner - first);
      const auto row_of = [&](int64_t i) { return by_tree ? o : first + i; };
      for (int64_t i = 0; i < kCursors; ++i) {
        const int64_t used = std::min(i, count - 1);
        cursor_rows[i] = rows + row_of(used) * stride;
        at[i] = roots_[static_cast<size_t>(by_tree ? first + used : o)];
      }
      Walk(cursor_rows, at);
      for (int64_t i = 0; i < count; ++i) {
        Vote(at[i], scores + row_of(i) * targets_, voted + row_of(i) * targets_);
      }
    }
  }
}

template class TreeWalker<float>;
template class TreeWalker<double>;

}  // namespace mullion::cpu
