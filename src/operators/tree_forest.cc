// SPDX-License-Identifier: MIT
// Reading the attributes of tree ensembles. They come from untrusted files: every index is checked,
// and what is no tree is refused.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/str_cat.h"
#include "operators/inference.h"
#include "operators/tree_ensemble.h"

namespace mullion::operators {

namespace {

using Mode = TreeForest::Mode;
using Branch = TreeForest::Branch;

constexpr int64_t kMostNodes = std::numeric_limits<int32_t>::max();
constexpr int64_t kMostTargets = 1 << 24;

std::vector<double> Widened(const Tensor& tensor) {
  std::vector<double> values;
  const bool known = DispatchType(FloatTypes(), tensor.type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (const T value : tensor.span<T>()) {
      values.push_back(static_cast<double>(static_cast<ComputeType<T>>(value)));
    }
  });
  if (!known && tensor.type() == ElementType::kUint8) {
    for (const uint8_t value : tensor.span<uint8_t>()) values.push_back(value);
  }
  return values;
}

// A list of floats, or the tensor attribute of the same name that newer forms have for doubles.
std::vector<double> Numbers(const Node& node, const std::string& name) {
  const Tensor* tensor = node.TensorAttribute(name + "_as_tensor");
  if (tensor == nullptr) tensor = node.TensorAttribute(name);
  if (tensor != nullptr) return Widened(*tensor);
  const auto floats = node.FloatsAttribute(name);
  return {floats.begin(), floats.end()};
}

Status RequireLength(const Node& node, const char* name, size_t length, size_t wanted) {
  if (length == wanted) return OkStatus();
  return WrongNode(node, "attribute '", name, "' has ", length, " elements but must have ", wanted,
                   ", as the lists beside it");
}

// A branch before its children have places in the forest.
struct RawBranch {
  Branch branch;
  int64_t true_child = 0;
  int64_t false_child = 0;
};

// Puts the nodes into an order in which parents come first. `raw(id)` gives a node and `id`s of
// its children; at most `most` nodes can be reached if every one has one parent.
template <typename Raw>
Status AddTree(const Node& node, int64_t root, size_t most, const Raw& raw, TreeForest& forest) {
  struct Pending {
    int64_t id;
    size_t parent;
    bool is_true;
  };
  std::vector<Pending> pending{{root, 0, false}};
  forest.roots.push_back(static_cast<int32_t>(forest.nodes.size()));
  while (!pending.empty()) {
    const Pending next = pending.back();
    pending.pop_back();
    if (forest.nodes.size() >= most) {
      return WrongNode(node,
                       "the attributes of its nodes describe no trees: a node has two parents");
    }
    const size_t place = forest.nodes.size();
    const RawBranch added = raw(next.id);
    forest.nodes.push_back(added.branch);
    if (place != static_cast<size_t>(forest.roots.back())) {
      Branch& parent = forest.nodes[next.parent];
      (next.is_true ? parent.true_child : parent.false_child) = static_cast<int32_t>(place);
    }
    if (added.branch.mode == Mode::kLeaf) continue;
    forest.features = std::max(forest.features, added.branch.feature + 1);
    pending.push_back({added.false_child, place, false});
    pending.push_back({added.true_child, place, true});
  }
  return OkStatus();
}

Result<int32_t> CheckedFeature(const Node& node, int64_t feature) {
  if (feature >= 0 && feature < kMostNodes) return static_cast<int32_t>(feature);
  return WrongNode(node, "attribute 'nodes_featureids' holds ", feature,
                   ", which is no index of a feature");
}

Result<int32_t> CheckedTarget(const Node& node, const char* name, int64_t target, int64_t targets) {
  if (target >= 0 && target < targets) return static_cast<int32_t>(target);
  return WrongNode(node, "attribute '", name, "' holds ", target, " but there are ", targets,
                   " targets");
}

// ---- TreeEnsembleClassifier and TreeEnsembleRegressor ----

Result<Mode> ParseMode(const Node& node, std::string_view name) {
  constexpr std::pair<std::string_view, Mode> kModes[] = {
      {"BRANCH_LEQ", Mode::kLeq}, {"BRANCH_LT", Mode::kLt}, {"BRANCH_GTE", Mode::kGte},
      {"BRANCH_GT", Mode::kGt},   {"BRANCH_EQ", Mode::kEq}, {"BRANCH_NEQ", Mode::kNeq},
      {"LEAF", Mode::kLeaf},
  };
  for (const auto& [known, mode] : kModes) {
    if (known == name) return mode;
  }
  return WrongNode(node, "attribute 'nodes_modes' holds '", name, "', which is no mode of a node");
}

// Nodes by tree and node id.
class NodeIndex {
 public:
  static Result<NodeIndex> Make(const Node& node, std::span<const int64_t> trees,
                                std::span<const int64_t> ids) {
    NodeIndex index;
    index.places_.reserve(ids.size());
    for (size_t i = 0; i < ids.size(); ++i) {
      if (index.places_.emplace(Key(trees[i], ids[i]), i).second) continue;
      return WrongNode(node, "node ", ids[i], " of tree ", trees[i],
                       " stands twice in 'nodes_nodeids' and 'nodes_treeids'");
    }
    return index;
  }

  // The place of a node, or nothing.
  std::optional<size_t> Find(int64_t tree, int64_t id) const {
    const auto found = places_.find(Key(tree, id));
    if (found == places_.end()) return std::nullopt;
    return found->second;
  }

 private:
  static std::string Key(int64_t tree, int64_t id) { return StrCat(tree, ":", id); }
  std::unordered_map<std::string, size_t> places_;
};

struct ClassicLists {
  std::span<const int64_t> trees, ids, features, true_ids, false_ids, missing;
  std::span<const std::string> modes;
  std::vector<double> splits;
};

Result<ClassicLists> ReadClassicLists(const Node& node) {
  ClassicLists lists;
  lists.trees = node.IntsAttribute("nodes_treeids");
  lists.ids = node.IntsAttribute("nodes_nodeids");
  lists.features = node.IntsAttribute("nodes_featureids");
  lists.true_ids = node.IntsAttribute("nodes_truenodeids");
  lists.false_ids = node.IntsAttribute("nodes_falsenodeids");
  lists.missing = node.IntsAttribute("nodes_missing_value_tracks_true");
  lists.modes = node.StringsAttribute("nodes_modes");
  lists.splits = Numbers(node, "nodes_values");
  const size_t count = lists.ids.size();
  if (count == 0 || count > static_cast<size_t>(kMostNodes)) {
    return WrongNode(node, "attribute 'nodes_nodeids' has ", count, " elements");
  }
  MULLION_RETURN_IF_ERROR(RequireLength(node, "nodes_treeids", lists.trees.size(), count));
  MULLION_RETURN_IF_ERROR(RequireLength(node, "nodes_featureids", lists.features.size(), count));
  MULLION_RETURN_IF_ERROR(RequireLength(node, "nodes_truenodeids", lists.true_ids.size(), count));
  MULLION_RETURN_IF_ERROR(RequireLength(node, "nodes_falsenodeids", lists.false_ids.size(), count));
  MULLION_RETURN_IF_ERROR(RequireLength(node, "nodes_modes", lists.modes.size(), count));
  MULLION_RETURN_IF_ERROR(RequireLength(node, "nodes_values", lists.splits.size(), count));
  if (!lists.missing.empty()) {
    MULLION_RETURN_IF_ERROR(
        RequireLength(node, "nodes_missing_value_tracks_true", lists.missing.size(), count));
  }
  return lists;
}

// The votes of each node, in `forest.votes`: [first[i], first[i + 1]) of node i.
Result<std::vector<int32_t>> ReadClassicVotes(const Node& node, const std::string& prefix,
                                              const NodeIndex& index, size_t node_count,
                                              TreeForest& forest) {
  const auto trees = node.IntsAttribute(prefix + "_treeids");
  const auto ids = node.IntsAttribute(prefix + "_nodeids");
  const auto targets = node.IntsAttribute(prefix + "_ids");
  const std::vector<double> weights = Numbers(node, prefix + "_weights");
  const std::string names[] = {prefix + "_treeids", prefix + "_nodeids", prefix + "_weights"};
  MULLION_RETURN_IF_ERROR(RequireLength(node, names[0].c_str(), trees.size(), targets.size()));
  MULLION_RETURN_IF_ERROR(RequireLength(node, names[1].c_str(), ids.size(), targets.size()));
  MULLION_RETURN_IF_ERROR(RequireLength(node, names[2].c_str(), weights.size(), targets.size()));
  if (targets.size() > static_cast<size_t>(kMostNodes)) return WrongNode(node, "too many weights");
  std::vector<size_t> places(targets.size());
  std::vector<int32_t> first(node_count + 1);
  for (size_t i = 0; i < targets.size(); ++i) {
    const std::optional<size_t> place = index.Find(trees[i], ids[i]);
    if (!place.has_value()) {
      return WrongNode(node, "attribute '", names[1], "' names node ", ids[i], " of tree ",
                       trees[i], ", which does not exist");
    }
    places[i] = *place;
    ++first[*place + 1];
  }
  for (size_t i = 0; i < node_count; ++i) first[i + 1] += first[i];
  forest.votes.resize(targets.size());
  std::vector<int32_t> next = first;
  for (size_t i = 0; i < targets.size(); ++i) {
    const std::string name = prefix + "_ids";
    MULLION_ASSIGN_OR_RETURN(const int32_t target,
                             CheckedTarget(node, name.c_str(), targets[i], forest.targets));
    forest.votes[static_cast<size_t>(next[places[i]]++)] = {target, weights[i]};
  }
  return first;
}

Status ReadClassicNodes(const Node& node, const std::string& prefix, TreeForest& forest) {
  MULLION_ASSIGN_OR_RETURN(const ClassicLists lists, ReadClassicLists(node));
  MULLION_ASSIGN_OR_RETURN(const NodeIndex index, NodeIndex::Make(node, lists.trees, lists.ids));
  const size_t count = lists.ids.size();
  MULLION_ASSIGN_OR_RETURN(const std::vector<int32_t> votes,
                           ReadClassicVotes(node, prefix, index, count, forest));
  std::vector<RawBranch> branches(count);
  std::vector<bool> has_parent(count);
  for (size_t i = 0; i < count; ++i) {
    Branch& branch = branches[i].branch;
    MULLION_ASSIGN_OR_RETURN(branch.mode, ParseMode(node, lists.modes[i]));
    if (branch.mode == Mode::kLeaf) {
      branch.first = votes[i];
      branch.last = votes[i + 1];
      continue;
    }
    MULLION_ASSIGN_OR_RETURN(branch.feature, CheckedFeature(node, lists.features[i]));
    branch.split = lists.splits[i];
    branch.missing_is_true = !lists.missing.empty() && lists.missing[i] != 0;
    const auto on_true = index.Find(lists.trees[i], lists.true_ids[i]);
    const auto on_false = index.Find(lists.trees[i], lists.false_ids[i]);
    if (!on_true.has_value() || !on_false.has_value()) {
      return WrongNode(node, "node ", lists.ids[i], " of tree ", lists.trees[i],
                       " has a child that does not exist");
    }
    branches[i].true_child = static_cast<int64_t>(*on_true);
    branches[i].false_child = static_cast<int64_t>(*on_false);
    has_parent[*on_true] = true;
    has_parent[*on_false] = true;
  }
  const auto raw = [&](int64_t id) { return branches[static_cast<size_t>(id)]; };
  for (size_t i = 0; i < count; ++i) {
    if (has_parent[i]) continue;
    MULLION_RETURN_IF_ERROR(AddTree(node, static_cast<int64_t>(i), count, raw, forest));
  }
  return OkStatus();
}

Result<TreeForest> ParseClassic(const Node& node, bool is_classifier) {
  TreeForest forest;
  forest.targets = is_classifier ? ClassLabels::FromNode(node, "classlabels_int64s").count()
                                 : node.IntAttribute("n_targets", 1);
  if (forest.targets < 1 || forest.targets > kMostTargets) {
    return WrongNode(node, "it has ", forest.targets, is_classifier ? " class labels" : " targets",
                     " but must have at least 1");
  }
  MULLION_ASSIGN_OR_RETURN(forest.post_transform, ParsePostTransform(node));
  const std::string_view aggregate =
      is_classifier ? "SUM" : node.StringAttribute("aggregate_function", "SUM");
  if (aggregate == "SUM") {
    forest.aggregate = TreeForest::Aggregate::kSum;
  } else if (aggregate == "AVERAGE") {
    forest.aggregate = TreeForest::Aggregate::kAverage;
  } else if (aggregate == "MIN") {
    forest.aggregate = TreeForest::Aggregate::kMin;
  } else if (aggregate == "MAX") {
    forest.aggregate = TreeForest::Aggregate::kMax;
  } else {
    return WrongNode(node, "attribute 'aggregate_function' is '", aggregate,
                     "' but must be SUM, AVERAGE, MIN or MAX");
  }
  forest.base_values = Numbers(node, "base_values");
  const auto bases = static_cast<int64_t>(forest.base_values.size());
  if (bases != 0 && bases != forest.targets && !(is_classifier && bases == 1)) {
    return WrongNode(node, "attribute 'base_values' has ", bases, " elements but must have ",
                     forest.targets);
  }
  MULLION_RETURN_IF_ERROR(ReadClassicNodes(node, is_classifier ? "class" : "target", forest));
  return forest;
}

// ---- TreeEnsemble-5 ----

struct ModernLists {
  std::span<const int64_t> features, true_ids, false_ids, true_leafs, false_leafs, missing;
  std::vector<double> modes, splits, members;
  std::span<const int64_t> leaf_targets;
  std::vector<double> leaf_weights;
};

Result<ModernLists> ReadModernLists(const Node& node) {
  ModernLists lists;
  lists.features = node.IntsAttribute("nodes_featureids");
  lists.true_ids = node.IntsAttribute("nodes_truenodeids");
  lists.false_ids = node.IntsAttribute("nodes_falsenodeids");
  lists.true_leafs = node.IntsAttribute("nodes_trueleafs");
  lists.false_leafs = node.IntsAttribute("nodes_falseleafs");
  lists.missing = node.IntsAttribute("nodes_missing_value_tracks_true");
  lists.modes = Numbers(node, "nodes_modes");
  lists.splits = Numbers(node, "nodes_splits");
  lists.members = Numbers(node, "membership_values");
  lists.leaf_targets = node.IntsAttribute("leaf_targetids");
  lists.leaf_weights = Numbers(node, "leaf_weights");
  const size_t count = lists.features.size();
  if (count == 0 || count + lists.leaf_targets.size() > static_cast<size_t>(kMostNodes)) {
    return WrongNode(node, "attribute 'nodes_featureids' has ", count, " elements");
  }
  const std::pair<const char*, size_t> lengths[] = {
      {"nodes_truenodeids", lists.true_ids.size()}, {"nodes_falsenodeids", lists.false_ids.size()},
      {"nodes_trueleafs", lists.true_leafs.size()}, {"nodes_falseleafs", lists.false_leafs.size()},
      {"nodes_modes", lists.modes.size()},          {"nodes_splits", lists.splits.size()},
  };
  for (const auto& [name, length] : lengths) {
    MULLION_RETURN_IF_ERROR(RequireLength(node, name, length, count));
  }
  if (!lists.missing.empty()) {
    MULLION_RETURN_IF_ERROR(
        RequireLength(node, "nodes_missing_value_tracks_true", lists.missing.size(), count));
  }
  MULLION_RETURN_IF_ERROR(
      RequireLength(node, "leaf_weights", lists.leaf_weights.size(), lists.leaf_targets.size()));
  return lists;
}

// Sets of members follow each other in the order of the nodes that test them, each ended by a NaN.
Status ReadMembers(const Node& node, const std::vector<double>& members, size_t& next,
                   Branch& branch, TreeForest& forest) {
  if (next >= members.size()) {
    return WrongNode(node,
                     "attribute 'membership_values' has fewer sets than nodes that test them");
  }
  branch.first = static_cast<int32_t>(forest.members.size());
  while (next < members.size() && !std::isnan(members[next])) {
    forest.members.push_back(members[next++]);
  }
  ++next;
  branch.last = static_cast<int32_t>(forest.members.size());
  return OkStatus();
}

Status ReadModernNodes(const Node& node, TreeForest& forest) {
  MULLION_ASSIGN_OR_RETURN(const ModernLists lists, ReadModernLists(node));
  const auto count = static_cast<int64_t>(lists.features.size());
  const auto leaves = static_cast<int64_t>(lists.leaf_targets.size());
  for (size_t i = 0; i < lists.leaf_targets.size(); ++i) {
    MULLION_ASSIGN_OR_RETURN(
        const int32_t target,
        CheckedTarget(node, "leaf_targetids", lists.leaf_targets[i], forest.targets));
    forest.votes.push_back({target, lists.leaf_weights[i]});
  }
  // Ids are indices of branches, then of leaves.
  std::vector<RawBranch> branches(static_cast<size_t>(count));
  size_t next_member = 0;
  for (size_t i = 0; i < branches.size(); ++i) {
    Branch& branch = branches[i].branch;
    const double mode = lists.modes[i];
    if (!(mode >= 0 && mode < static_cast<double>(Mode::kLeaf))) {
      return WrongNode(node, "attribute 'nodes_modes' holds ", mode, " but must lie in [0, 6]");
    }
    branch.mode = static_cast<Mode>(static_cast<int>(mode));
    MULLION_ASSIGN_OR_RETURN(branch.feature, CheckedFeature(node, lists.features[i]));
    branch.split = lists.splits[i];
    branch.missing_is_true = !lists.missing.empty() && lists.missing[i] != 0;
    if (branch.mode == Mode::kMember) {
      MULLION_RETURN_IF_ERROR(ReadMembers(node, lists.members, next_member, branch, forest));
    }
    const bool true_leaf = lists.true_leafs[i] != 0;
    const bool false_leaf = lists.false_leafs[i] != 0;
    const auto inside = [&](int64_t id, bool leaf) {
      return id >= 0 && id < (leaf ? leaves : count);
    };
    if (!inside(lists.true_ids[i], true_leaf) || !inside(lists.false_ids[i], false_leaf)) {
      return WrongNode(node, "node ", i, " has a child that does not exist");
    }
    branches[i].true_child = lists.true_ids[i] + (true_leaf ? count : 0);
    branches[i].false_child = lists.false_ids[i] + (false_leaf ? count : 0);
  }
  const auto raw = [&](int64_t id) {
    if (id < count) return branches[static_cast<size_t>(id)];
    RawBranch leaf;
    leaf.branch.first = static_cast<int32_t>(id - count);
    leaf.branch.last = leaf.branch.first + 1;
    return leaf;
  };
  // No node has two parents, so there is at most one leaf more than branches in each tree.
  const auto roots = node.IntsAttribute("tree_roots");
  const size_t most = 2 * branches.size() + roots.size();
  for (const int64_t root : roots) {
    if (root < 0 || root >= count) {
      return WrongNode(node, "attribute 'tree_roots' holds ", root, " but there are ", count,
                       " nodes");
    }
    MULLION_RETURN_IF_ERROR(AddTree(node, root, most, raw, forest));
  }
  return OkStatus();
}

Result<TreeForest> ParseModern(const Node& node) {
  TreeForest forest;
  forest.targets = node.IntAttribute("n_targets", 1);
  const int64_t aggregate = node.IntAttribute("aggregate_function", 1);
  const int64_t transform = node.IntAttribute("post_transform", 0);
  if (forest.targets < 1 || forest.targets > kMostTargets) {
    return WrongNode(node, "attribute 'n_targets' is ", forest.targets);
  }
  if (aggregate < 0 || aggregate > 3 || transform < 0 || transform > 4) {
    return WrongNode(node, "attribute 'aggregate_function' is ", aggregate,
                     ", which must lie in [0, 3], and 'post_transform' ", transform,
                     ", which must lie in [0, 4]");
  }
  forest.aggregate = static_cast<TreeForest::Aggregate>(aggregate);
  forest.post_transform = static_cast<PostTransform>(transform);
  MULLION_RETURN_IF_ERROR(ReadModernNodes(node, forest));
  return forest;
}

}  // namespace

Result<TreeForest> ParseTreeForest(const Node& node) {
  const bool is_classifier = node.operator_name() == "TreeEnsembleClassifier";
  MULLION_ASSIGN_OR_RETURN(TreeForest forest, node.operator_name() == "TreeEnsemble"
                                                  ? ParseModern(node)
                                                  : ParseClassic(node, is_classifier));
  if (forest.roots.empty()) return WrongNode(node, "its nodes have no root: there is no tree");
  return forest;
}

}  // namespace mullion::operators
