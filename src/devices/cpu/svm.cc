// SPDX-License-Identifier: MIT
#include "operators/svm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/class_labels.h"
#include "devices/cpu/integer_operand.h"
#include "devices/cpu/kernels/elementwise/elements.h"
#include "devices/cpu/post_transform.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using operators::PostTransform;
using operators::SvmParameters;

struct BoundSvm final : BoundState {
  int64_t rows;
  // Per worker, in scratch memory.
  int64_t bytes, features, kernels, scores, probabilities;
};

// Eight sums side by side, which the compiler turns into vectors.
float Dot(const float* a, const float* b, int64_t count) {
  float sums[8] = {};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int j = 0; j < 8; ++j) sums[j] += a[i + j] * b[i + j];
  }
  for (; i < count; ++i) sums[0] += a[i] * b[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

float SquaredDistance(const float* a, const float* b, int64_t count) {
  float sums[8] = {};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int j = 0; j < 8; ++j) sums[j] += (a[i + j] - b[i + j]) * (a[i + j] - b[i + j]);
  }
  for (; i < count; ++i) sums[0] += (a[i] - b[i]) * (a[i] - b[i]);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

// The kernels of `x` with all support vectors. Their products or distances come first, so that
// what is made of them are vectors.
void Kernels(const SvmParameters& p, const float* x, float* kernels) {
  using Op = operators::ElementwiseOp;
  const bool radial = p.kernel == SvmParameters::Kernel::kRbf;
  const float* vector = p.support_vectors.data();
  for (int64_t i = 0; i < p.vectors; ++i, vector += p.features) {
    kernels[i] = radial ? SquaredDistance(x, vector, p.features) : Dot(x, vector, p.features);
  }
  if (p.kernel == SvmParameters::Kernel::kLinear) return;
  const float factor = radial ? -p.gamma : p.gamma;
  const float offset = radial ? 0 : p.offset;
  for (int64_t i = 0; i < p.vectors; ++i) kernels[i] = factor * kernels[i] + offset;
  const auto count = static_cast<size_t>(p.vectors);
  if (p.kernel == SvmParameters::Kernel::kPoly) {
    BinaryElements({Op::kPow}, ElementType::kFloat, {kernels, 1}, {&p.degree, 0}, kernels, count);
  } else {
    UnaryElements({radial ? Op::kExp : Op::kTanh}, ElementType::kFloat, kernels, kernels, count);
  }
}

class Svm : public Executable {
 public:
  explicit Svm(const SvmParameters& parameters) : p_(parameters) {}

  Status Bind(BindContext& context) const override {
    const BindContext::Port& input = *context.input(0);
    auto bound = std::make_unique<BoundSvm>();
    bound->rows = operators::RowCount(input.shape);
    if (input.shape.rank() == 0 || input.shape.Back(0) != p_.features) {
      return context.node().Error(StatusCode::kSizeMismatch, "its input has shape ",
                                  input.shape.ToString(), " but the machine is for ", p_.features,
                                  " features");
    }
    constexpr int64_t kFloat = sizeof(float);
    const int64_t scores = std::max<int64_t>({p_.Pairs(), p_.classes, 2});
    ScratchLayout layout;
    bound->features = layout.Take(p_.features * kFloat);
    bound->kernels = layout.Take(p_.vectors * kFloat);
    bound->scores = layout.Take(scores * kFloat);
    bound->probabilities =
        layout.Take((2 * p_.classes * p_.classes + 2 * p_.classes) * int64_t{sizeof(double)});
    bound->bytes = layout.size();
    context.RequestScratch(static_cast<size_t>(bound->bytes * context.threads()));
    context.SetState(std::move(bound));
    return OkStatus();
  }

 protected:
  // Calls `finish(row, features, kernels, workspace)` for every row; `kernels` are those with all
  // support vectors, `workspace` the offset of this worker's memory.
  template <typename Finish>
  void ForEachRow(const RunContext& context, const Finish& finish) const {
    const auto& b = *context.state<BoundSvm>();
    const int64_t work = std::max<int64_t>(p_.vectors, 1) * (p_.features + 20);
    const int64_t chunk = 1 + 100'000 / work;
    context.parallel().For(b.rows, chunk, [&](int64_t begin, int64_t end, int worker) {
      const int64_t space = worker * b.bytes;
      auto* const features = ScratchAt<float>(context, space + b.features);
      auto* const kernels = ScratchAt<float>(context, space + b.kernels);
      for (int64_t row = begin; row < end; ++row) {
        ReadFeatures(context.Input(0), row * p_.features, p_.features, features);
        Kernels(p_, features, kernels);
        finish(row, features, kernels, space);
      }
    });
  }

  const SvmParameters p_;
};

class SvmRegressor final : public Svm {
 public:
  using Svm::Svm;

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{context.state<BoundSvm>()->rows, 1}));
    ForEachRow(context, [&](int64_t row, const float* features, const float* kernels, int64_t) {
      const float* const terms = p_.vectors > 0 ? kernels : features;
      const int64_t count = p_.vectors > 0 ? p_.vectors : p_.features;
      float score = Dot(terms, p_.coefficients.data(), count) + p_.rho[0];
      if (p_.one_class) score = score > 0 ? 1.0f : -1.0f;
      ApplyPostTransform(p_.post_transform, &score, 1, 1);
      output.as<float>()[row] = score;
    });
    return OkStatus();
  }
};

class SvmClassifier final : public Svm {
 public:
  explicit SvmClassifier(const SvmParameters& parameters) : Svm(parameters) {
    int64_t first = 0;
    for (const int64_t count : p_.vectors_per_class) {
      first_vector_.push_back(first);
      first += count;
    }
    all_positive_ = std::all_of(p_.coefficients.begin(), p_.coefficients.end(),
                                [](float coefficient) { return coefficient >= 0; });
  }

  Status Run(RunContext& context) const override {
    const auto& b = *context.state<BoundSvm>();
    const int64_t columns = p_.ScoreCount();
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView labels,
                             context.AllocateOutput(0, Shape{b.rows}));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(1, Shape{b.rows, columns}));
    ForEachRow(context,
               [&](int64_t row, const float* features, const float* kernels, int64_t space) {
                 auto* const scores = ScratchAt<float>(context, space + b.scores);
                 auto* const workspace = ScratchAt<double>(context, space + b.probabilities);
                 const int64_t best = p_.PairsClasses() ? ScorePairs(kernels, workspace, scores)
                                                        : ScoreClasses(features, scores);
                 WriteLabel(p_.labels, best, labels, row);
                 std::copy_n(scores, columns, output.as<float>() + row * columns);
               });
    return OkStatus();
  }

 private:
  // One linear score for each class.
  int64_t ScoreClasses(const float* features, float* scores) const {
    for (int64_t c = 0; c < p_.classes; ++c) {
      scores[c] = Dot(features, p_.coefficients.data() + c * p_.features, p_.features) + p_.rho[0];
    }
    int64_t best = ArgMax(scores, p_.classes);
    // Of two classes the second is chosen when the greater score is on the positive side.
    if (p_.classes == 2 && scores[best] > (all_positive_ ? 0.5f : 0.0f)) best = 1;
    ApplyPostTransform(p_.post_transform, scores, 1, p_.classes);
    return best;
  }

  // A decision between each two classes; the class with most of them wins.
  int64_t ScorePairs(const float* kernels, double* workspace, float* scores) const {
    float* const votes = reinterpret_cast<float*>(workspace);
    std::fill_n(votes, p_.classes, 0.0f);
    int64_t pair = 0;
    for (int64_t i = 0; i < p_.classes; ++i) {
      for (int64_t j = i + 1; j < p_.classes; ++j, ++pair) {
        const float score = PairTerm(kernels, i, j - 1) + PairTerm(kernels, j, i) +
                            p_.rho[static_cast<size_t>(pair)];
        scores[pair] = score;
        votes[score > 0 ? i : j] += 1;
      }
    }
    const int64_t best = ArgMax(votes, p_.classes);
    if (!p_.probability_a.empty()) {
      Probabilities(workspace, scores);
      ApplyPostTransform(p_.post_transform, scores, 1, p_.classes);
      return best;
    }
    if (pair != 1) {
      ApplyPostTransform(p_.post_transform, scores, 1, pair);
      return best;
    }
    return SpreadPair(scores);
  }

  // The vectors of class `of` with row `row` of the coefficients.
  float PairTerm(const float* kernels, int64_t of, int64_t row) const {
    const int64_t first = first_vector_[static_cast<size_t>(of)];
    return Dot(kernels + first, p_.coefficients.data() + row * p_.vectors + first,
               p_.vectors_per_class[static_cast<size_t>(of)]);
  }

  // Two scores of one, which is positive for the first class. What looks like the wrong way round
  // is what exporters expect: the score itself stands second.
  int64_t SpreadPair(float* scores) const {
    const float score = scores[0];
    scores[1] = score;
    switch (p_.post_transform) {
      case PostTransform::kNone:
        scores[0] = -score;
        break;
      case PostTransform::kLogistic:
        scores[0] = Logistic(-score);
        scores[1] = Logistic(score);
        break;
      default:
        scores[0] = 1 - score;
    }
    return score > 0 ? 0 : 1;
  }

  // Class probabilities of the decisions in `scores`, by the second method of Wu, Lin and Weng,
  // "Probability Estimates for Multi-class Classification by Pairwise Coupling" (2004): p minimises
  // the sum over pairs of (r_ji p_i - r_ij p_j)^2.
  void Probabilities(double* workspace, float* scores) const {
    const int64_t n = p_.classes;
    double* const r = workspace;  // r[i][j]: that it is i rather than j
    double* const q = r + n * n;
    double* const qp = q + n * n;
    double* const p = qp + n;
    int64_t pair = 0;
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = i + 1; j < n; ++j, ++pair) {
        const auto at = static_cast<size_t>(pair);
        const double margin =
            static_cast<double>(scores[pair]) * p_.probability_a[at] + p_.probability_b[at];
        constexpr double kLeast = 1e-7;
        r[i * n + j] = std::clamp(Logistic(-margin), kLeast, 1 - kLeast);
        r[j * n + i] = 1 - r[i * n + j];
      }
    }
    for (int64_t t = 0; t < n; ++t) {
      p[t] = 1.0 / static_cast<double>(n);
      q[t * n + t] = 0;
      for (int64_t j = 0; j < n; ++j) {
        if (j == t) continue;
        q[t * n + t] += r[j * n + t] * r[j * n + t];
        q[t * n + j] = -r[j * n + t] * r[t * n + j];
      }
    }
    Couple(n, q, qp, p);
    for (int64_t c = 0; c < n; ++c) scores[c] = static_cast<float>(p[c]);
  }

  static void Couple(int64_t n, const double* q, double* qp, double* p) {
    const int64_t rounds = std::max<int64_t>(100, n);
    const double limit = 0.005 / static_cast<double>(n);
    for (int64_t round = 0; round < rounds; ++round) {
      double pqp = 0;
      for (int64_t t = 0; t < n; ++t) {
        qp[t] = 0;
        for (int64_t j = 0; j < n; ++j) qp[t] += q[t * n + j] * p[j];
        pqp += p[t] * qp[t];
      }
      double error = 0;
      for (int64_t t = 0; t < n; ++t) error = std::max(error, std::abs(qp[t] - pqp));
      if (error < limit) return;
      for (int64_t t = 0; t < n; ++t) {
        const double step = (pqp - qp[t]) / q[t * n + t];
        p[t] += step;
        const double sum = 1 + step;  // p summed to one
        pqp = (pqp + step * (step * q[t * n + t] + 2 * qp[t])) / sum / sum;
        for (int64_t j = 0; j < n; ++j) {
          qp[j] = (qp[j] + step * q[t * n + j]) / sum;
          p[j] /= sum;
        }
      }
    }
  }

  std::vector<int64_t> first_vector_;
  bool all_positive_ = false;
};

Result<std::unique_ptr<Executable>> MakeSvm(const Node& node, WeightStore& /*weights*/) {
  MULLION_ASSIGN_OR_RETURN(const SvmParameters parameters, SvmParameters::FromNode(node));
  if (node.operator_name() == "SVMClassifier") {
    return std::unique_ptr<Executable>(std::make_unique<SvmClassifier>(parameters));
  }
  return std::unique_ptr<Executable>(std::make_unique<SvmRegressor>(parameters));
}

}  // namespace

void RegisterSvm(KernelRegistry& registry) {
  registry.Add({.name = "SVMClassifier", .domain = operators::kMlDomain, .make = MakeSvm});
  registry.Add({.name = "SVMRegressor", .domain = operators::kMlDomain, .make = MakeSvm});
}

}  // namespace mullion::cpu
