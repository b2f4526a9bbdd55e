// SPDX-License-Identifier: MIT
#include "operators/matmul_nbits.h"

#include <limits>
#include <utility>

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace matmul_nbits {

Result<Sizes> Sizes::Of(const Node& node) {
  const Sizes size = {node.IntAttribute("K", 0), node.IntAttribute("N", 0),
                      node.IntAttribute("bits", 4), node.IntAttribute("block_size", 32)};
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  const bool sane = size.depth >= 1 && size.columns >= 1 && size.depth <= kMost &&
                    size.columns <= kMost && size.block >= 16 && size.block <= kMost &&
                    (size.block & (size.block - 1)) == 0;
  if (!sane) {
    return node.Error(StatusCode::kInvalidModel,
                      StrCat("attributes K, N and block_size are ", size.depth, ", ", size.columns,
                             " and ", size.block, "; block_size must be a power of two from 16"));
  }
  if (size.bits != 4 && size.bits != 8) {
    return node.Error(StatusCode::kUnsupported,
                      StrCat("attribute 'bits' is ", size.bits, " but may be 4 or 8"));
  }
  return size;
}

}  // namespace matmul_nbits

namespace {

using namespace matmul_nbits;

// Halves become floats here: a Cast would hide the constant where nothing is optimized.
Status WidenScales(Node& node) {
  const Value* const scales = node.input(kScales);
  if (!scales->IsConstant() || !Contains(types::kHalfFloats, scales->constant.type())) {
    return OkStatus();
  }
  const Tensor& halves = scales->constant;
  MULLION_ASSIGN_OR_RETURN(Tensor floats, Tensor::Allocate(ElementType::kFloat, halves.shape()));
  auto* const to = static_cast<float*>(floats.mutable_data());
  const TensorView view = halves.view();
  for (int64_t i = 0; i < view.count(); ++i) {
    to[i] = view.type == ElementType::kFloat16 ? static_cast<float>(view.as<Float16>()[i])
                                               : static_cast<float>(view.as<Bfloat16>()[i]);
  }
  node.SetInput(kScales, &node.graph().AddConstant(scales->name(), std::move(floats)));
  return OkStatus();
}

// Inputs A, B, scales, zero points, groups, bias.
Status UpgradeMatmulNbits(Node& node) {
  constexpr int kGroups = 4;
  if (node.input(kGroups) != nullptr || node.IntAttribute("weight_prepacked", 0) != 0) {
    return node.Error(StatusCode::kUnsupported,
                      "reordered groups (input 4) and weights packed for one device are not "
                      "supported; export without them");
  }
  Value* const bias = node.input(kGroups + 1);
  if (bias != nullptr) node.SetInput(kBias, bias);
  if (node.input_count() > kInputs) node.ResizeInputs(kInputs);
  MULLION_RETURN_IF_ERROR(WidenScales(node));
  node.SetOperator(kInternalDomain, "MatMulNBits", 1);
  return OkStatus();
}

// The input is constant, of `type`, and has `count` elements.
Status RequireWeights(const InferenceContext& context, int i, ElementType type, int64_t count) {
  if (!context.HasInput(i)) return OkStatus();
  const bool constant = context.node().input(i)->IsConstant();
  if (!constant || context.InputType(i) != type) {
    return context.node().Error(
        StatusCode::kUnsupported,
        StrCat(context.DescribeInput(i), " but must be constant and of ", ElementTypeName(type)));
  }
  if (context.InputShape(i)->ElementCount() == count) return OkStatus();
  return context.Error(StrCat(context.DescribeInput(i), " but must have ", count, " elements"));
}

Status InferMatmulNbits(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const Sizes size, Sizes::Of(context.node()));
  MULLION_RETURN_IF_ERROR(context.RequireInput(kNumbers));
  MULLION_RETURN_IF_ERROR(context.RequireInput(kScales));
  const int64_t blocks = size.columns * size.blocks();
  MULLION_RETURN_IF_ERROR(
      RequireWeights(context, kNumbers, ElementType::kUint8, blocks * size.block * size.bits / 8));
  MULLION_RETURN_IF_ERROR(RequireWeights(context, kScales, ElementType::kFloat, blocks));
  MULLION_RETURN_IF_ERROR(RequireWeights(context, kZeros, ElementType::kUint8,
                                         size.columns * ((size.blocks() * size.bits + 7) / 8)));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(kLeft, kBias));
  const Shape* const bias = context.InputShape(kBias);
  if (bias != nullptr && bias->IsConcrete() && bias->ElementCount() != size.columns) {
    return context.Error(
        StrCat(context.DescribeInput(kBias), " but must have ", size.columns, " elements"));
  }
  const Shape* const left = context.InputShape(kLeft);
  if (left == nullptr) {
    context.SetOutput(0, context.InputType(kLeft));
    return OkStatus();
  }
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(kLeft, 1));
  if (left->Back(0) >= 0 && left->Back(0) != size.depth) {
    return context.Error(StrCat(context.DescribeInput(kLeft), " but its last axis must have ",
                                size.depth, " elements, as attribute K says"));
  }
  Shape output = *left;
  output[output.rank() - 1] = size.columns;
  context.SetOutput(0, context.InputType(kLeft), output);
  return OkStatus();
}

}  // namespace

void RegisterMatmulNbits(OperatorRegistry& registry) {
  registry.Add({.name = "MatMulNBits",
                .domain = "com.microsoft",
                .inputs = {3, 6},
                .types = types::kFloat | types::kHalfFloats,
                .upgrade = UpgradeMatmulNbits});
  registry.Add({.name = "MatMulNBits",
                .domain = kInternalDomain,
                .inputs = {3, kInputs},
                .types = types::kFloat | types::kHalfFloats,
                .infer = InferMatmulNbits});
}

}  // namespace mullion::operators
