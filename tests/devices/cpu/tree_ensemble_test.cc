// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "tests/devices/cpu/thread_parallel.h"
#include "tests/kernel_tester.h"

namespace mullion::cpu {
namespace {

using Ints = std::vector<int64_t>;
using Floats = std::vector<float>;
using Words = std::vector<std::string>;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// One tree of one branch: feature 0 is tested, true gives 1, false gives 2.
void SetStump(KernelTester& tester, const std::string& mode, bool missing_is_true,
              const std::string& votes = "target") {
  tester.SetAttribute("nodes_treeids", Ints{0, 0, 0});
  tester.SetAttribute("nodes_nodeids", Ints{0, 1, 2});
  tester.SetAttribute("nodes_featureids", Ints{0, 0, 0});
  tester.SetAttribute("nodes_modes", Words{mode, "LEAF", "LEAF"});
  tester.SetAttribute("nodes_values", Floats{0.5f, 0, 0});
  tester.SetAttribute("nodes_truenodeids", Ints{1, 0, 0});
  tester.SetAttribute("nodes_falsenodeids", Ints{2, 0, 0});
  tester.SetAttribute("nodes_missing_value_tracks_true", Ints{missing_is_true ? 1 : 0, 0, 0});
  tester.SetAttribute(votes + "_treeids", Ints{0, 0});
  tester.SetAttribute(votes + "_nodeids", Ints{1, 2});
  tester.SetAttribute(votes + "_ids", Ints{0, 0});
  tester.SetAttribute(votes + "_weights", Floats{1, 2});
}

TEST(TreeEnsembleRegressor, EveryModeAndMissingValues) {
  const struct {
    const char* mode;
    Floats below, at, above;  // what 0.25, 0.5 and 0.75 give
  } kCases[] = {{"BRANCH_LEQ", {1}, {1}, {2}}, {"BRANCH_LT", {1}, {2}, {2}},
                {"BRANCH_GTE", {2}, {1}, {1}}, {"BRANCH_GT", {2}, {2}, {1}},
                {"BRANCH_EQ", {2}, {1}, {2}},  {"BRANCH_NEQ", {1}, {2}, {1}}};
  for (const auto& c : kCases) {
    for (const bool missing_is_true : {false, true}) {
      SCOPED_TRACE(testing::Message() << c.mode << " " << missing_is_true);
      KernelTester tester("TreeEnsembleRegressor", 3, "ai.onnx.ml");
      SetStump(tester, c.mode, missing_is_true);
      tester.AddInput<float>({4, 1}, {0.25f, 0.5f, 0.75f, kNan});
      const Status status = tester.Run();
      ASSERT_TRUE(status.ok()) << status.message();
      EXPECT_EQ(tester.Output<float>(0),
                Floats({c.below[0], c.at[0], c.above[0], missing_is_true ? 1.0f : 2.0f}));
    }
  }
}

// Signs, both zeros, the smallest numbers and what is not finite, on both sides of a split.
template <typename T>
void ExpectOrder(const std::string& mode, float split) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  constexpr T kLeast = std::numeric_limits<T>::denorm_min();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const std::vector<T> x = {-kInfinity, -2, -1, -kLeast,   T{-0.0}, 0,
                            kLeast,     1,  2,  kInfinity, nan,     std::copysign(nan, T{-1})};
  Floats expected;
  for (const T value : x) {
    const bool holds = mode == "BRANCH_LEQ"   ? value <= split
                       : mode == "BRANCH_LT"  ? value < split
                       : mode == "BRANCH_GTE" ? value >= split
                                              : value > split;
    expected.push_back(holds ? 1.0f : 2.0f);
  }
  for (const size_t rows : {size_t{3}, x.size()}) {
    KernelTester tester("TreeEnsembleRegressor", 3, "ai.onnx.ml");
    SetStump(tester, mode, false);
    tester.SetAttribute("nodes_values", Floats{split, 0, 0});
    tester.AddInput<T>({static_cast<int64_t>(rows), 1},
                       {x.end() - static_cast<int64_t>(rows), x.end()});
    const Status status = tester.Run();
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(tester.Output<float>(0),
              Floats(expected.end() - static_cast<int64_t>(rows), expected.end()));
  }
}

TEST(TreeEnsembleRegressor, OrdersAllNumbers) {
  for (const char* const mode : {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT"}) {
    for (const float split : {-1.0f, -0.0f, 0.0f, 1.0f}) {
      SCOPED_TRACE(testing::Message() << mode << " " << split);
      ExpectOrder<float>(mode, split);
      ExpectOrder<double>(mode, split);
    }
  }
}

// Trees of any form whose branches test features against sixteenths. Weights are whole numbers, so
// that sums are exact in any order.
struct Forest {
  enum class Votes { kOne, kAll, kAny };  // how many targets a leaf names

  Forest(int64_t trees, int64_t depth, int64_t target_count, Votes votes, uint32_t seed)
      : count(target_count), random(seed) {
    for (int64_t tree = 0; tree < trees; ++tree) Grow(tree, 0, depth, votes);
  }

  int64_t Draw(int64_t below) { return static_cast<int64_t>(random()) % below; }

  // Adds node `node` and those below it; every tree has a path of `depth` branches.
  void Grow(int64_t tree, int64_t node, int64_t depth, Votes votes) {
    const size_t at = tree_ids.size();
    const bool leaf = depth == 0;
    tree_ids.push_back(tree);
    node_ids.push_back(node);
    feature_ids.push_back(leaf ? 0 : Draw(kFeatures));
    modes.push_back(leaf ? "LEAF" : "BRANCH_LEQ");
    splits.push_back(static_cast<float>(Draw(17)) / 16);
    missing.push_back(Draw(2));  // of leaves, too: it says nothing there
    true_ids.push_back(0);
    false_ids.push_back(0);
    if (leaf) {
      for (int64_t t = 0; t < count; ++t) {
        if (votes == Votes::kAny && Draw(2) == 0) continue;
        vote_trees.push_back(tree);
        vote_nodes.push_back(node);
        targets.push_back(votes == Votes::kOne ? Draw(count) : t);
        weights.push_back(static_cast<float>(Draw(64)));
        if (votes == Votes::kOne) break;
      }
      return;
    }
    true_ids[at] = next_id++;
    Grow(tree, true_ids[at], depth - 1, votes);
    false_ids[at] = next_id++;
    Grow(tree, false_ids[at], Draw(depth), votes);
  }

  void SetOn(KernelTester& tester) const {
    tester.SetAttribute("nodes_treeids", tree_ids);
    tester.SetAttribute("nodes_nodeids", node_ids);
    tester.SetAttribute("nodes_featureids", feature_ids);
    tester.SetAttribute("nodes_modes", modes);
    tester.SetAttribute("nodes_values", splits);
    tester.SetAttribute("nodes_missing_value_tracks_true", missing);
    tester.SetAttribute("nodes_truenodeids", true_ids);
    tester.SetAttribute("nodes_falsenodeids", false_ids);
    tester.SetAttribute("target_treeids", vote_trees);
    tester.SetAttribute("target_nodeids", vote_nodes);
    tester.SetAttribute("target_ids", targets);
    tester.SetAttribute("target_weights", weights);
    tester.SetAttribute("n_targets", count);
  }

  Floats Sums(const float* row) const {
    Floats sums(static_cast<size_t>(count));
    for (size_t root = 0; root < node_ids.size(); ++root) {
      if (node_ids[root] == 0) AddLeaf(row, root, sums);
    }
    return sums;
  }

  void AddLeaf(const float* row, size_t at, Floats& sums) const {
    if (modes[at] != "LEAF") {
      const float value = row[feature_ids[at]];
      const bool holds = std::isnan(value) ? missing[at] != 0 : value <= splits[at];
      const int64_t child = holds ? true_ids[at] : false_ids[at];
      size_t next = at;
      while (tree_ids[next] != tree_ids[at] || node_ids[next] != child) ++next;
      return AddLeaf(row, next, sums);
    }
    for (size_t i = 0; i < targets.size(); ++i) {
      if (vote_trees[i] != tree_ids[at] || vote_nodes[i] != node_ids[at]) continue;
      sums[static_cast<size_t>(targets[i])] += weights[i];
    }
  }

  static constexpr int64_t kFeatures = 5;
  int64_t count;
  std::mt19937 random;
  int64_t next_id = 1;
  Ints tree_ids, node_ids, feature_ids, missing, true_ids, false_ids;
  Ints vote_trees, vote_nodes, targets;
  Words modes;
  Floats splits, weights;
};

void ExpectSums(const Forest& forest, int64_t rows, bool with_nan) {
  std::mt19937 random(3);
  Floats x(static_cast<size_t>(rows * Forest::kFeatures));
  for (float& value : x) {
    value = with_nan && random() % 4 == 0 ? kNan : static_cast<float>(random() % 17) / 16;
  }
  KernelTester tester("TreeEnsembleRegressor", 1, "ai.onnx.ml");
  forest.SetOn(tester);
  tester.AddInput<float>({rows, Forest::kFeatures}, x);
  ThreadParallel threads(3);
  tester.SetParallel(&threads);
  const Status status = tester.Run();
  ASSERT_TRUE(status.ok()) << status.message();
  Floats expected;
  for (int64_t row = 0; row < rows; ++row) {
    const Floats sums = forest.Sums(x.data() + row * Forest::kFeatures);
    expected.insert(expected.end(), sums.begin(), sums.end());
  }
  ASSERT_EQ(tester.Output<float>(0), expected);
}

TEST(TreeEnsembleRegressor, ForestsAddTheirLeaves) {
  for (const int64_t depth : {0, 1, 4, 12}) {
    for (const auto votes : {Forest::Votes::kOne, Forest::Votes::kAll, Forest::Votes::kAny}) {
      for (const int64_t targets : {1, 2, 3, 4, 7}) {
        const Forest forest(11, depth, targets, votes, 7);
        for (const int64_t rows : {1, 7, 8, 200}) {
          SCOPED_TRACE(testing::Message()
                       << "depth " << depth << ", votes " << static_cast<int>(votes) << ", targets "
                       << targets << ", rows " << rows);
          ExpectSums(forest, rows, false);
          ExpectSums(forest, std::min<int64_t>(rows, 20), true);
        }
      }
    }
  }
}

// Base values are added after leaves are aggregated, whether any spoke of the target or not.
TEST(TreeEnsembleRegressor, TargetsWithoutLeavesHaveTheirBaseValues) {
  for (const char* const aggregate : {"SUM", "AVERAGE", "MIN", "MAX"}) {
    SCOPED_TRACE(aggregate);
    KernelTester tester("TreeEnsembleRegressor", 3, "ai.onnx.ml");
    SetStump(tester, "BRANCH_LEQ", false);
    tester.SetAttribute("target_ids", Ints{0, 2});
    tester.SetAttribute("n_targets", int64_t{3});
    tester.SetAttribute("base_values", Floats{0.25f, 0.5f, -4});
    tester.SetAttribute("aggregate_function", std::string(aggregate));
    tester.AddInput<float>({2, 1}, {0, 1});
    const Status status = tester.Run();
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(tester.Output<float>(0), Floats({1.25f, 0.5f, -4, 0.25f, 0.5f, -2}));
  }
}

TEST(TreeEnsembleClassifier, OneScoreForTwoClassesIsAProbability) {
  KernelTester tester("TreeEnsembleClassifier", 1, "ai.onnx.ml");
  SetStump(tester, "BRANCH_LEQ", false, "class");
  tester.SetAttribute("class_weights", Floats{0.25f, 0.75f});
  tester.SetAttribute("classlabels_strings", Words{"no", "yes"});
  tester.SetOutputCount(2);
  tester.AddInput<float>({2, 1}, {0, 1});
  const Status status = tester.Run();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(tester.Output<std::string>(0), Words({"no", "yes"}));
  EXPECT_EQ(tester.Output<float>(1), Floats({0.75f, 0.25f, 0.25f, 0.75f}));
}

std::string ErrorOf(KernelTester& tester) {
  tester.AddInput<float>({1, 1}, {0});
  const Status status = tester.Run();
  EXPECT_FALSE(status.ok());
  return status.message();
}

TEST(TreeEnsembleRegressor, RefusesWhatIsNoTree) {
  KernelTester cycle("TreeEnsembleRegressor", 1, "ai.onnx.ml");
  SetStump(cycle, "BRANCH_LEQ", false);
  cycle.SetAttribute("nodes_modes", Words{"BRANCH_LEQ", "BRANCH_LEQ", "LEAF"});
  EXPECT_NE(ErrorOf(cycle).find("no tree"), std::string::npos);

  KernelTester shared("TreeEnsembleRegressor", 1, "ai.onnx.ml");
  SetStump(shared, "BRANCH_LEQ", false);
  shared.SetAttribute("nodes_falsenodeids", Ints{1, 0, 0});
  shared.SetAttribute("nodes_modes", Words{"BRANCH_LEQ", "BRANCH_LEQ", "LEAF"});
  shared.SetAttribute("nodes_truenodeids", Ints{1, 2, 0});
  shared.SetAttribute("nodes_falsenodeids", Ints{1, 2, 0});
  EXPECT_NE(ErrorOf(shared).find("two parents"), std::string::npos);

  KernelTester missing("TreeEnsembleRegressor", 1, "ai.onnx.ml");
  SetStump(missing, "BRANCH_LEQ", false);
  missing.SetAttribute("nodes_falsenodeids", Ints{9, 0, 0});
  EXPECT_NE(ErrorOf(missing).find("child that does not exist"), std::string::npos);

  KernelTester target("TreeEnsembleRegressor", 1, "ai.onnx.ml");
  SetStump(target, "BRANCH_LEQ", false);
  target.SetAttribute("target_ids", Ints{0, 4});
  EXPECT_NE(ErrorOf(target).find("there are 1 targets"), std::string::npos);

  KernelTester feature("TreeEnsembleRegressor", 1, "ai.onnx.ml");
  SetStump(feature, "BRANCH_LEQ", false);
  feature.SetAttribute("nodes_featureids", Ints{5, 0, 0});
  EXPECT_NE(ErrorOf(feature).find("1 features but the trees test 6"), std::string::npos);
}

}  // namespace
}  // namespace mullion::cpu
