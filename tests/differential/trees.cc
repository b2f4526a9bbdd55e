// SPDX-License-Identifier: MIT
// Tree ensembles of every kind.
#include <algorithm>
#include <functional>
#include <limits>

#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

struct Forest {
  std::vector<int64_t> trees, nodes, features, yes, no, missing;
  std::vector<float> values;
  std::vector<std::string> modes;
  std::vector<int64_t> leaf_trees, leaf_nodes, leaf_ids;
  std::vector<float> leaf_weights;
};

// Random trees of depth 0 to 4. A leaf has an entry for one target, or for two; always for both
// of two, and for all where `complete`: to what no leaf speaks of the peer adds no base value,
// which the specification does.
Forest MakeForest(Random& random, int64_t features, int64_t targets, bool complete) {
  Forest forest;
  const auto count = random.Int(1, 6, 1000);
  const bool one_mode = random.Chance(0.5);
  for (int64_t tree = 0; tree < count; ++tree) {
    int64_t next = 0;
    const std::function<int64_t(int)> grow = [&](int depth) {
      const int64_t id = next++;
      const size_t at = forest.nodes.size();
      forest.trees.push_back(tree);
      forest.nodes.push_back(id);
      forest.features.push_back(0);
      forest.values.push_back(0);
      forest.yes.push_back(0);
      forest.no.push_back(0);
      forest.missing.push_back(random.Any(0, 1));
      forest.modes.emplace_back("LEAF");
      if (depth == 0 || random.Chance(0.15)) {
        const bool both = targets == 2 || (targets > 2 && random.Chance(0.3));
        for (int64_t entry = complete ? targets : both ? 2 : 1; entry > 0; --entry) {
          forest.leaf_trees.push_back(tree);
          forest.leaf_nodes.push_back(id);
          forest.leaf_ids.push_back(complete     ? targets - entry
                                    : entry == 2 ? 0
                                                 : random.Any(both ? 1 : 0, targets - 1));
          forest.leaf_weights.push_back(static_cast<float>(random.Real(-1, 1)));
        }
        return id;
      }
      forest.features[at] = random.Any(0, features - 1);
      forest.values[at] = random.realistic() ? static_cast<float>(random.Real(-3, 3))
                                             : static_cast<float>(random.Int(-3, 3)) / 2;
      forest.modes[at] = one_mode ? "BRANCH_LEQ"
                                  : random.Pick({"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE",
                                                 "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"});
      const int64_t yes = grow(depth - 1);
      const int64_t no = grow(depth - 1);
      forest.yes[at] = yes;
      forest.no[at] = no;
      return id;
    };
    grow(static_cast<int>(random.Int(0, 4, 8)));
  }
  return forest;
}

// Halves of integers, so that branches of equality are taken, and a few missing values: not where a
// branch asks for inequality, which the peer finds true of them whatever the node says.
Tensor Samples(Case& c, const Forest& forest, int64_t rows, int64_t width) {
  const bool misses =
      std::find(forest.modes.begin(), forest.modes.end(), "BRANCH_NEQ") == forest.modes.end();
  const ElementType type = c.random().Pick({kFloat, kFloat, kFloat, kDouble, kInt64, kInt32});
  Tensor x = c.random().Values(type, {rows, width}, -3, 3);
  if (type != kFloat || c.random().realistic()) return x;
  for (float& value : x.mutable_view().span<float>()) {
    value = static_cast<float>(c.random().Int(-6, 6)) / 2;
    if (misses && c.random().Chance(0.05)) value = std::numeric_limits<float>::quiet_NaN();
  }
  return x;
}

Attributes NodeAttributes(Case& c, const Forest& forest) {
  Attributes attributes = {{"nodes_treeids", forest.trees},       {"nodes_nodeids", forest.nodes},
                           {"nodes_featureids", forest.features}, {"nodes_values", forest.values},
                           {"nodes_modes", forest.modes},         {"nodes_truenodeids", forest.yes},
                           {"nodes_falsenodeids", forest.no}};
  if (c.random().Chance(0.6)) {
    attributes.emplace_back("nodes_missing_value_tracks_true", forest.missing);
  }
  return attributes;
}

void Regressor(Case& c) {
  Random& random = c.random();
  c.set_ml_opset(static_cast<int>(random.Pick({1, 3})));
  const int64_t width = random.Int(1, 4, 30), targets = random.Pick<int64_t>({1, 1, 2, 3});
  const bool based = random.Chance(0.5);
  const Forest forest = MakeForest(random, width, targets, based);
  Attributes attributes = NodeAttributes(c, forest);
  attributes.emplace_back("target_treeids", forest.leaf_trees);
  attributes.emplace_back("target_nodeids", forest.leaf_nodes);
  attributes.emplace_back("target_ids", forest.leaf_ids);
  attributes.emplace_back("target_weights", forest.leaf_weights);
  attributes.emplace_back("n_targets", targets);
  if (random.Chance(0.7)) {
    attributes.emplace_back("aggregate_function",
                            std::string(random.Pick({"SUM", "AVERAGE", "MIN", "MAX"})));
  }
  if (based) {
    attributes.emplace_back("base_values", std::vector<float>(static_cast<size_t>(targets), 0.25f));
  }
  if (random.Chance(0.5)) {
    attributes.emplace_back(
        "post_transform",
        std::string(random.Pick({"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"})));
  }
  c.Only({c.Input(Samples(c, forest, random.PickSize({1, 3, 40}, 10000), width))}, attributes);
}

void Classifier(Case& c) {
  Random& random = c.random();
  c.set_ml_opset(static_cast<int>(random.Pick({1, 3})));
  const int64_t width = random.Int(1, 4, 30), classes = random.Pick<int64_t>({2, 2, 3, 4});
  // Binary ensembles may give scores of one class alone.
  const bool binary = classes == 2 && random.Chance(0.6);
  const bool based = random.Chance(0.4);
  const Forest forest = MakeForest(random, width, binary ? 1 : classes, based);
  Attributes attributes = NodeAttributes(c, forest);
  attributes.emplace_back("class_treeids", forest.leaf_trees);
  attributes.emplace_back("class_nodeids", forest.leaf_nodes);
  attributes.emplace_back("class_ids", forest.leaf_ids);
  attributes.emplace_back("class_weights", forest.leaf_weights);
  if (based) {
    const auto count = static_cast<size_t>(binary ? 1 : classes);
    attributes.emplace_back("base_values", std::vector<float>(count, 0.25f));
  }
  if (random.Chance(0.6)) {
    attributes.emplace_back(
        "post_transform",
        std::string(random.Pick({"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"})));
  }
  if (random.Chance(0.5)) {
    attributes.emplace_back(
        "classlabels_strings",
        random.Chance(0.5) && classes == 2 ? std::vector<std::string>{"no", "yes"} : [&] {
          std::vector<std::string> names;
          for (int64_t i = 0; i < classes; ++i) {
            names.push_back(std::string(1, static_cast<char>('a' + i)));
          }
          return names;
        }());
  } else {
    std::vector<int64_t> labels;
    for (int64_t i = 0; i < classes; ++i) labels.push_back(i * 2 + 1);
    attributes.emplace_back("classlabels_int64s", labels);
  }
  c.Only({c.Input(Samples(c, forest, random.PickSize({1, 3, 40}, 10000), width))}, attributes, 2);
}

// TreeEnsemble-5: nodes and leaves apart, numbers in tensors, sets as members.
void Ensemble(Case& c) {
  Random& random = c.random();
  c.set_ml_opset(5);
  const int64_t width = random.Int(1, 4, 30), targets = random.Pick<int64_t>({1, 2});
  const ElementType type = random.Pick({kFloat, kFloat, kDouble});
  std::vector<int64_t> roots, features, yes, yes_leaf, no, no_leaf, leaf_targets, missing;
  std::vector<uint8_t> modes;
  std::vector<double> splits, weights, members;
  const auto leaf = [&] {
    leaf_targets.push_back(random.Any(0, targets - 1));
    weights.push_back(random.Real(-1, 1));
    return static_cast<int64_t>(weights.size()) - 1;
  };
  const std::function<int64_t(int)> grow = [&](int depth) {
    const size_t at = features.size();
    features.push_back(random.Any(0, width - 1));
    const auto mode = static_cast<uint8_t>(random.typical() ? 0 : random.Int(0, 6));
    modes.push_back(mode);
    splits.push_back(mode == 6            ? std::numeric_limits<double>::quiet_NaN()
                     : random.realistic() ? random.Real(-3, 3)
                                          : static_cast<double>(random.Int(-3, 3)) / 2);
    if (mode == 6) {
      for (int64_t i = random.Int(1, 3); i > 0; --i) {
        members.push_back(static_cast<double>(random.Int(-3, 3)));
      }
      members.push_back(std::numeric_limits<double>::quiet_NaN());
    }
    missing.push_back(random.Any(0, 1));
    for (auto* const list : {&yes, &yes_leaf, &no, &no_leaf}) list->push_back(0);
    for (const bool branch : {true, false}) {
      const bool ends = depth == 0 || random.Chance(0.2);
      const int64_t target = ends ? leaf() : grow(depth - 1);
      (branch ? yes : no)[at] = target;
      (branch ? yes_leaf : no_leaf)[at] = ends ? 1 : 0;
    }
    return static_cast<int64_t>(at);
  };
  for (int64_t tree = random.Int(1, 4, 1000); tree > 0; --tree) {
    roots.push_back(grow(static_cast<int>(random.Int(0, 3, 7))));
  }
  const auto tensor = [&](const std::vector<double>& values) {
    Tensor made = *Tensor::Allocate(type, {static_cast<int64_t>(values.size())});
    DispatchType(TypeList<float, double>{}, type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (size_t i = 0; i < values.size(); ++i) {
        made.mutable_view().span<T>()[i] = static_cast<T>(values[i]);
      }
    });
    return made;
  };
  Attributes attributes = {
      {"tree_roots", roots},
      {"nodes_featureids", features},
      {"nodes_splits", tensor(splits)},
      {"nodes_modes", Tensor::Vector<uint8_t>(std::span<const uint8_t>(modes))},
      {"nodes_truenodeids", yes},
      {"nodes_trueleafs", yes_leaf},
      {"nodes_falsenodeids", no},
      {"nodes_falseleafs", no_leaf},
      {"leaf_targetids", leaf_targets},
      {"leaf_weights", tensor(weights)},
      {"n_targets", targets}};
  if (!members.empty()) attributes.emplace_back("membership_values", tensor(members));
  if (random.Chance(0.5)) attributes.emplace_back("nodes_missing_value_tracks_true", missing);
  if (random.Chance(0.6)) attributes.emplace_back("aggregate_function", random.Int(0, 3));
  if (random.Chance(0.5)) attributes.emplace_back("post_transform", random.Int(0, 4));
  Tensor x = random.Values(type, {random.PickSize({1, 3, 40}, 10000), width}, -3, 3);
  DispatchType(TypeList<float, double>{}, type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (random.realistic()) return;
    for (T& value : x.mutable_view().span<T>()) value = static_cast<T>(random.Int(-6, 6)) / 2;
  });
  c.Only({c.Input(x)}, attributes);
}

}  // namespace

std::vector<Subject> TreeSubjects() {
  return {{"TreeEnsembleRegressor", Regressor, kMl},
          {"TreeEnsembleClassifier", Classifier, kMl},
          {"TreeEnsemble", Ensemble, kMl}};
}

}  // namespace mullion::differential
