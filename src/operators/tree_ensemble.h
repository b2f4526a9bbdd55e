// SPDX-License-Identifier: MIT
// Ensembles of decision trees: TreeEnsembleClassifier, TreeEnsembleRegressor, and TreeEnsemble-5,
// whose attributes say the same in two ways.
#ifndef MULLION_OPERATORS_TREE_ENSEMBLE_H_
#define MULLION_OPERATORS_TREE_ENSEMBLE_H_

#include <cstdint>
#include <vector>

#include "operators/class_scores.h"

namespace mullion::operators {

struct TreeForest {
  // How a branch tests its feature; numbers as TreeEnsemble-5 has them.
  enum class Mode : uint8_t { kLeq, kLt, kGte, kGt, kEq, kNeq, kMember, kLeaf };
  enum class Aggregate : uint8_t { kAverage, kSum, kMin, kMax };

  struct Branch {
    Mode mode = Mode::kLeaf;
    bool missing_is_true = false;  // where NaN goes
    int32_t feature = 0;
    double split = 0;
    int32_t true_child = 0;  // indices into `nodes`
    int32_t false_child = 0;
    int32_t first = 0;  // [first, last) of `votes` for a leaf, of `members` for kMember
    int32_t last = 0;
  };
  struct Vote {
    int32_t target;
    double weight;
  };

  // Children come after their parents, and no node has two parents.
  std::vector<Branch> nodes;
  std::vector<int32_t> roots;
  std::vector<Vote> votes;
  std::vector<double> members;
  int64_t targets = 1;
  int32_t features = 0;  // one more than the greatest feature that is tested
  std::vector<double> base_values;
  Aggregate aggregate = Aggregate::kSum;
  PostTransform post_transform = PostTransform::kNone;
};

// Reads the attributes of any of the three operators. The error names the attribute that is wrong.
Result<TreeForest> ParseTreeForest(const Node& node);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_TREE_ENSEMBLE_H_
