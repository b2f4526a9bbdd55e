// SPDX-License-Identifier: MIT
#include "operators/svm.h"

#include "base/str_cat.h"
#include "operators/inference.h"
#include "operators/ml_types.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// Products of this many classes and vectors cannot overflow.
constexpr int64_t kMost = int64_t{1} << 30;

template <typename T>
int64_t Count(std::span<const T> values) {
  return static_cast<int64_t>(values.size());
}

Status ReadKernel(const Node& node, SvmParameters& p) {
  const std::string_view name = node.StringAttribute("kernel_type", "LINEAR");
  using Kernel = SvmParameters::Kernel;
  if (name == "LINEAR") {
    p.kernel = Kernel::kLinear;
  } else if (name == "POLY") {
    p.kernel = Kernel::kPoly;
  } else if (name == "RBF") {
    p.kernel = Kernel::kRbf;
  } else if (name == "SIGMOID") {
    p.kernel = Kernel::kSigmoid;
  } else {
    return WrongNode(node, "attribute 'kernel_type' is '", name,
                     "' but must be LINEAR, POLY, RBF or SIGMOID");
  }
  const auto values = node.FloatsAttribute("kernel_params");
  if (!values.empty() && values.size() != 3) {
    return WrongNode(node, "attribute 'kernel_params' has ", values.size(),
                     " elements but must have 3: gamma, coef0, degree");
  }
  if (values.empty()) return OkStatus();
  p.gamma = values[0];
  p.offset = values[1];
  p.degree = values[2];
  return OkStatus();
}

Status ReadVectors(const Node& node, int64_t vectors, SvmParameters& p) {
  p.support_vectors = node.FloatsAttribute("support_vectors");
  p.vectors = vectors;
  const int64_t count = Count(p.support_vectors);
  if (vectors > kMost || count == 0 || count % vectors != 0) {
    return WrongNode(node, "attribute 'support_vectors' has ", count, " elements for ", vectors,
                     " vectors");
  }
  p.features = count / vectors;
  return OkStatus();
}

Status CheckClassifier(const Node& node, SvmParameters& p) {
  p.labels = ClassLabels::FromNode(node, "classlabels_ints");
  p.vectors_per_class = node.IntsAttribute("vectors_per_class");
  p.classes = p.PairsClasses() ? Count(p.vectors_per_class) : p.labels.count();
  if (p.classes < 1 || p.classes > kMost || p.labels.count() != p.classes) {
    return WrongNode(node, "it has ", p.labels.count(), " class labels for ", p.classes,
                     " classes");
  }
  const int64_t coefficients = Count(p.coefficients);
  if (!p.PairsClasses()) {
    if (coefficients == 0 || coefficients % p.classes != 0) {
      return WrongNode(node, "attribute 'coefficients' has ", coefficients,
                       " elements, which is no multiple of ", p.classes, " classes");
    }
    p.features = coefficients / p.classes;
    if (p.rho.empty()) return WrongNode(node, "attribute 'rho' must have an element");
    return OkStatus();
  }
  int64_t vectors = 0;
  for (const int64_t count : p.vectors_per_class) {
    if (count < 0 || count > kMost)
      return WrongNode(node, "attribute 'vectors_per_class' is wrong");
    vectors += count;
  }
  if (vectors == 0) return WrongNode(node, "attribute 'vectors_per_class' counts no vectors");
  MULLION_RETURN_IF_ERROR(ReadVectors(node, vectors, p));
  if (coefficients != (p.classes - 1) * vectors) {
    return WrongNode(node, "attribute 'coefficients' has ", coefficients,
                     " elements but must have ", p.classes - 1, " x ", vectors);
  }
  p.probability_a = node.FloatsAttribute("prob_a");
  p.probability_b = node.FloatsAttribute("prob_b");
  if (Count(p.rho) != p.Pairs() ||
      (!p.probability_a.empty() && Count(p.probability_a) != p.Pairs()) ||
      p.probability_a.size() != p.probability_b.size()) {
    return WrongNode(node, "attributes 'rho', 'prob_a' and 'prob_b' have ", p.rho.size(), ", ",
                     p.probability_a.size(), " and ", p.probability_b.size(),
                     " elements but must have ", p.Pairs(),
                     ", one for each pair of "
                     "classes");
  }
  return OkStatus();
}

Status CheckRegressor(const Node& node, SvmParameters& p) {
  p.one_class = node.IntAttribute("one_class", 0) != 0;
  const int64_t vectors = node.IntAttribute("n_supports", 0);
  const int64_t coefficients = Count(p.coefficients);
  if (p.rho.empty()) return WrongNode(node, "attribute 'rho' must have an element");
  if (vectors <= 0) {
    p.kernel = SvmParameters::Kernel::kLinear;
    p.features = coefficients;
    return OkStatus();
  }
  MULLION_RETURN_IF_ERROR(ReadVectors(node, vectors, p));
  if (coefficients == vectors) return OkStatus();
  return WrongNode(node, "attribute 'coefficients' has ", coefficients, " elements but must have ",
                   vectors, ", as 'n_supports' says");
}

Status CheckFeatures(const InferenceContext& context, const SvmParameters& p) {
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr || shape->rank() == 0 || shape->Back(0) < 0) return OkStatus();
  if (shape->Back(0) == p.features) return OkStatus();
  return context.Error(context.DescribeInput(0), " but the machine is for ", p.features,
                       " features");
}

Status InferSvmClassifier(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const SvmParameters p, SvmParameters::FromNode(context.node()));
  MULLION_ASSIGN_OR_RETURN(const int64_t rows, InferRowCount(context));
  MULLION_RETURN_IF_ERROR(CheckFeatures(context, p));
  context.SetOutput(0, p.labels.type(), Shape{rows});
  context.SetOutput(1, ElementType::kFloat, Shape{rows, p.ScoreCount()});
  return OkStatus();
}

Status InferSvmRegressor(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const SvmParameters p, SvmParameters::FromNode(context.node()));
  MULLION_ASSIGN_OR_RETURN(const int64_t rows, InferRowCount(context));
  MULLION_RETURN_IF_ERROR(CheckFeatures(context, p));
  context.SetOutput(0, ElementType::kFloat, Shape{rows, 1});
  return OkStatus();
}

}  // namespace

Result<SvmParameters> SvmParameters::FromNode(const Node& node) {
  SvmParameters p;
  MULLION_RETURN_IF_ERROR(ReadKernel(node, p));
  MULLION_ASSIGN_OR_RETURN(p.post_transform, ParsePostTransform(node));
  p.coefficients = node.FloatsAttribute("coefficients");
  p.rho = node.FloatsAttribute("rho");
  const bool is_classifier = node.operator_name() == "SVMClassifier";
  MULLION_RETURN_IF_ERROR(is_classifier ? CheckClassifier(node, p) : CheckRegressor(node, p));
  return p;
}

void RegisterSvm(OperatorRegistry& registry) {
  registry.Add({.name = "SVMClassifier",
                .domain = kMlDomain,
                .inputs = {1, 1},
                .outputs = {2, 2},
                .types = kMlNumbers,
                .infer = InferSvmClassifier});
  registry.Add({.name = "SVMRegressor",
                .domain = kMlDomain,
                .inputs = {1, 1},
                .types = kMlNumbers,
                .infer = InferSvmRegressor});
}

}  // namespace mullion::operators
