// SPDX-License-Identifier: MIT
#include "operators/einsum.h"

#include <algorithm>
#include <string>

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// One side's term, such as "b...ij": letters before and behind an ellipsis.
struct Term {
  std::vector<int> before;
  std::vector<int> behind;
  bool has_ellipsis = false;

  int letters() const { return static_cast<int>(before.size() + behind.size()); }
  // The labels, with `axes` of them for the ellipsis.
  std::vector<int> Labels(int axes) const {
    std::vector<int> labels = before;
    for (int i = 0; i < axes; ++i) labels.push_back(EinsumEquation::kLabels - axes + i);
    labels.insert(labels.end(), behind.begin(), behind.end());
    return labels;
  }
};

Result<Term> ParseTerm(std::string_view text) {
  Term term;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c >= 'a' && c <= 'z') {
      (term.has_ellipsis ? term.behind : term.before).push_back(c - 'a');
    } else if (c >= 'A' && c <= 'Z') {
      (term.has_ellipsis ? term.behind : term.before).push_back(26 + c - 'A');
    } else if (text.substr(i, 3) == "..." && !term.has_ellipsis) {
      term.has_ellipsis = true;
      i += 2;
    } else {
      return InvalidModel("attribute 'equation' has '", c, "' in the term '", text,
                          "'; a term is letters and at most one '...'");
    }
  }
  return term;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// Without "->" the result has the ellipsis and the letters that occur once, in the order of ASCII.
Term ImplicitOutput(const std::vector<Term>& terms) {
  std::vector<int> counts(EinsumEquation::kFirstEllipsisLabel);
  Term output;
  for (const Term& term : terms) {
    output.has_ellipsis = output.has_ellipsis || term.has_ellipsis;
    for (const int label : term.before) ++counts[static_cast<size_t>(label)];
    for (const int label : term.behind) ++counts[static_cast<size_t>(label)];
  }
  for (const int first : {26, 0}) {  // capitals come first
    for (int label = first; label < first + 26; ++label) {
      if (counts[static_cast<size_t>(label)] == 1) output.behind.push_back(label);
    }
  }
  return output;
}

Status CheckOutput(const EinsumEquation& equation) {
  for (size_t i = 0; i < equation.output.size(); ++i) {
    const int label = equation.output[i];
    const bool twice = std::count(equation.output.begin(), equation.output.end(), label) > 1;
    const bool known = std::any_of(
        equation.operands.begin(), equation.operands.end(), [&](const std::vector<int>& labels) {
          return std::find(labels.begin(), labels.end(), label) != labels.end();
        });
    if (twice || !known) {
      return InvalidModel(
          "attribute 'equation' has a letter behind '->' that is there twice or in no operand");
    }
  }
  if (equation.output.size() > static_cast<size_t>(kMaxRank)) {
    return InvalidModel("the result would have more than ", kMaxRank, " axes");
  }
  return OkStatus();
}

Status InferEinsum(InferenceContext& context) {
  const ElementType type = context.InputType(0);
  std::vector<int> ranks;
  std::vector<Shape> shapes;
  for (int i = 0; i < context.input_count(); ++i) {
    MULLION_RETURN_IF_ERROR(context.RequireInput(i));
    MULLION_RETURN_IF_ERROR(context.RequireSameType(i, 0));
    if (context.InputShape(i) == nullptr) {
      context.SetOutput(0, type);
      return OkStatus();
    }
    shapes.push_back(*context.InputShape(i));
    ranks.push_back(shapes.back().rank());
  }
  const auto equation =
      EinsumEquation::Parse(context.node().StringAttribute("equation", ""), ranks);
  if (!equation.ok()) return context.Error(equation.status().message());
  const auto sizes = equation->Sizes(shapes);
  if (!sizes.ok()) return context.Error(sizes.status().message());
  Shape output;
  for (const int label : equation->output) output.Append((*sizes)[static_cast<size_t>(label)]);
  context.SetOutput(0, type, output);
  return OkStatus();
}

}  // namespace

Result<EinsumEquation> EinsumEquation::Parse(std::string_view equation,
                                             std::span<const int> ranks) {
  std::string text(equation);
  std::erase(text, ' ');
  const size_t arrow = text.find("->");
  const std::vector<std::string_view> parts = Split(std::string_view(text).substr(0, arrow), ',');
  if (parts.size() != ranks.size()) {
    return InvalidModel("attribute 'equation' is '", equation, "', which has ", parts.size(),
                        " operands, but the node has ", ranks.size(), " inputs");
  }
  std::vector<Term> terms;
  EinsumEquation parsed;
  int ellipsis = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    MULLION_ASSIGN_OR_RETURN(const Term term, ParseTerm(parts[i]));
    const int hidden = ranks[i] - term.letters();
    if (hidden < 0 || (hidden > 0 && !term.has_ellipsis)) {
      return InvalidModel("attribute 'equation' has the term '", parts[i], "' for input ", i,
                          ", which has rank ", ranks[i]);
    }
    ellipsis = std::max(ellipsis, hidden);
    parsed.operands.push_back(term.Labels(hidden));
    terms.push_back(term);
  }
  Term output;
  if (arrow == std::string::npos) {
    output = ImplicitOutput(terms);
  } else {
    MULLION_ASSIGN_OR_RETURN(output, ParseTerm(std::string_view(text).substr(arrow + 2)));
  }
  parsed.output = output.Labels(output.has_ellipsis ? ellipsis : 0);
  MULLION_RETURN_IF_ERROR(CheckOutput(parsed));
  return parsed;
}

Result<std::vector<int64_t>> EinsumEquation::Sizes(std::span<const Shape> shapes) const {
  std::vector<int64_t> sizes(kLabels, kUnknownDim);
  for (size_t i = 0; i < operands.size(); ++i) {
    for (size_t a = 0; a < operands[i].size(); ++a) {
      int64_t& size = sizes[static_cast<size_t>(operands[i][a])];
      const int64_t dim = shapes[i][static_cast<int>(a)];
      if (dim < 0 || dim == size) continue;
      if (size == kUnknownDim || size == 1) {
        size = dim;
      } else if (dim != 1) {
        return InvalidModel("axis ", a, " of input ", i, " has ", dim,
                            " elements, but another axis of the same letter has ", size);
      }
    }
  }
  return sizes;
}

void RegisterEinsum(OperatorRegistry& registry) {
  registry.Add({.name = "Einsum",
                .since = 12,
                .inputs = {1, kVariadic},
                .types = types::kNumeric,
                .infer = InferEinsum});
}

}  // namespace mullion::operators
