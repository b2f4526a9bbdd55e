// SPDX-License-Identifier: MIT
// Walks rows of features down the trees of an ensemble and adds up what the leaves say.
#ifndef MULLION_DEVICES_CPU_TREE_WALKER_H_
#define MULLION_DEVICES_CPU_TREE_WALKER_H_

#include <cstdint>
#include <vector>

#include "operators/tree_ensemble.h"

namespace mullion::cpu {

// T is the type in which features are compared and weights added: float or double. Immutable.
template <typename T>
class TreeWalker {
 public:
  explicit TreeWalker(const operators::TreeForest& forest);

  int64_t targets() const { return targets_; }
  int64_t tree_count() const { return static_cast<int64_t>(roots_.size()); }

  // Sums, least or greatest weights per row and target, without base values, averages or
  // transforms. `rows` are `stride` features apart. `voted` says which targets any leaf named;
  // scores of others are 0. Both are [row_count, targets].
  void Score(const T* rows, int64_t stride, int64_t row_count, T* scores, uint8_t* voted) const;

 private:
  // Children lie side by side. "First" is where a feature not greater than the split goes. A leaf
  // is its own second child, and its split is NaN, which nothing is below: walking on does not
  // leave it.
  struct Node {
    T split;
    uint32_t feature;  // and kMissingIsFirst, where NaN goes to the first child
    int32_t child;
  };
  static constexpr uint32_t kMissingIsFirst = 0x8000'0000;
  // What the comparison of nodes in any of the forms needs.
  struct Form {
    operators::TreeForest::Mode mode = operators::TreeForest::Mode::kLeaf;
    int32_t first;  // of leaves votes_, of kMember members_
    int32_t last;
    T split;
  };
  enum class Way { kPlain, kMissing, kAnyForm };

  static constexpr int kCursors = 8;

  void Place(const operators::TreeForest& forest, int32_t from, int32_t to);
  void SetBranch(const operators::TreeForest::Branch& branch, Node& node);
  template <Way kWay>
  int32_t Next(int32_t at, const T* row) const;
  template <Way kWay>
  void WalkWay(const T* const* rows, int32_t steps, int32_t* at) const;
  // From nodes that are at least `steps` above any leaf.
  void Walk(const T* const* rows, int32_t steps, int32_t* at) const;
  bool IsMember(const Form& form, T value) const;
  void Vote(int32_t leaf, T* scores, uint8_t* voted) const;

  int64_t targets_;
  operators::TreeForest::Aggregate aggregate_;
  std::vector<Node> nodes_;
  std::vector<Form> forms_;
  std::vector<int32_t> roots_;
  std::vector<int32_t> least_depths_;  // of the leaves of each tree
  struct Weight {
    int32_t target;
    T weight;
  };
  std::vector<Weight> votes_;
  // What each leaf says, by node, where votes are added and every leaf has one.
  std::vector<Weight> leaf_votes_;
  std::vector<T> members_;
  Way way_ = Way::kPlain;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_TREE_WALKER_H_
