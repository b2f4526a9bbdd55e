// SPDX-License-Identifier: MIT
// DictVectorizer: the values of a map in the order of a vocabulary.
#include "base/str_cat.h"
#include "operators/class_scores.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// The element type of a map's values, kUndefined when not known.
ElementType MapValueType(const InferenceContext& context) {
  const TypeInfo& type = context.InputInfo(0);
  return type.element != nullptr ? type.element->element_type : ElementType::kUndefined;
}

Status InferDictVectorizer(InferenceContext& context) {
  const Node& node = context.node();
  const size_t strings = node.StringsAttribute("string_vocabulary").size();
  const size_t ints = node.IntsAttribute("int64_vocabulary").size();
  if ((strings == 0) == (ints == 0)) {
    return context.Error(
        "one of the attributes 'string_vocabulary' and 'int64_vocabulary' must be "
        "there, not both");
  }
  MULLION_RETURN_IF_ERROR(
      RequireMap(context, strings != 0 ? ElementType::kString : ElementType::kInt64));
  const Shape shape{1, static_cast<int64_t>(strings + ints)};
  context.SetOutput(0, MapValueType(context), shape);
  return OkStatus();
}

}  // namespace

void RegisterDictVectorizer(OperatorRegistry& registry) {
  registry.Add({.name = "DictVectorizer",
                .domain = kMlDomain,
                .inputs = {1, 1},
                .infer = InferDictVectorizer});
}

}  // namespace mullion::operators
