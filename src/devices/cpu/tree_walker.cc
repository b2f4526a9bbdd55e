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

// 0 or 1, as a number to be added: where compilers make it a jump, every other one is mispredicted.
int32_t WithoutJump(bool truth) {
  auto number = static_cast<int32_t>(truth);
#if defined(__GNUC__)
  __asm__("" : "+r"(number));
#endif
  return number;
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
    int32_t depth = 0;
    int32_t least = -1;
    for (; !level.empty(); ++depth) {
      below.clear();
      for (const auto& [from, to] : level) {
        Place(forest, from, to);
        const TreeForest::Branch& branch = forest.nodes[static_cast<size_t>(from)];
        if (branch.mode == Mode::kLeaf) {
          if (least < 0) least = depth;
          continue;
        }
        const int32_t child = nodes_[static_cast<size_t>(to)].child;
        const bool swapped = branch.mode == Mode::kGt || branch.mode == Mode::kGte;
        below.push_back({swapped ? branch.false_child : branch.true_child, child});
        below.push_back({swapped ? branch.true_child : branch.false_child, child + 1});
      }
      std::swap(level, below);
    }
    least_depths_.push_back(std::max(least, 0));
  }
  const bool adds =
      aggregate_ != TreeForest::Aggregate::kMin && aggregate_ != TreeForest::Aggregate::kMax;
  const auto is_one = [](const Form& form) {
    return form.mode != Mode::kLeaf || form.last - form.first == 1;
  };
  if (!adds || !std::all_of(forms_.begin(), forms_.end(), is_one)) return;
  leaf_votes_.reserve(forms_.size());
  for (const Form& form : forms_) {
    const bool leaf = form.mode == Mode::kLeaf;
    leaf_votes_.push_back(leaf ? votes_[static_cast<size_t>(form.first)] : Weight{0, T{0}});
  }
}

// Node `from` of the forest becomes node `to`; room for its children is made at the end.
template <typename T>
void TreeWalker<T>::Place(const TreeForest& forest, int32_t from, int32_t to) {
  const TreeForest::Branch& branch = forest.nodes[static_cast<size_t>(from)];
  Node node{std::numeric_limits<T>::quiet_NaN(), 0, to - 1};
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
  node.feature = static_cast<uint32_t>(branch.feature);
  // NaN is not ordered: false, unless the branch says otherwise.
  const bool missing_is_first = branch.missing_is_true != swapped;
  if (missing_is_first) node.feature |= kMissingIsFirst;
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
  if constexpr (kWay == Way::kPlain) {
    return node.child + WithoutJump(!(row[node.feature] <= node.split));
  } else if constexpr (kWay == Way::kMissing) {
    const T value = row[node.feature & ~kMissingIsFirst];
    const bool stays_first = (node.feature & kMissingIsFirst) != 0 && value != value;
    return node.child + WithoutJump(!(value <= node.split) & !stays_first);
  } else {
    const Form& form = forms_[static_cast<size_t>(at)];
    const Mode mode = form.mode;
    if (mode == Mode::kLeaf) return at;
    const T value = row[node.feature & ~kMissingIsFirst];
    if (value != value) return node.child + ((node.feature & kMissingIsFirst) != 0 ? 0 : 1);
    const bool swapped = mode == Mode::kGt || mode == Mode::kGte;
    const bool holds =
        mode == Mode::kMember ? IsMember(form, value) : Holds(mode, value, form.split);
    return node.child + (holds != swapped ? 0 : 1);
  }
}

template <typename T>
template <typename TreeWalker<T>::Way kWay>
void TreeWalker<T>::WalkWay(const T* const* rows, int32_t steps, int32_t* at) const {
  // In registers, which takes loops of a known count that are unrolled.
  int32_t now[kCursors];
#pragma GCC unroll 8
  for (int i = 0; i < kCursors; ++i) now[i] = at[i];
  for (; steps > 0; --steps) {
#pragma GCC unroll 8
    for (int i = 0; i < kCursors; ++i) now[i] = Next<kWay>(now[i], rows[i]);
  }
  int32_t moved = 0;
  do {
    moved = 0;
#pragma GCC unroll 8
    for (int i = 0; i < kCursors; ++i) {
      const int32_t next = Next<kWay>(now[i], rows[i]);
      moved |= next ^ now[i];
      now[i] = next;
    }
  } while (moved != 0);
#pragma GCC unroll 8
  for (int i = 0; i < kCursors; ++i) at[i] = now[i];
}

// Several walks at once, because each waits for memory at every step.
template <typename T>
void TreeWalker<T>::Walk(const T* const* rows, int32_t steps, int32_t* at) const {
  switch (way_) {
    case Way::kPlain:
      return WalkWay<Way::kPlain>(rows, steps, at);
    case Way::kMissing:
      return WalkWay<Way::kMissing>(rows, steps, at);
    case Way::kAnyForm:
      return WalkWay<Way::kAnyForm>(rows, steps, at);
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
      Walk(cursor_rows, by_tree ? 0 : least_depths_[static_cast<size_t>(o)], at);
      if (!leaf_votes_.empty()) {
        for (int64_t i = 0; i < count; ++i) {
          const Weight& vote = leaf_votes_[static_cast<size_t>(at[i])];
          const int64_t place = row_of(i) * targets_ + vote.target;
          scores[place] += vote.weight;
          voted[place] = 1;
        }
        continue;
      }
      for (int64_t i = 0; i < count; ++i) {
        Vote(at[i], scores + row_of(i) * targets_, voted + row_of(i) * targets_);
      }
    }
  }
}

template class TreeWalker<float>;
template class TreeWalker<double>;

}  // namespace mullion::cpu
