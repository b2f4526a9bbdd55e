// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

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

// A forest of complete trees of `depth`, whose every branch tests a feature against a number.
struct Forest {
  Forest(int64_t trees, int64_t depth, int64_t features, std::mt19937& random) {
    for (int64_t tree = 0; tree < trees; ++tree) {
      const int64_t branches = (int64_t{1} << depth) - 1;
      for (int64_t node = 0; node < 2 * branches + 1; ++node) {
        const bool leaf = node >= branches;
        tree_ids.push_back(tree);
        node_ids.push_back(node);
        feature_ids.push_back(leaf ? 0 : static_cast<int64_t>(random()) % features);
        modes.push_back(leaf ? "LEAF" : "BRANCH_LEQ");
        splits.push_back(static_cast<float>(random() % 17) / 16);
        true_ids.push_back(leaf ? 0 : 2 * node + 1);
        false_ids.push_back(leaf ? 0 : 2 * node + 2);
        if (!leaf) continue;
        vote_trees.push_back(tree);
        vote_nodes.push_back(node);
        targets.push_back(static_cast<int64_t>(random() % 3));
        weights.push_back(static_cast<float>(random() % 64));
      }
    }
  }

  void SetOn(KernelTester& tester) const {
    tester.SetAttribute("nodes_treeids", tree_ids);
    tester.SetAttribute("nodes_nodeids", node_ids);
    tester.SetAttribute("nodes_featureids", feature_ids);
    tester.SetAttribute("nodes_modes", modes);
    tester.SetAttribute("nodes_values", splits);
    tester.SetAttribute("nodes_truenodeids", true_ids);
    tester.SetAttribute("nodes_falsenodeids", false_ids);
    tester.SetAttribute("target_treeids", vote_trees);
    tester.SetAttribute("target_nodeids", vote_nodes);
    tester.SetAttribute("target_ids", targets);
    tester.SetAttribute("target_weights", weights);
    tester.SetAttribute("n_targets", int64_t{3});
  }

  // Sums per target; weights are whole numbers, so that they are exact in any order.
  Floats Sums(const float* row, int64_t trees, int64_t depth) const {
    Floats sums(3);
    const int64_t nodes = (int64_t{2} << depth) - 1;
    const int64_t leaves = int64_t{1} << depth;
    for (int64_t tree = 0; tree < trees; ++tree) {
      int64_t node = 0;
      while (modes[static_cast<size_t>(tree * nodes + node)] != "LEAF") {
        const auto at = static_cast<size_t>(tree * nodes + node);
        node = 2 * node + (row[feature_ids[at]] <= splits[at] ? 1 : 2);
      }
      const auto vote = static_cast<size_t>(tree * leaves + node - (leaves - 1));
      sums[static_cast<size_t>(targets[vote])] += weights[vote];
    }
    return sums;
  }

  Ints tree_ids, node_ids, feature_ids, true_ids, false_ids, vote_trees, vote_nodes, targets;
  Words modes;
  Floats splits, weights;
};

TEST(TreeEnsembleRegressor, ForestsAddTheirLeaves) {
  std::mt19937 random(7);
  const Forest forest(11, 4, 5, random);
  for (const int64_t rows : {1, 7, 8, 200}) {
    Floats x(static_cast<size_t>(rows * 5));
    for (float& value : x) value = static_cast<float>(random() % 17) / 16;
    KernelTester tester("TreeEnsembleRegressor", 1, "ai.onnx.ml");
    forest.SetOn(tester);
    tester.AddInput<float>({rows, 5}, x);
    ThreadParallel threads(3);
    tester.SetParallel(&threads);
    const Status status = tester.Run();
    ASSERT_TRUE(status.ok()) << status.message();
    const Floats y = tester.Output<float>(0);
    for (int64_t row = 0; row < rows; ++row) {
      const Floats expected = forest.Sums(x.data() + row * 5, 11, 4);
      for (int64_t t = 0; t < 3; ++t) {
        ASSERT_EQ(y[static_cast<size_t>(row * 3 + t)], expected[static_cast<size_t>(t)]);
      }
    }
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
