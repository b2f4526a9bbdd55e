// SPDX-License-Identifier: MIT
#include "operators/tree_ensemble.h"

#include <algorithm>
#include <utility>

#include "base/str_cat.h"
#include "devices/cpu/class_labels.h"
#include "devices/cpu/post_transform.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/scratch_layout.h"
#include "devices/cpu/tree_walker.h"

namespace mullion::cpu {

namespace {

using operators::PostTransform;
using operators::TreeForest;

// Rows that are walked down one tree after the other. Half of a first-level cache has their
// features, the other half the tree; all trees come from further away once for each block.
constexpr int64_t kRowBytes = 64 * 1024;
constexpr int64_t kLeastRows = 64;
constexpr int64_t kMostRows = 1024;
// Nodes passed by one task at least, at about ten for each tree.
constexpr int64_t kLeastSteps = 20'000;

struct BoundTrees final : BoundState {
  int64_t rows;
  int64_t block;  // rows at a time
  int64_t features;
  // Per worker, in scratch memory.
  int64_t bytes, converted, keys, scores, voted;
};

// What the three operators share: scores of blocks of rows.
template <typename T>
class TreeEnsemble : public Executable {
 public:
  explicit TreeEnsemble(TreeForest forest)
      : walker_(forest), features_(forest.features), forest_(std::move(forest)) {
    // The walker has its own copy of these.
    forest_.nodes = {};
    forest_.votes = {};
    forest_.members = {};
  }

  Status Bind(BindContext& context) const override {
    const BindContext::Port& input = *context.input(0);
    auto bound = std::make_unique<BoundTrees>();
    bound->rows = operators::RowCount(input.shape);
    bound->features = input.shape.rank() == 0 ? 1 : input.shape.Back(0);
    if (bound->features < features_ && bound->rows > 0) {
      return context.node().Error(StatusCode::kSizeMismatch, "its input has ", bound->features,
                                  " features but the trees test ", features_);
    }
    const int64_t row_bytes = std::max<int64_t>(bound->features, 1) * int64_t{sizeof(T)};
    const int64_t fitting = std::clamp(kRowBytes / row_bytes, kLeastRows, kMostRows);
    // Few rows are still enough blocks for some threads.
    const int64_t block = std::clamp(bound->rows / 8, kLeastRows, fitting);
    bound->block = block;
    ScratchLayout layout;
    bound->converted = layout.Take(
        input.type == kElementTypeOf<T> ? 0 : block * bound->features * int64_t{sizeof(T)});
    bound->keys = layout.Take(block * walker_.key_count() * int64_t{sizeof(T)});
    bound->scores = layout.Take(block * walker_.targets() * int64_t{sizeof(T)});
    bound->voted = layout.Take(block * walker_.targets());
    bound->bytes = layout.size();
    context.RequestScratch(static_cast<size_t>(bound->bytes * context.threads()));
    context.SetState(std::move(bound));
    return OkStatus();
  }

 protected:
  // Calls `finish(row, scores, voted)` for every row.
  template <typename Finish>
  void ForEachRow(const RunContext& context, const Finish& finish) const {
    const auto& b = *context.state<BoundTrees>();
    const TensorView& input = context.Input(0);
    const int64_t blocks = (b.rows + b.block - 1) / b.block;
    const int64_t steps = b.block * walker_.tree_count() * 10;
    const int64_t chunk = (kLeastSteps + steps - 1) / steps;
    const int64_t targets = walker_.targets();
    context.parallel().For(blocks, chunk, [&](int64_t begin, int64_t end, int worker) {
      const int64_t space = worker * b.bytes;
      T* const scores = ScratchAt<T>(context, space + b.scores);
      auto* const voted = ScratchAt<uint8_t>(context, space + b.voted);
      auto* const keys = ScratchAt<typename TreeWalker<T>::Key>(context, space + b.keys);
      const int64_t last = std::min(end * b.block, b.rows);
      for (int64_t first = begin * b.block; first < last; first += b.block) {
        const int64_t count = std::min(b.block, b.rows - first);
        const T* rows = input.as<T>() + first * b.features;
        if (input.type != kElementTypeOf<T>) {
          T* const converted = ScratchAt<T>(context, space + b.converted);
          ReadFeatures(input, first * b.features, count * b.features, converted);
          rows = converted;
        }
        walker_.Score(rows, b.features, count, keys, scores, voted);
        for (int64_t i = 0; i < count; ++i) {
          finish(first + i, scores + i * targets, voted + i * targets);
        }
      }
    });
  }

  const TreeForest& forest() const { return forest_; }
  const TreeWalker<T>& walker() const { return walker_; }

 private:
  TreeWalker<T> walker_;
  int32_t features_;
  TreeForest forest_;
};

template <typename T>
class TreeRegressor final : public TreeEnsemble<T> {
 public:
  using TreeEnsemble<T>::TreeEnsemble;

  Status Run(RunContext& context) const override {
    const auto& b = *context.state<BoundTrees>();
    const int64_t targets = this->walker().targets();
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{b.rows, targets}));
    this->ForEachRow(context, [&](int64_t row, T* scores, const uint8_t* /*voted*/) {
      Finish(scores);
      for (int64_t i = 0; i < targets; ++i) Write(output, row * targets + i, scores[i]);
    });
    return OkStatus();
  }

 private:
  void Finish(T* scores) const {
    const TreeForest& forest = this->forest();
    const int64_t targets = this->walker().targets();
    for (int64_t i = 0; i < targets; ++i) {
      if (forest.aggregate == TreeForest::Aggregate::kAverage) {
        scores[i] /= static_cast<T>(this->walker().tree_count());
      }
      if (!forest.base_values.empty()) {
        scores[i] += static_cast<T>(forest.base_values[static_cast<size_t>(i)]);
      }
    }
    ApplyPostTransform(forest.post_transform, scores, 1, targets);
  }

  static void Write(const MutableTensorView& output, int64_t i, T score) {
    switch (output.type) {
      case ElementType::kDouble:
        output.as<double>()[i] = static_cast<double>(score);
        return;
      case ElementType::kFloat16:
        output.as<Float16>()[i] = Float16(static_cast<float>(score));
        return;
      default:
        output.as<float>()[i] = static_cast<float>(score);
    }
  }
};

// The specification leaves open how two classes come out of one score. Exporters rely on these
// rules: with weights for one class only, that score is a probability if no weight is negative
// (positive above 1/2, the other class has 1 - p), else a margin (positive above 0, the other has
// the opposite).
template <typename T>
class TreeClassifier final : public TreeEnsemble<T> {
 public:
  TreeClassifier(const TreeForest& forest, const operators::ClassLabels& labels)
      : TreeEnsemble<T>(forest), labels_(labels) {
    bool first_class = false;
    bool second_class = false;
    for (const TreeForest::Vote& vote : forest.votes) {
      (vote.target == 0 ? first_class : second_class) = true;
      negative_weights_ = negative_weights_ || vote.weight < 0;
    }
    one_score_ = forest.targets == 2 && first_class != second_class;
  }

  Status Run(RunContext& context) const override {
    const auto& b = *context.state<BoundTrees>();
    const int64_t classes = labels_.count();
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView labels,
                             context.AllocateOutput(0, Shape{b.rows}));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(1, Shape{b.rows, classes}));
    this->ForEachRow(context, [&](int64_t row, T* scores, uint8_t* voted) {
      const int64_t best = classes == 2 ? FinishTwo(scores, voted) : FinishMany(scores, voted);
      WriteLabel(labels_, best, labels, row);
      for (int64_t i = 0; i < classes; ++i) {
        output.as<float>()[row * classes + i] = static_cast<float>(scores[i]);
      }
    });
    return OkStatus();
  }

 private:
  T Base(size_t i) const { return static_cast<T>(this->forest().base_values[i]); }

  int64_t FinishMany(T* scores, uint8_t* voted) const {
    const int64_t classes = labels_.count();
    int64_t best = -1;
    for (int64_t i = 0; i < classes; ++i) {
      if (static_cast<size_t>(i) < this->forest().base_values.size()) {
        scores[i] += Base(static_cast<size_t>(i));
        voted[i] = 1;
      }
      if (voted[i] != 0 && (best < 0 || scores[i] > scores[best])) best = i;
    }
    ApplyPostTransform(this->forest().post_transform, scores, 1, classes);
    return std::max<int64_t>(best, 0);
  }

  int64_t FinishTwo(T* scores, const uint8_t* voted) const {
    const size_t bases = this->forest().base_values.size();
    bool single = voted[1] == 0;  // one score for both classes, in scores[0]
    if (bases == 2 && !single) {
      scores[1] = Base(1) + scores[0];
      scores[0] = -scores[1];
    } else if (bases == 2) {
      scores[1] += Base(1);
      scores[0] += Base(0);
      single = false;
    } else if (bases == 1) {
      scores[0] += Base(0);
    }
    // Votes for one class only are its score in scores[0], also where there are two base values.
    const T positive = voted[1] == 0 ? scores[0] : scores[1];
    const T limit = one_score_ && !negative_weights_ ? T{0.5} : T{0};
    const int64_t best = positive > limit ? 1 : 0;
    if (single) {
      Spread(scores);
    } else {
      ApplyPostTransform(this->forest().post_transform, scores, 1, 2);
      if (!one_score_) return scores[1] > scores[0] ? 1 : 0;
    }
    return best;
  }

  // Two scores of one.
  void Spread(T* scores) const {
    const T score = scores[0];
    const PostTransform transform = this->forest().post_transform;
    if (transform == PostTransform::kLogistic) {
      scores[1] = Logistic(score);
      scores[0] = Logistic(-score);
    } else if (negative_weights_) {
      scores[1] = score;
      scores[0] = -score;
    } else {
      scores[1] = score;
      scores[0] = 1 - score;
    }
    if (transform == PostTransform::kProbit) ApplyPostTransform(transform, scores, 1, 2);
  }

  operators::ClassLabels labels_;
  bool one_score_ = false;
  bool negative_weights_ = false;
};

// Features of type double are compared as such, all others as float.
Result<std::unique_ptr<Executable>> MakeTrees(const Node& node, WeightStore& /*weights*/) {
  MULLION_ASSIGN_OR_RETURN(TreeForest forest, operators::ParseTreeForest(node));
  const bool is_double = node.input(0)->type.element_type == ElementType::kDouble;
  if (node.operator_name() == "TreeEnsembleClassifier") {
    const auto labels = operators::ClassLabels::FromNode(node, "classlabels_int64s");
    if (is_double) {
      return std::unique_ptr<Executable>(std::make_unique<TreeClassifier<double>>(forest, labels));
    }
    return std::unique_ptr<Executable>(std::make_unique<TreeClassifier<float>>(forest, labels));
  }
  if (is_double) {
    return std::unique_ptr<Executable>(std::make_unique<TreeRegressor<double>>(std::move(forest)));
  }
  return std::unique_ptr<Executable>(std::make_unique<TreeRegressor<float>>(std::move(forest)));
}

}  // namespace

void RegisterTreeEnsemble(KernelRegistry& registry) {
  registry.Add(
      {.name = "TreeEnsembleClassifier", .domain = operators::kMlDomain, .make = MakeTrees});
  registry.Add(
      {.name = "TreeEnsembleRegressor", .domain = operators::kMlDomain, .make = MakeTrees});
  registry.Add(
      {.name = "TreeEnsemble", .domain = operators::kMlDomain, .since = 5, .make = MakeTrees});
}

}  // namespace mullion::cpu
