// SPDX-License-Identifier: MIT
#include "operators/expert_product.h"

#include "base/str_cat.h"
#include "operators/inference.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace expert_product {

Sizes Sizes::Of(const Node& node, const Shape& weights) {
  Sizes sizes = {.experts = weights[0],
                 .columns = weights[1],
                 .depth = weights[2],
                 .bits = node.IntAttribute("bits", 0)};
  if (sizes.bits == 0) return sizes;
  if (sizes.depth > 0) sizes.depth = sizes.depth * 8 / sizes.bits;
  sizes.block = node.IntAttribute("block_size", 0);
  if (sizes.block == 0) sizes.block = sizes.depth;
  return sizes;
}

bool HaveJoinedZeros(const Shape& zeros, const Sizes& sizes) {
  return zeros.rank() == 2 && sizes.blocks() == 1;
}

Result<Shape> OutputShape(const Shape& rows, const Shape& experts, const Shape& weights,
                          const Sizes& sizes) {
  const auto differ = [](int64_t a, int64_t b) { return a >= 0 && b >= 0 && a != b; };
  if (differ(rows.Back(0), sizes.depth)) {
    return InvalidModel("tokens ", rows.ToString(), " do not fit weights ", weights.ToString(),
                        " of its experts: their last axis must have ", sizes.depth, " elements");
  }
  if (differ(rows[0], experts[0]) || (rows.rank() == 3 && differ(rows[1], experts[1]))) {
    return InvalidModel("tokens ", rows.ToString(), " do not fit choices ", experts.ToString(),
                        " of experts: it must be one row of choices for each token");
  }
  return Shape{experts[0], experts[1], sizes.columns};
}

}  // namespace expert_product

namespace {

using namespace expert_product;

Status CheckConstant(const InferenceContext& context, int i, ElementType type) {
  if (context.InputType(i) == type && context.node().input(i)->IsConstant()) return OkStatus();
  return context.node().Error(StatusCode::kUnsupported, context.DescribeInput(i),
                              " but must be constant and of ", ElementTypeName(type));
}

Status CheckCount(const InferenceContext& context, int i, int64_t count) {
  const Shape* const shape = context.InputShape(i);
  if (shape == nullptr || !shape->IsConcrete() || shape->ElementCount() == count) return OkStatus();
  return context.Error(context.DescribeInput(i), " but must have ", count, " elements");
}

// Scales and zero points of numbers.
Status CheckNumbers(const InferenceContext& context, const Sizes& sizes) {
  MULLION_RETURN_IF_ERROR(context.RequireInput(kScales));
  MULLION_RETURN_IF_ERROR(CheckConstant(context, kWeights, ElementType::kUint8));
  MULLION_RETURN_IF_ERROR(CheckConstant(context, kScales, ElementType::kFloat));
  if (sizes.experts < 1 || sizes.columns < 1 || sizes.depth < 1) {
    return context.Error(context.DescribeInput(kWeights), " but must not be empty");
  }
  const int64_t rows = sizes.experts * sizes.columns;
  MULLION_RETURN_IF_ERROR(CheckCount(context, kScales, rows * sizes.blocks()));
  if (!context.HasInput(kZeros)) return OkStatus();
  MULLION_RETURN_IF_ERROR(CheckConstant(context, kZeros, ElementType::kUint8));
  const int64_t per_byte = 8 / sizes.bits;
  const int64_t bytes = HaveJoinedZeros(*context.InputShape(kZeros), sizes)
                            ? sizes.experts * ((sizes.columns + per_byte - 1) / per_byte)
                            : rows * ((sizes.blocks() + per_byte - 1) / per_byte);
  return CheckCount(context, kZeros, bytes);
}

Status InferExpertProduct(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireSameType(kRows, kBias));
  MULLION_RETURN_IF_ERROR(context.RequireRank(kExperts, 2));
  MULLION_RETURN_IF_ERROR(context.RequireRank(kWeights, 3));
  const Shape* const rows = context.InputShape(kRows);
  const Shape* const experts = context.InputShape(kExperts);
  const Shape* const weights = context.InputShape(kWeights);
  context.SetOutput(0, context.InputType(kRows));
  if (weights == nullptr) return OkStatus();
  const Sizes sizes = Sizes::Of(context.node(), *weights);
  if (sizes.bits != 0) {
    MULLION_RETURN_IF_ERROR(CheckNumbers(context, sizes));
  } else {
    MULLION_RETURN_IF_ERROR(context.RequireSameType(kRows, kWeights));
  }
  if (sizes.experts >= 0 && sizes.columns >= 0) {
    MULLION_RETURN_IF_ERROR(CheckCount(context, kBias, sizes.experts * sizes.columns));
  }
  if (rows == nullptr || experts == nullptr) return OkStatus();
  const Result<Shape> shape = OutputShape(*rows, *experts, *weights, sizes);
  if (!shape.ok()) return context.Error(shape.status().message());
  context.SetOutput(0, context.InputType(kRows), *shape);
  return OkStatus();
}

}  // namespace

void RegisterExpertProduct(OperatorRegistry& registry) {
  registry.Add({.name = "ExpertProduct",
                .domain = kInternalDomain,
                .inputs = {3, kInputs},
                .types = types::kFloat | types::kHalfFloats,
                .infer = InferExpertProduct});
}

}  // namespace mullion::operators
