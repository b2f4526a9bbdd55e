// SPDX-License-Identifier: MIT
#include "devices/cpu/tree_walker.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/small_float.h"

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
uint32_t WithoutJump(bool truth) {
  auto number = static_cast<uint32_t>(truth);
#if defined(__GNUC__)
  __asm__("" : "+r"(number));
#endif
  return number;
}

// The bits of a float in order of size as a whole number: of negative ones all but the sign are
// turned round. Both zeros are the same.
template <typename T>
typename TreeWalker<T>::Key KeyOf(T value) {
  using Key = typename TreeWalker<T>::Key;
  constexpr Key kMost = std::numeric_limits<Key>::max();
  const auto bits = BitCast<Key>(value + T{0});
  return value != value ? kMost : bits ^ (bits < 0 ? kMost : 0);
}

// The sums of kTargets targets stay in registers.
template <int kTargets, typename T>
void AddTargets(const T* weights, int64_t stride, const uint32_t* leaves, int64_t count,
                T* scores) {
  T sums[kTargets];
  std::copy_n(scores, kTargets, sums);
  for (int64_t i = 0; i < count; ++i) {
    const T* const from = weights + leaves[i] * stride;
    for (int t = 0; t < kTargets; ++t) sums[t] += from[t];
  }
  std::copy_n(sums, kTargets, scores);
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
  children_.reserve(forest.nodes.size());
  forms_.reserve(forest.nodes.size());
  // Breadth first, so that the levels that every row passes lie together.
  std::vector<std::pair<int32_t, uint32_t>> level;
  std::vector<std::pair<int32_t, uint32_t>> below;
  for (const int32_t root : forest.roots) {
    roots_.push_back(AddNodes(1));
    level.assign(1, {root, roots_.back()});
    int32_t depth = 0;
    int32_t least = -1;
    for (; !level.empty(); ++depth) {
      below.clear();
      for (const auto& [from, to] : level) {
        const TreeForest::Branch& branch = forest.nodes[static_cast<size_t>(from)];
        Place(branch, to);
        if (branch.mode == Mode::kLeaf) {
          if (least < 0) least = depth;
          continue;
        }
        const uint32_t child = children_[to];
        const bool swapped = branch.mode == Mode::kGt || branch.mode == Mode::kGte;
        below.push_back({swapped ? branch.false_child : branch.true_child, child});
        below.push_back({swapped ? branch.true_child : branch.false_child, child + 1});
      }
      std::swap(level, below);
    }
    depths_.push_back({std::max(least, 0), depth - 1});
  }
  for (size_t first = 0; first < depths_.size(); first += kCursors) {
    Depths all = depths_[first];
    for (size_t i = first; i < std::min(first + kCursors, depths_.size()); ++i) {
      all = {std::min(all.least, depths_[i].least), std::max(all.most, depths_[i].most)};
    }
    group_depths_.push_back(all);
  }
  if (!roots_.empty()) roots_.insert(roots_.end(), kCursors - 1, roots_.back());
  NumberKeys();
  PlaceVotes();
}

// Puts what is said where the walk ends, where votes are added and all leaves have as many.
template <typename T>
void TreeWalker<T>::PlaceVotes() {
  if (aggregate_ == TreeForest::Aggregate::kMin || aggregate_ == TreeForest::Aggregate::kMax) {
    return;
  }
  const auto leaves_are = [&](const auto& condition) {
    return std::all_of(forms_.begin(), forms_.end(), [&](const Form& form) {
      return form.mode != Mode::kLeaf || condition(form);
    });
  };
  const auto vote_of = [&](const Form& form, int64_t i) {
    return votes_[static_cast<size_t>(form.first + i)];
  };
  const bool for_all = leaves_are([&](const Form& form) {
    bool all = form.last - form.first == targets_;
    for (int64_t i = 0; all && i < targets_; ++i) all = vote_of(form, i).target == i;
    return all;
  });
  if (for_all) {
    leaf_weights_.resize(forms_.size() * static_cast<size_t>(targets_));
    T* to = leaf_weights_.data();
    for (const Form& form : forms_) {
      for (int64_t i = 0; i < targets_; ++i) {
        *to++ = form.mode == Mode::kLeaf ? vote_of(form, i).weight : T{0};
      }
    }
  } else if (leaves_are([](const Form& form) { return form.last - form.first == 1; })) {
    leaf_votes_.reserve(forms_.size());
    for (const Form& form : forms_) {
      leaf_votes_.push_back(form.mode == Mode::kLeaf ? vote_of(form, 0) : Weight{0, T{0}});
    }
  }
}

template <typename T>
uint32_t TreeWalker<T>::AddNodes(size_t count) {
  const size_t first = nodes_.size();
  nodes_.resize(first + count);
  children_.resize(first + count);
  forms_.resize(first + count);
  return static_cast<uint32_t>(first);
}

// Makes node `to`, and room for its children at the end.
template <typename T>
void TreeWalker<T>::Place(const TreeForest::Branch& branch, uint32_t to) {
  forms_[to] = {branch.mode,
                false,
                branch.first,
                branch.last,
                static_cast<uint32_t>(branch.feature),
                static_cast<T>(branch.split)};
  if (branch.mode == Mode::kLeaf) {
    nodes_[to] = {std::numeric_limits<Key>::min(), 0};
    children_[to] = to - 1;
  } else {
    children_[to] = AddNodes(2);
    SetBranch(branch, to);
  }
}

// Every ordering becomes "not greater": less than is not greater than the number before, and the
// other two are the opposites, with the children swapped.
template <typename T>
void TreeWalker<T>::SetBranch(const TreeForest::Branch& branch, uint32_t to) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  const Mode mode = branch.mode;
  const bool swapped = mode == Mode::kGt || mode == Mode::kGte;
  auto split = static_cast<T>(branch.split);
  // NaN is not ordered: false, unless the branch says otherwise.
  const bool missing_is_first = branch.missing_is_true != swapped;
  forms_[to].missing_is_first = missing_is_first;
  if (missing_is_first && way_ == Way::kPlain) way_ = Way::kMissing;
  const bool ordered = mode == Mode::kLeq || mode == Mode::kLt || swapped;
  if (!ordered || !std::isfinite(split)) way_ = Way::kAnyForm;
  if (mode == Mode::kLt || mode == Mode::kGte) split = std::nextafter(split, -kInfinity);
  nodes_[to].split = KeyOf(split);
}

template <typename T>
void TreeWalker<T>::NumberKeys() {
  for (const Form& form : forms_) {
    if (form.mode != Mode::kLeaf) tested_.push_back(form.feature);
  }
  std::sort(tested_.begin(), tested_.end());
  tested_.erase(std::unique(tested_.begin(), tested_.end()), tested_.end());
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (forms_[i].mode == Mode::kLeaf) continue;
    const auto key = std::lower_bound(tested_.begin(), tested_.end(), forms_[i].feature);
    nodes_[i].key = static_cast<uint32_t>(key - tested_.begin());
  }
}

template <typename T>
bool TreeWalker<T>::MakeKeys(const T* rows, int64_t stride, int64_t row_count, Key* keys) const {
  bool any = false;
  keys[0] = 0;  // leaves look at it, also where nothing is tested
  for (int64_t row = 0; row < row_count; ++row, rows += stride) {
    for (const uint32_t feature : tested_) {
      const T value = rows[feature];
      any |= value != value;
      *keys++ = KeyOf(value);
    }
  }
  return any;
}

template <typename T>
bool TreeWalker<T>::IsMember(const Form& form, T value) const {
  return std::find(members_.begin() + form.first, members_.begin() + form.last, value) !=
         members_.begin() + form.last;
}

template <typename T>
template <typename TreeWalker<T>::Way kWay>
uint32_t TreeWalker<T>::Next(uint32_t at, const void* row) const {
  const uint32_t child = children_[at];
  if constexpr (kWay == Way::kAnyForm) {
    const Form& form = forms_[at];
    const Mode mode = form.mode;
    if (mode == Mode::kLeaf) return at;
    const T value = static_cast<const T*>(row)[form.feature];
    if (value != value) return child + (form.missing_is_first ? 0 : 1);
    const bool swapped = mode == Mode::kGt || mode == Mode::kGte;
    const bool holds =
        mode == Mode::kMember ? IsMember(form, value) : Holds(mode, value, form.split);
    return child + (holds != swapped ? 0 : 1);
  } else {
    const Node& node = nodes_[at];
    const Key key = static_cast<const Key*>(row)[node.key];
    bool second = key > node.split;
    if constexpr (kWay == Way::kMissing) {
      second &= !(forms_[at].missing_is_first && key == std::numeric_limits<Key>::max());
    }
    return child + WithoutJump(second);
  }
}

template <typename T>
template <typename TreeWalker<T>::Way kWay, bool kOneRow>
void TreeWalker<T>::WalkWay(const void* const* rows, Depths depths, const uint32_t* roots,
                            uint32_t* leaves) const {
  // In registers, which takes loops of a known count that are unrolled.
  uint32_t now[kCursors];
#pragma GCC unroll 8
  for (int i = 0; i < kCursors; ++i) now[i] = roots[i];
  // Steps from a leaf stay there. To take some costs less than to see whether one was taken and to
  // be wrong about how many follow.
  const bool shallow = depths.most - depths.least <= kShallow;
  for (int32_t steps = shallow ? depths.most : depths.least; steps > 0; --steps) {
#pragma GCC unroll 8
    for (int i = 0; i < kCursors; ++i) now[i] = Next<kWay>(now[i], rows[kOneRow ? 0 : i]);
  }
  uint32_t moved = shallow ? 0 : 1;
  while (moved != 0) {
    moved = 0;
#pragma GCC unroll 8
    for (int i = 0; i < kCursors; ++i) {
      const uint32_t next = Next<kWay>(now[i], rows[kOneRow ? 0 : i]);
      moved |= next ^ now[i];
      now[i] = next;
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kCursors; ++i) leaves[i] = now[i];
}

// Several walks at once, because each waits for memory at every step.
template <typename T>
template <bool kOneRow>
void TreeWalker<T>::Walk(Way way, const void* const* rows, Depths depths, const uint32_t* roots,
                         uint32_t* leaves) const {
  switch (way) {
    case Way::kPlain:
      return WalkWay<Way::kPlain, kOneRow>(rows, depths, roots, leaves);
    case Way::kMissing:
      return WalkWay<Way::kMissing, false>(rows, depths, roots, leaves);
    case Way::kAnyForm:
      return WalkWay<Way::kAnyForm, false>(rows, depths, roots, leaves);
  }
}

template <typename T>
void TreeWalker<T>::Vote(uint32_t leaf, T* scores, uint8_t* voted) const {
  const Form& form = forms_[leaf];
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
void TreeWalker<T>::AddWeights(const uint32_t* leaves, int64_t count, T* scores) const {
  const T* weights = leaf_weights_.data();
  int64_t left = targets_;
  for (; left > 3; left -= 4, weights += 4, scores += 4) {
    AddTargets<4>(weights, targets_, leaves, count, scores);
  }
  if (left == 3) return AddTargets<3>(weights, targets_, leaves, count, scores);
  if (left == 2) return AddTargets<2>(weights, targets_, leaves, count, scores);
  if (left == 1) return AddTargets<1>(weights, targets_, leaves, count, scores);
}

template <typename T>
void TreeWalker<T>::Add(const uint32_t* leaves, int64_t count, T* scores, uint8_t* voted) const {
  if (!leaf_weights_.empty()) return AddWeights(leaves, count, scores);
  for (int64_t i = 0; i < count; ++i) {
    if (leaf_votes_.empty()) {
      Vote(leaves[i], scores, voted);
    } else {
      const Weight& vote = leaf_votes_[leaves[i]];
      scores[vote.target] += vote.weight;
      voted[vote.target] = 1;
    }
  }
}

template <typename T>
void TreeWalker<T>::ScoreRow(Way way, const void* row, T* scores, uint8_t* voted) const {
  const void* rows[kCursors];
  std::fill_n(rows, kCursors, row);
  uint32_t leaves[kCursors];
  for (int64_t first = 0; first < tree_count(); first += kCursors) {
    Walk<true>(way, rows, group_depths_[static_cast<size_t>(first / kCursors)],
               roots_.data() + first, leaves);
    Add(leaves, std::min<int64_t>(kCursors, tree_count() - first), scores, voted);
  }
}

template <typename T>
void TreeWalker<T>::ScoreTree(Way way, size_t tree, const char* rows, int64_t stride,
                              int64_t row_count, T* scores, uint8_t* voted) const {
  uint32_t roots[kCursors];
  std::fill_n(roots, kCursors, roots_[tree]);
  const void* cursor_rows[kCursors];
  uint32_t leaves[kCursors];
  for (int64_t first = 0; first < row_count; first += kCursors) {
    const int64_t count = std::min<int64_t>(kCursors, row_count - first);
    for (int64_t i = 0; i < kCursors; ++i) {
      cursor_rows[i] = rows + (first + std::min(i, count - 1)) * stride;
    }
    Walk<false>(way, cursor_rows, depths_[tree], roots, leaves);
    for (int64_t i = 0; i < count; ++i) {
      Add(leaves + i, 1, scores + (first + i) * targets_, voted + (first + i) * targets_);
    }
  }
}

template <typename T>
void TreeWalker<T>::Score(const T* rows, int64_t stride, int64_t row_count, Key* keys, T* scores,
                          uint8_t* voted) const {
  std::fill_n(scores, row_count * targets_, T{0});
  std::fill_n(voted, row_count * targets_, static_cast<uint8_t>(leaf_weights_.empty() ? 0 : 1));
  Way way = way_;
  const char* walked = reinterpret_cast<const char*>(rows);
  int64_t bytes = stride * int64_t{sizeof(T)};
  if (way != Way::kAnyForm) {
    if (!MakeKeys(rows, stride, row_count, keys)) way = Way::kPlain;
    walked = reinterpret_cast<const char*>(keys);
    bytes = static_cast<int64_t>(tested_.size() * sizeof(Key));
  }
  // Of few rows each goes down several trees at once, of many several go down one tree.
  if (row_count < kCursors) {
    for (int64_t i = 0; i < row_count; ++i) {
      ScoreRow(way, walked + i * bytes, scores + i * targets_, voted + i * targets_);
    }
  } else {
    for (size_t tree = 0; tree < depths_.size(); ++tree) {
      ScoreTree(way, tree, walked, bytes, row_count, scores, voted);
    }
  }
}

template class TreeWalker<float>;
template class TreeWalker<double>;

}  // namespace mullion::cpu
