// SPDX-License-Identifier: MIT
// Walks rows of features down the trees of an ensemble and adds up what the leaves say.
#ifndef MULLION_DEVICES_CPU_TREE_WALKER_H_
#define MULLION_DEVICES_CPU_TREE_WALKER_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "operators/tree_ensemble.h"

namespace mullion::cpu {

// T is the type in which features are compared and weights added: float or double. Immutable.
template <typename T>
class TreeWalker {
 public:
  explicit TreeWalker(const operators::TreeForest& forest);

  int64_t targets() const { return targets_; }
  int64_t tree_count() const { return static_cast<int64_t>(depths_.size()); }

  // A whole number that stands for a feature and is ordered as features are, NaN above all: it is
  // compared in a third of the time, which every step of a walk waits for.
  using Key = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  // Of a row.
  int64_t key_count() const { return std::max<int64_t>(static_cast<int64_t>(tested_.size()), 1); }

  // Sums, least or greatest weights per row and target, without base values, averages or
  // transforms. `rows` are `stride` features apart. `voted` says which targets any leaf named;
  // scores of others are 0. Both are [row_count, targets]. `keys` is memory for those of all rows.
  void Score(const T* rows, int64_t stride, int64_t row_count, Key* keys, T* scores,
             uint8_t* voted) const;

 private:
  // Of 8 or 16 bytes, so that a processor finds one by its number in one instruction.
  struct Node {
    Key split;
    uint32_t key;
  };
  // What the comparison of nodes in any of the forms needs.
  struct Form {
    operators::TreeForest::Mode mode = operators::TreeForest::Mode::kLeaf;
    bool missing_is_first = false;  // where NaN goes to the first child
    int32_t first;                  // of leaves votes_, of kMember members_
    int32_t last;
    uint32_t feature;
    T split;
  };
  // The last compares features themselves, the others keys.
  enum class Way { kPlain, kMissing, kAnyForm };
  // How far below the root leaves lie.
  struct Depths {
    int32_t least;
    int32_t most;
  };

  static constexpr int kCursors = 8;
  // Leaves whose depths differ by no more are walked to without looking whether they are reached.
  static constexpr int32_t kShallow = 8;

  // The number of the first one.
  uint32_t AddNodes(size_t count);
  void Place(const operators::TreeForest::Branch& branch, uint32_t to);
  void SetBranch(const operators::TreeForest::Branch& branch, uint32_t to);
  void NumberKeys();
  // Whether any is NaN.
  bool MakeKeys(const T* rows, int64_t stride, int64_t row_count, Key* keys) const;
  // Rows are of features or keys, as the way wants them.
  template <Way kWay>
  uint32_t Next(uint32_t at, const void* row) const;
  template <Way kWay, bool kOneRow>
  void WalkWay(const void* const* rows, Depths depths, const uint32_t* roots,
               uint32_t* leaves) const;
  // kCursors walks from roots to leaves that lie so far below, all of rows[0] or each of its own.
  template <bool kOneRow>
  void Walk(Way way, const void* const* rows, Depths depths, const uint32_t* roots,
            uint32_t* leaves) const;
  // What all trees say of a row.
  void ScoreRow(Way way, const void* row, T* scores, uint8_t* voted) const;
  // What a tree says of many rows, `stride` bytes apart.
  void ScoreTree(Way way, size_t tree, const char* rows, int64_t stride, int64_t row_count,
                 T* scores, uint8_t* voted) const;
  bool IsMember(const Form& form, T value) const;
  void PlaceVotes();
  void Vote(uint32_t leaf, T* scores, uint8_t* voted) const;
  // What these leaves say of one row.
  void Add(const uint32_t* leaves, int64_t count, T* scores, uint8_t* voted) const;
  void AddWeights(const uint32_t* leaves, int64_t count, T* scores) const;

  int64_t targets_;
  operators::TreeForest::Aggregate aggregate_;
  std::vector<Node> nodes_;
  // The features that are tested, by key.
  std::vector<uint32_t> tested_;
  // The first child of each node; the second one follows it. A feature not greater than the split
  // goes to the first. A leaf is its own second child, and its split is below all keys: walking on
  // does not leave it.
  std::vector<uint32_t> children_;
  std::vector<Form> forms_;
  std::vector<uint32_t> roots_;       // with kCursors - 1 more of the last
  std::vector<Depths> depths_;        // by tree
  std::vector<Depths> group_depths_;  // by kCursors trees
  struct Weight {
    int32_t target;
    T weight;
  };
  std::vector<Weight> votes_;
  // What each leaf says, by node, where votes are added and every leaf has one.
  std::vector<Weight> leaf_votes_;
  // Weights for all targets by node, where votes are added and every leaf has all.
  std::vector<T> leaf_weights_;
  std::vector<T> members_;
  Way way_ = Way::kPlain;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_TREE_WALKER_H_
