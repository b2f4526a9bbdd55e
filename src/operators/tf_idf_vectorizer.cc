// SPDX-License-Identifier: MIT
// TfIdfVectorizer: counts of n-grams.
#include <algorithm>

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// The attributes are checked in full where the pool is read: when the kernel is made.
Status InferTfIdfVectorizer(InferenceContext& context) {
  const std::span<const int64_t> indexes = context.node().IntsAttribute("ngram_indexes");
  if (indexes.empty()) return context.Error("the attribute 'ngram_indexes' is missing or empty");
  const auto [least, most] = std::minmax_element(indexes.begin(), indexes.end());
  if (*least < 0 || *most >= int64_t{1} << 32) {
    return context.Error("the attribute 'ngram_indexes' holds ", *least < 0 ? *least : *most,
                         " but must hold places in the output");
  }
  const Shape* const input = context.InputShape(0);
  if (input == nullptr) {
    context.SetOutput(0, ElementType::kFloat);
    return OkStatus();
  }
  if (input->rank() != 1 && input->rank() != 2) {
    return context.Error(context.DescribeInput(0), " but must be [C] or [N,C]");
  }
  Shape output = *input;
  output[output.rank() - 1] = *most + 1;
  context.SetOutput(0, ElementType::kFloat, output);
  return OkStatus();
}

}  // namespace

void RegisterTfIdfVectorizer(OperatorRegistry& registry) {
  registry.Add({.name = "TfIdfVectorizer",
                .since = 9,
                .inputs = {1, 1},
                .types = types::kIndices | types::kString,
                .infer = InferTfIdfVectorizer});
}

}  // namespace mullion::operators
