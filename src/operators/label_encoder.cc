// SPDX-License-Identifier: MIT
#include "operators/label_encoder.h"

#include <numeric>
#include <string>
#include <vector>

#include "base/str_cat.h"
#include "operators/class_scores.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

constexpr ElementTypeSet kLabels =
    types::kString | types::kFloatDouble |
    SetOf(ElementType::kInt64, ElementType::kInt32, ElementType::kInt16);

// The list whose attribute is there: `<prefix>_tensor`, _strings, _int64s or _floats; empty when
// none is.
Tensor ReadList(const Node& node, const std::string& prefix) {
  if (const Tensor* const tensor = node.TensorAttribute(prefix + "_tensor")) {
    return tensor->Reshaped(Shape{tensor->count()});
  }
  if (const auto words = node.StringsAttribute(prefix + "_strings"); !words.empty()) {
    return Tensor::Vector(words);
  }
  if (const auto numbers = node.IntsAttribute(prefix + "_int64s"); !numbers.empty()) {
    return Tensor::Vector(numbers);
  }
  if (const auto numbers = node.FloatsAttribute(prefix + "_floats"); !numbers.empty()) {
    return Tensor::Vector(numbers);
  }
  return Tensor();
}

// The default for values of `type`.
Tensor ReadDefault(const Node& node, ElementType type) {
  const Tensor* const tensor = node.TensorAttribute("default_tensor");
  if (tensor != nullptr && tensor->type() == type && tensor->count() == 1) return *tensor;
  switch (type) {
    case ElementType::kString:
      return Tensor::Scalar(std::string(node.StringAttribute("default_string", "_Unused")));
    case ElementType::kInt64:
      return Tensor::Scalar(node.IntAttribute("default_int64", -1));
    case ElementType::kInt32:
      return Tensor::Scalar(static_cast<int32_t>(node.IntAttribute("default_int64", -1)));
    case ElementType::kInt16:
      return Tensor::Scalar(static_cast<int16_t>(node.IntAttribute("default_int64", -1)));
    case ElementType::kDouble:
      return Tensor::Scalar(static_cast<double>(node.FloatAttribute("default_float", -0.0f)));
    default:
      return Tensor::Scalar(node.FloatAttribute("default_float", -0.0f));
  }
}

Status InferLabelEncoder(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const LabelTable table, ParseLabelTable(context.node()));
  if (table.keys.type() != context.InputType(0)) {
    return context.Error(context.DescribeInput(0), " but its keys are of type ",
                         ElementTypeName(table.keys.type()));
  }
  SetLikeFirst(context, table.values.type());
  return OkStatus();
}

// LabelEncoder-1 numbers a list of strings: one way or the other, as the input's type says.
Status UpgradeLabelEncoder1(Node& node) {
  const auto words = node.StringsAttribute("classes_strings");
  std::vector<std::string> classes(words.begin(), words.end());
  std::vector<int64_t> numbers(classes.size());
  std::iota(numbers.begin(), numbers.end(), 0);
  const bool from_words = node.input(0)->type.element_type == ElementType::kString;
  node.SetAttribute(from_words ? "keys_strings" : "values_strings", std::move(classes));
  node.SetAttribute(from_words ? "values_int64s" : "keys_int64s", std::move(numbers));
  node.RemoveAttribute("classes_strings");
  node.set_opset(2);
  return OkStatus();
}

// LabelEncoder-4 added tensors and types.
Status UpgradeLabelEncoder2(Node& node) {
  node.set_opset(4);
  return OkStatus();
}

Status InferCategoryMapper(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const LabelTable table,
                           ParseCategoryTable(context.node(), context.InputType(0)));
  SetLikeFirst(context, table.values.type());
  return OkStatus();
}

}  // namespace

Result<LabelTable> ParseLabelTable(const Node& node) {
  LabelTable table;
  table.keys = ReadList(node, "keys");
  table.values = ReadList(node, "values");
  if (!table.keys || !table.values || table.keys.count() != table.values.count()) {
    return node.Error(StatusCode::kInvalidModel, "it has ", table.keys ? table.keys.count() : 0,
                      " keys and ", table.values ? table.values.count() : 0,
                      " values; there must be as many of both, in one of the attributes "
                      "ending in _tensor, _strings, _int64s or _floats");
  }
  for (const Tensor* const list : {&table.keys, &table.values}) {
    if (Contains(kLabels, list->type())) continue;
    return node.Error(StatusCode::kInvalidModel, "keys or values of type ",
                      ElementTypeName(list->type()), " are not defined for this operator");
  }
  table.fallback = ReadDefault(node, table.values.type());
  return table;
}

Result<LabelTable> ParseCategoryTable(const Node& node, ElementType input) {
  const auto words = node.StringsAttribute("cats_strings");
  const auto numbers = node.IntsAttribute("cats_int64s");
  if (words.size() != numbers.size()) {
    return node.Error(StatusCode::kInvalidModel, "attribute 'cats_strings' has ", words.size(),
                      " elements and 'cats_int64s' ", numbers.size(), "; both must have as many");
  }
  LabelTable table{Tensor::Vector(words), Tensor::Vector(numbers),
                   ReadDefault(node, ElementType::kInt64)};
  if (input != ElementType::kString) {
    std::swap(table.keys, table.values);
    table.fallback = ReadDefault(node, ElementType::kString);
  }
  return table;
}

void RegisterLabelEncoder(OperatorRegistry& registry) {
  OperatorDefinition form{.name = "LabelEncoder", .domain = kMlDomain, .inputs = {1, 1}};
  form.upgrade = UpgradeLabelEncoder1;
  registry.Add(form);
  form.since = 2;
  form.upgrade = UpgradeLabelEncoder2;
  registry.Add(form);
  form.since = 4;
  form.types = kLabels;
  form.upgrade = nullptr;
  form.infer = InferLabelEncoder;
  registry.Add(form);
  registry.Add({.name = "CategoryMapper",
                .domain = kMlDomain,
                .inputs = {1, 1},
                .types = types::kString | SetOf(ElementType::kInt64),
                .infer = InferCategoryMapper});
}

}  // namespace mullion::operators
