// SPDX-License-Identifier: MIT
// Mathematical functions of one operand. No opset changed more than the element types; opset 1 also
// had an attribute `consumed_inputs` that says nothing about the result.
#include "operators/registry.h"

namespace mullion::operators {

namespace {

struct UnaryForm {
  std::string_view name;
  int since;
  ElementTypeSet types;
};

constexpr ElementTypeSet kSignedNumbers = types::kAllFloats | types::kSigned;

constexpr UnaryForm kUnaryForms[] = {
    {"Abs", 1, types::kNumeric},       {"Neg", 1, kSignedNumbers},
    {"Sign", 9, types::kNumeric},      {"Ceil", 1, types::kAllFloats},
    {"Floor", 1, types::kAllFloats},   {"Round", 11, types::kAllFloats},
    {"Sqrt", 1, types::kAllFloats},    {"Reciprocal", 1, types::kAllFloats},
    {"Exp", 1, types::kAllFloats},     {"Log", 1, types::kAllFloats},
    {"Erf", 9, types::kNumeric},       {"Tanh", 1, types::kAllFloats},
    {"Sigmoid", 1, types::kAllFloats}, {"Sin", 7, types::kAllFloats},
    {"Cos", 7, types::kAllFloats},     {"Tan", 7, types::kAllFloats},
    {"Asin", 7, types::kAllFloats},    {"Acos", 7, types::kAllFloats},
    {"Atan", 7, types::kAllFloats},    {"Sinh", 9, types::kAllFloats},
    {"Cosh", 9, types::kAllFloats},    {"Asinh", 9, types::kAllFloats},
    {"Acosh", 9, types::kAllFloats},   {"Atanh", 9, types::kAllFloats},
    {"Not", 1, types::kBool},          {"BitwiseNot", 18, types::kIntegers},
};

// IsNaN and IsInf.
Status InferTest(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(InferSameAsFirst(context));
  TypeInfo type = context.OutputInfo(0);
  type.element_type = ElementType::kBool;
  context.SetOutput(0, type);
  return OkStatus();
}

}  // namespace

void RegisterUnary(OperatorRegistry& registry) {
  for (const UnaryForm& form : kUnaryForms) {
    registry.Add({.name = form.name,
                  .since = form.since,
                  .inputs = {1, 1},
                  .types = form.types,
                  .infer = InferSameAsFirst});
  }
  constexpr ElementTypeSet kMayBeNaN = types::kAllFloats | types::kFloat8;
  registry.Add(
      {.name = "IsNaN", .since = 9, .inputs = {1, 1}, .types = kMayBeNaN, .infer = InferTest});
  registry.Add(
      {.name = "IsInf", .since = 10, .inputs = {1, 1}, .types = kMayBeNaN, .infer = InferTest});
}

}  // namespace mullion::operators
