// SPDX-License-Identifier: MIT
// StringConcat, StringSplit, StringNormalizer, RegexFullMatch.
#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferStringConcat(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kString));
  return InferBroadcast(context);
}

// StringSplit-20: as many pieces along a new last axis as the text with the most has.
Status InferStringSplit(InferenceContext& context) {
  const Shape* const input = context.InputShape(0);
  if (input == nullptr) {
    context.SetOutput(0, ElementType::kString);
    context.SetOutput(1, ElementType::kInt64);
    return OkStatus();
  }
  if (input->rank() == kMaxRank) {
    return context.Error(context.DescribeInput(0),
                         "; the pieces need one more axis than there can be");
  }
  Shape pieces = *input;
  pieces.Append(kUnknownDim);
  context.SetOutput(0, ElementType::kString, pieces);
  context.SetOutput(1, ElementType::kInt64, *input);
  return OkStatus();
}

// StringNormalizer-10 takes [C] or [1, C] and drops words from it.
Status InferStringNormalizer(InferenceContext& context) {
  const std::string_view action = context.node().StringAttribute("case_change_action", "NONE");
  if (action != "NONE" && action != "LOWER" && action != "UPPER") {
    return context.Error("attribute 'case_change_action' is '", action,
                         "' but must be 'LOWER', 'UPPER' or 'NONE'");
  }
  const Shape* const input = context.InputShape(0);
  if (input == nullptr) {
    context.SetOutput(0, ElementType::kString);
    return OkStatus();
  }
  const bool row = input->rank() == 2 && ((*input)[0] == 1 || (*input)[0] < 0);
  if (input->rank() != 1 && !row) {
    return context.Error(context.DescribeInput(0), " but must be [C] or [1,C]");
  }
  const bool keeps_all = context.node().StringsAttribute("stopwords").empty() && (*input)[0] > 0;
  Shape output = *input;
  if (row) output[0] = 1;
  if (!keeps_all || input->Back(0) <= 0) output[output.rank() - 1] = kUnknownDim;
  context.SetOutput(0, ElementType::kString, output);
  return OkStatus();
}

Status InferRegexFullMatch(InferenceContext& context) {
  if (context.InputShape(0) != nullptr) {
    context.SetOutput(0, ElementType::kBool, *context.InputShape(0));
  } else {
    context.SetOutput(0, ElementType::kBool);
  }
  return OkStatus();
}

}  // namespace

void RegisterStringFunctions(OperatorRegistry& registry) {
  registry.Add({.name = "StringConcat",
                .since = 20,
                .inputs = {2, 2},
                .types = types::kString,
                .infer = InferStringConcat});
  registry.Add({.name = "StringSplit",
                .since = 20,
                .inputs = {1, 1},
                .outputs = {1, 2},
                .types = types::kString,
                .infer = InferStringSplit});
  registry.Add({.name = "StringNormalizer",
                .since = 10,
                .inputs = {1, 1},
                .types = types::kString,
                .infer = InferStringNormalizer});
  registry.Add({.name = "RegexFullMatch",
                .since = 20,
                .inputs = {1, 1},
                .types = types::kString,
                .infer = InferRegexFullMatch});
}

}  // namespace mullion::operators
