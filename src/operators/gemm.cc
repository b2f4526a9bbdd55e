// SPDX-License-Identifier: MIT
// Gemm.
#include "operators/gemm.h"

#include <optional>

#include "base/str_cat.h"
#include "operators/epilogue.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferGemm(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireInput(1));
  for (int i = 1; i <= kResidualInput; ++i) {
    MULLION_RETURN_IF_ERROR(context.RequireSameType(0, i));
  }
  MULLION_RETURN_IF_ERROR(context.RequireRank(0, 2));
  MULLION_RETURN_IF_ERROR(context.RequireRank(1, 2));
  const GemmParameters parameters(context.node());
  const Shape* const left = context.InputShape(0);
  const Shape* const right = context.InputShape(1);
  Shape output{kUnknownDim, kUnknownDim};
  if (left != nullptr) output[0] = parameters.Rows(*left);
  if (right != nullptr) output[1] = parameters.Columns(*right);
  if (left != nullptr && right != nullptr) {
    const int64_t left_depth = parameters.LeftDepth(*left);
    const int64_t right_depth = parameters.RightDepth(*right);
    if (left_depth >= 0 && right_depth >= 0 && left_depth != right_depth) {
      return context.Error(context.DescribeInput(0), " and ", context.DescribeInput(1),
                           ": the rows of the first are ", left_depth,
                           " long but the columns of the second ", right_depth,
                           ", after transA and transB");
    }
  }
  const Shape* const added = context.InputShape(kBiasInput);
  if (added != nullptr && added->IsConcrete() && output.IsConcrete()) {
    const std::optional<Shape> common = BroadcastShapes(output, *added);
    if (!common.has_value() || !(*common == output)) {
      return context.Error(context.DescribeInput(kBiasInput),
                           " but must broadcast to the output's shape ", output.ToString());
    }
  }
  MULLION_RETURN_IF_ERROR(CheckResidual(context, kResidualInput, output));
  context.SetOutput(0, context.InputType(0), output);
  return OkStatus();
}

// Before opset 7 C broadcast only if the attribute `broadcast` said so. What was valid without it
// needs no broadcasting.
Status UpgradeGemm(Node& node) {
  node.RemoveAttribute("broadcast");
  node.set_opset(7);
  return OkStatus();
}

}  // namespace

void RegisterGemm(OperatorRegistry& registry) {
  constexpr ElementTypeSet kTypes =
      types::kAllFloats |
      SetOf(ElementType::kInt32, ElementType::kInt64, ElementType::kUint32, ElementType::kUint64);
  registry.Add({.name = "Gemm", .inputs = {3, 3}, .types = kTypes, .upgrade = UpgradeGemm});
  // C is optional from Gemm-11 on.
  registry.Add({.name = "Gemm",
                .since = 7,
                .inputs = {2, 4},
                .added_inputs = 1,
                .types = kTypes,
                .infer = InferGemm});
}

}  // namespace mullion::operators
