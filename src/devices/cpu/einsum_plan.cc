// SPDX-License-Identifier: MIT
#include "devices/cpu/einsum_plan.h"

#include <algorithm>
#include <bitset>

#include "operators/int_list.h"

namespace mullion::cpu {

namespace {

using operators::EinsumEquation;
using Kind = EinsumStep::Kind;
using Labels = std::vector<int>;
using LabelSet = std::bitset<EinsumEquation::kLabels>;

LabelSet SetOfLabels(const Labels& labels) {
  LabelSet set;
  for (const int label : labels) set.set(static_cast<size_t>(label));
  return set;
}

// Data whose axes are labels, each once: an axis that stood there twice has the sum of the strides,
// which makes it the diagonal.
struct Operand {
  EinsumPlace place;
  Labels labels;
  std::vector<int64_t> strides;
};

class Planner {
 public:
  Planner(const EinsumEquation& equation, std::span<const Shape> shapes, std::vector<int64_t> sizes)
      : equation_(equation), shapes_(shapes), sizes_(std::move(sizes)) {}

  Result<std::unique_ptr<EinsumPlan>> Plan() {
    auto plan = std::make_unique<EinsumPlan>();
    plan_ = plan.get();
    for (const int label : equation_.output) plan_->output.Append(Size(label));
    const size_t count = equation_.operands.size();
    Operand result = Drop(Input(0), NeededBehind(0));
    for (size_t i = 1; i < count; ++i) {
      // What only the new operand has, and nobody needs later, goes before the product.
      const LabelSet needed = NeededBehind(i);
      const Operand right = Drop(Input(i), needed | SetOfLabels(result.labels));
      result = Multiply(Drop(result, needed | SetOfLabels(right.labels)), right, needed);
    }
    Finish(result);
    if (too_large_) return InvalidModel("intermediate results of the equation are too large");
    plan_->scratch_elements = scratch_;
    return plan;
  }

 private:
  int64_t Size(int label) const { return sizes_[static_cast<size_t>(label)]; }

  int64_t Count(const Labels& labels) {
    int64_t count = 1;
    for (const int label : labels) {
      const std::optional<int64_t> product = CheckedProduct(count, Size(label));
      if (!product.has_value()) {
        too_large_ = true;
        return 0;
      }
      count = *product;
    }
    return count;
  }

  EinsumPlace Reserve(int64_t elements) {
    // Scratch memory of 2^40 elements cannot be had.
    constexpr int64_t kMost = int64_t{1} << 40;
    const EinsumPlace place{EinsumPlace::Kind::kScratch, scratch_};
    if (elements > kMost - scratch_) {
      too_large_ = true;
      return place;
    }
    scratch_ += (elements + 15) / 16 * 16;  // whole cache lines
    return place;
  }

  Operand Input(size_t i) const {
    Operand operand{{EinsumPlace::Kind::kInput, static_cast<int64_t>(i)}, {}, {}};
    const auto strides = RowMajorStrides(shapes_[i]);
    for (size_t a = 0; a < equation_.operands[i].size(); ++a) {
      const int label = equation_.operands[i][a];
      // An axis of 1 stands for one of any size.
      const bool repeats = shapes_[i][static_cast<int>(a)] == 1;
      const int64_t stride = repeats ? 0 : strides[a];
      const auto found = std::find(operand.labels.begin(), operand.labels.end(), label);
      if (found != operand.labels.end()) {
        operand.strides[static_cast<size_t>(found - operand.labels.begin())] += stride;
      } else {
        operand.labels.push_back(label);
        operand.strides.push_back(stride);
      }
    }
    return operand;
  }

  // The labels that operands behind number i, or the result, have.
  LabelSet NeededBehind(size_t i) const {
    LabelSet needed = SetOfLabels(equation_.output);
    for (size_t j = i + 1; j < equation_.operands.size(); ++j) {
      needed |= SetOfLabels(equation_.operands[j]);
    }
    return needed;
  }

  static int64_t StrideOf(const Operand& operand, int label) {
    const auto found = std::find(operand.labels.begin(), operand.labels.end(), label);
    return found == operand.labels.end()
               ? 0
               : operand.strides[static_cast<size_t>(found - operand.labels.begin())];
  }

  // Whether the operand lies in memory row-major in the order of `labels`.
  bool IsDense(const Operand& operand, const Labels& labels) const {
    int64_t stride = 1;
    for (size_t i = labels.size(); i-- > 0;) {
      if (Size(labels[i]) == 1) continue;
      if (StrideOf(operand, labels[i]) != stride) return false;
      stride *= Size(labels[i]);
    }
    return true;
  }

  Operand Dense(EinsumPlace place, const Labels& labels) const {
    Operand operand{place, labels, std::vector<int64_t>(labels.size())};
    int64_t stride = 1;
    for (size_t i = labels.size(); i-- > 0;) {
      operand.strides[i] = stride;
      stride *= Size(labels[i]);
    }
    return operand;
  }

  void Copy(const Operand& from, const Labels& labels, EinsumPlace to) {
    EinsumStep step{};
    step.kind = Kind::kCopy;
    step.left = from.place;
    step.to = to;
    for (const int label : labels) step.axes.push_back({Size(label), StrideOf(from, label)});
    plan_->steps.push_back(std::move(step));
  }

  // The operand in the order of `labels`, copied if it has to be.
  Operand Ordered(const Operand& operand, const Labels& labels) {
    if (IsDense(operand, labels)) return Dense(operand.place, labels);
    const EinsumPlace place = Reserve(Count(labels));
    Copy(operand, labels, place);
    return Dense(place, labels);
  }

  // Sums over labels that are not needed.
  Operand Drop(const Operand& operand, const LabelSet& needed) {
    Labels kept, summed;
    for (const int label : operand.labels) {
      (needed[static_cast<size_t>(label)] ? kept : summed).push_back(label);
    }
    if (summed.empty()) return operand;
    Labels order = kept;
    order.insert(order.end(), summed.begin(), summed.end());
    EinsumStep step{};
    step.kind = Kind::kSum;
    step.left = Ordered(operand, order).place;
    step.rows = Count(kept);
    step.depth = Count(summed);
    step.to = Reserve(step.rows);
    plan_->steps.push_back(step);
    return Dense(step.to, kept);
  }

  Operand Multiply(const Operand& left, const Operand& right, const LabelSet& needed) {
    const LabelSet in_left = SetOfLabels(left.labels);
    const LabelSet in_right = SetOfLabels(right.labels);
    Labels batch, rows, columns, depth;
    for (const int label : left.labels) {
      const auto bit = static_cast<size_t>(label);
      if (!in_right[bit]) {
        rows.push_back(label);
      } else if (needed[bit]) {
        batch.push_back(label);
      } else {
        depth.push_back(label);
      }
    }
    for (const int label : right.labels) {
      if (!in_left[static_cast<size_t>(label)]) columns.push_back(label);
    }
    const auto joined = [](const Labels& a, const Labels& b, const Labels& c) {
      Labels all = a;
      all.insert(all.end(), b.begin(), b.end());
      all.insert(all.end(), c.begin(), c.end());
      return all;
    };
    EinsumStep step{};
    step.kind = Kind::kMultiply;
    step.batch = Count(batch);
    step.rows = Count(rows);
    step.columns = Count(columns);
    step.depth = Count(depth);
    step.left = Ordered(left, joined(batch, rows, depth)).place;
    step.right_transposed = IsDense(right, joined(batch, columns, depth));
    step.right =
        step.right_transposed ? right.place : Ordered(right, joined(batch, depth, columns)).place;
    const Labels labels = joined(batch, rows, columns);
    const bool is_result = labels == equation_.output && needed == SetOfLabels(labels);
    step.to = is_result ? EinsumPlace{EinsumPlace::Kind::kOutput, 0} : Reserve(Count(labels));
    plan_->steps.push_back(step);
    return Dense(step.to, labels);
  }

  void Finish(const Operand& result) {
    if (result.place.kind == EinsumPlace::Kind::kOutput) return;
    Copy(result, equation_.output, {EinsumPlace::Kind::kOutput, 0});
  }

  const EinsumEquation& equation_;
  std::span<const Shape> shapes_;
  std::vector<int64_t> sizes_;
  EinsumPlan* plan_ = nullptr;
  int64_t scratch_ = 0;
  bool too_large_ = false;
};

}  // namespace

Result<std::unique_ptr<EinsumPlan>> PlanEinsum(const EinsumEquation& equation,
                                               std::span<const Shape> shapes) {
  MULLION_ASSIGN_OR_RETURN(std::vector<int64_t> sizes, equation.Sizes(shapes));
  return Planner(equation, shapes, std::move(sizes)).Plan();
}

}  // namespace mullion::cpu
