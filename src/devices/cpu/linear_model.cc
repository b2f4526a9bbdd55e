// SPDX-License-Identifier: MIT
#include "operators/linear_model.h"

#include <algorithm>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/class_labels.h"
#include "devices/cpu/integer_operand.h"
#include "devices/cpu/kernels/matrix/panel_product.h"
#include "devices/cpu/kernels/matrix/row_dot.h"
#include "devices/cpu/kernels/matrix/transpose_tile.h"
#include "devices/cpu/kernels/reduction/arg_max.h"
#include "devices/cpu/post_transform.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using operators::PostTransform;

// Rows that are multiplied together.
constexpr int64_t kRows = 48;

struct BoundLinear final : BoundState {
  int64_t rows;
  int64_t bytes, converted, addresses, sums;  // per worker, in scratch memory
};

// Scores of blocks of rows: a product with the coefficients plus the intercepts.
class LinearScores {
 public:
  LinearScores(const Node& node, int64_t scores) : scores_(scores) {
    const auto coefficients = node.FloatsAttribute("coefficients");
    const auto intercepts = node.FloatsAttribute("intercepts");
    features_ = operators::LinearFeatures(node, scores);
    columns_ = RoundUpToPanelGroup(scores);
    packed_.resize(static_cast<size_t>(columns_ * features_));
    intercepts_.resize(static_cast<size_t>(columns_));
    std::copy(intercepts.begin(), intercepts.end(), intercepts_.begin());
    if (few()) {
      packed_.resize(static_cast<size_t>(kFewScores * features_));
      std::copy_n(coefficients.begin(), scores * features_, packed_.begin());
      return;
    }
    for (int64_t column = 0; column < scores; ++column) {
      for (int64_t row = 0; row < features_; ++row) {
        packed_[static_cast<size_t>(PanelIndex(row, column, features_, columns_))] =
            coefficients[static_cast<size_t>(column * features_ + row)];
      }
    }
  }

  Status Bind(BindContext& context) const {
    const BindContext::Port& input = *context.input(0);
    auto bound = std::make_unique<BoundLinear>();
    bound->rows = operators::RowCount(input.shape);
    if (input.shape.rank() == 0 || input.shape.Back(0) != features_) {
      return context.node().Error(StatusCode::kSizeMismatch, "its input has shape ",
                                  input.shape.ToString(), " but it has coefficients for ",
                                  features_, " features");
    }
    ScratchLayout layout;
    const bool convert = input.type != ElementType::kFloat;
    bound->converted = layout.Take(convert ? kRows * features_ * int64_t{sizeof(float)} : 0);
    bound->addresses = layout.Take(kRows * int64_t{sizeof(float*)});
    bound->sums = layout.Take(kRows * columns_ * int64_t{sizeof(float)});
    bound->bytes = layout.size();
    context.RequestScratch(static_cast<size_t>(bound->bytes * context.threads()));
    context.SetState(std::move(bound));
    return OkStatus();
  }

  // Calls `finish(row, count, scores)` for blocks of `count` rows from `row` on, whose scores lie
  // one behind the other; they may be changed.
  template <typename Finish>
  void ForEachBlock(const RunContext& context, const Finish& finish) const {
    const auto& b = *context.state<BoundLinear>();
    const TensorView& input = context.Input(0);
    const int64_t blocks = (b.rows + kRows - 1) / kRows;
    const int64_t chunk = 1 + 100'000 / (kRows * columns_ * (features_ + 1));
    context.parallel().For(blocks, chunk, [&](int64_t begin, int64_t end, int worker) {
      const int64_t space = worker * b.bytes;
      auto* const addresses = ScratchAt<const float*>(context, space + b.addresses);
      auto* const sums = ScratchAt<float>(context, space + b.sums);
      for (int64_t first = begin * kRows; first < std::min(end * kRows, b.rows); first += kRows) {
        const int64_t count = std::min(kRows, b.rows - first);
        const float* rows = input.as<float>() + first * features_;
        if (input.type != ElementType::kFloat) {
          auto* const converted = ScratchAt<float>(context, space + b.converted);
          ReadFeatures(input, first * features_, count * features_, converted);
          rows = converted;
        }
        if (few()) {
          RowDot({rows, features_, count, packed_.data(), features_, features_, intercepts_.data(),
                  nullptr, 0, sums, columns_},
                 0, scores_ == 1 ? 1 : kFewScores);
        } else {
          for (int64_t i = 0; i < count; ++i) addresses[i] = rows + i * features_;
          PanelProduct({addresses, count, features_, packed_.data(), columns_, intercepts_.data(),
                        0, sums, dense() ? scores_ : columns_},
                       0, columns_);
        }
        if (few() || !dense()) Join(sums, count);
        finish(first, count, sums);
      }
    });
  }

  int64_t scores() const { return scores_; }

 private:
  // Vectors along so few columns would be mostly padding; they run along the features instead.
  // Two or three columns cost as much as four, which are added up together.
  static constexpr int64_t kFewScores = 4;
  bool few() const { return scores_ <= kFewScores && features_ >= 32; }

  // The product of one group of columns leaves rows as long as there are scores.
  bool dense() const { return columns_ == kPanelGroup; }

  // Rows are columns_ apart, and then as many as there are scores. What is moved beyond a row is
  // written over by the next one's.
  void Join(float* sums, int64_t count) const {
    constexpr int64_t kMove = 4;
    for (int64_t i = 1; i < count && scores_ < columns_; ++i) {
      const float* const from = sums + i * columns_;
      float* const to = sums + i * scores_;
      for (int64_t j = 0; j < scores_; j += kMove) {
        float moved[kMove];
        std::copy_n(from + j, kMove, moved);
        std::copy_n(moved, kMove, to + j);
      }
    }
  }

  int64_t scores_;
  int64_t columns_;
  int64_t features_;
  std::vector<float> packed_;
  std::vector<float> intercepts_;
};

class LinearRegressor final : public Executable {
 public:
  explicit LinearRegressor(const Node& node)
      : scores_(node, std::max<int64_t>(node.IntAttribute("targets", 1), 1)),
        transform_(*operators::ParsePostTransform(node)) {}

  Status Bind(BindContext& context) const override { return scores_.Bind(context); }

  Status Run(RunContext& context) const override {
    const int64_t targets = scores_.scores();
    MULLION_ASSIGN_OR_RETURN(
        const MutableTensorView output,
        context.AllocateOutput(0, Shape{context.state<BoundLinear>()->rows, targets}));
    scores_.ForEachBlock(context, [&](int64_t row, int64_t count, float* scores) {
      ApplyPostTransform(transform_, scores, count, targets);
      std::copy_n(scores, count * targets, output.as<float>() + row * targets);
    });
    return OkStatus();
  }

 private:
  LinearScores scores_;
  PostTransform transform_;
};

class LinearClassifier final : public Executable {
 public:
  explicit LinearClassifier(const Node& node)
      : labels_(operators::ClassLabels::FromNode(node, "classlabels_ints")),
        shared_(labels_.count() == 2 && node.FloatsAttribute("intercepts").size() == 1),
        scores_(node, shared_ ? 1 : labels_.count()),
        transform_(*operators::ParsePostTransform(node)) {}

  Status Bind(BindContext& context) const override { return scores_.Bind(context); }

  Status Run(RunContext& context) const override {
    const int64_t rows = context.state<BoundLinear>()->rows;
    const int64_t classes = labels_.count();
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView labels,
                             context.AllocateOutput(0, Shape{rows}));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(1, Shape{rows, classes}));
    scores_.ForEachBlock(context, [&](int64_t row, int64_t count, float* scores) {
      float* const out = output.as<float>() + row * classes;
      int64_t best[kRows];
      if (!shared_) FindBest(scores, count, best);
      for (int64_t i = 0; i < count; ++i) {
        if (shared_) {
          best[i] = scores[i] > 0 ? 1 : 0;
          Spread(scores[i], out + i * classes);
        }
        WriteLabel(labels_, best[i], labels, row + i);
      }
      if (shared_) return;
      ApplyPostTransform(transform_, scores, count, classes);
      std::copy_n(scores, count * classes, out);
    });
    return OkStatus();
  }

 private:
  // The largest score of each row. Few scores are turned first, so that vectors are full.
  void FindBest(const float* scores, int64_t count, int64_t* best) const {
    constexpr int64_t kTurned = 32;
    const int64_t classes = labels_.count();
    const auto rows = static_cast<size_t>(count);
    const auto columns = static_cast<size_t>(classes);
    if (classes > kTurned) {
      return ArgMaxRows({}, ElementType::kFloat, scores, columns, rows, best);
    }
    static_assert(kRows <= static_cast<int64_t>(kArgMaxColumns));
    float turned[kTurned * kRows];
    TransposeTile(sizeof(float), reinterpret_cast<const uint8_t*>(scores), classes * int64_t{4},
                  reinterpret_cast<uint8_t*>(turned), count * int64_t{4}, rows, columns);
    ArgMaxColumns({}, ElementType::kFloat, turned, columns, rows, rows, best);
  }

  // Two scores of the one that is above zero for the second class. Transforms other than LOGISTIC
  // are for several scores.
  void Spread(float score, float* out) const {
    if (transform_ == PostTransform::kLogistic) {
      out[0] = Logistic(-score);
      out[1] = Logistic(score);
      return;
    }
    out[0] = 1 - score;
    out[1] = score;
  }

  operators::ClassLabels labels_;
  bool shared_;
  LinearScores scores_;
  PostTransform transform_;
};

}  // namespace

void RegisterLinearModel(KernelRegistry& registry) {
  registry.Add({.name = "LinearClassifier",
                .domain = operators::kMlDomain,
                .make = MakeKernel<LinearClassifier>});
  registry.Add({.name = "LinearRegressor",
                .domain = operators::kMlDomain,
                .make = MakeKernel<LinearRegressor>});
}

}  // namespace mullion::cpu
