// SPDX-License-Identifier: MIT
// Comparisons, and operations on truth values and on bits.
#include "base/str_cat.h"
#include "operators/legacy_broadcast.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferBitShift(InferenceContext& context) {
  const std::string_view direction = context.node().StringAttribute("direction", "");
  if (direction != "LEFT" && direction != "RIGHT") {
    return context.Error("attribute direction is '", direction, "' but must be 'LEFT' or 'RIGHT'");
  }
  return InferBroadcast(context);
}

struct LogicalForm {
  std::string_view name;
  int since;
  ElementTypeSet types;
};

// Those that opsets 1 to 6 had with attributes for broadcasting.
constexpr LogicalForm kLegacyLogicalForms[] = {
    {"And", 7, types::kBool},        {"Or", 7, types::kBool},
    {"Xor", 7, types::kBool},        {"Equal", 7, types::kNumeric | types::kBool | types::kString},
    {"Greater", 7, types::kNumeric}, {"Less", 7, types::kNumeric},
};

constexpr LogicalForm kComparisons[] = {
    {"GreaterOrEqual", 12, types::kNumeric},
    {"LessOrEqual", 12, types::kNumeric},
};

}  // namespace

void RegisterLogical(OperatorRegistry& registry) {
  for (const LogicalForm& form : kLegacyLogicalForms) {
    registry.Add({.name = form.name, .inputs = {2, 2}, .upgrade = UpgradeLegacyBroadcast});
    registry.Add({.name = form.name,
                  .since = form.since,
                  .inputs = {2, 2},
                  .types = form.types,
                  .infer = InferCompare});
  }
  for (const LogicalForm& form : kComparisons) {
    registry.Add({.name = form.name,
                  .since = form.since,
                  .inputs = {2, 2},
                  .types = form.types,
                  .infer = InferCompare});
  }
  for (const std::string_view name : {"BitwiseAnd", "BitwiseOr", "BitwiseXor"}) {
    registry.Add({.name = name,
                  .since = 18,
                  .inputs = {2, 2},
                  .types = types::kIntegers,
                  .infer = InferBroadcast});
  }
  registry.Add({.name = "BitShift",
                .since = 11,
                .inputs = {2, 2},
                .types = types::kUnsigned,
                .infer = InferBitShift});
}

}  // namespace mullion::operators
