// SPDX-License-Identifier: MIT
#include "operators/matmul_nbits.h"

#include <limits>
#include <utility>

#include "base/str_cat.h"
#include "operators/expansion.h"
#include "operators/registry.h"
#include "operators/spread_bytes.h"
#include "operators/widen_constant.h"

namespace mullion::operators {

namespace matmul_nbits {

Result<Sizes> Sizes::Of(const Node& node) {
  const Sizes size = {node.IntAttribute("K", 0), node.IntAttribute("N", 0),
                      node.IntAttribute("bits", 4), node.IntAttribute("block_size", 32)};
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  constexpr int64_t kMostNumbers = int64_t{1} << 56;  // whose bits can be counted
  const bool sane = size.depth >= 1 && size.columns >= 1 && size.depth <= kMost &&
                    size.columns <= kMost && size.block >= 16 && size.block <= kMost &&
                    (size.block & (size.block - 1)) == 0 &&
                    size.depth + size.block <= kMostNumbers / size.columns;
  if (!sane) {
    return node.Error(StatusCode::kInvalidModel, "attributes K, N and block_size are ", size.depth,
                      ", ", size.columns, " and ", size.block,
                      "; block_size must be a power of two from 16");
  }
  if (size.bits != 2 && size.bits != 4 && size.bits != 8) {
    return node.Error(StatusCode::kUnsupported, "attribute 'bits' is ", size.bits,
                      " but may be 2, 4 or 8");
  }
  return size;
}

}  // namespace matmul_nbits

namespace {

using namespace matmul_nbits;

// What zero points of float, beside half of the range, add to the weights of each block.
Status TurnZerosToShifts(Node& node, const Sizes& size) {
  MULLION_RETURN_IF_ERROR(WidenConstant(node, kZeros));
  const Value* const zeros = node.input(kZeros);
  if (zeros == nullptr || zeros->constant.type() != ElementType::kFloat) return OkStatus();
  const Tensor& scales = node.input(kScales)->constant;
  const int64_t count = size.columns * size.blocks();
  const bool fit = scales.type() == ElementType::kFloat && scales.count() == count &&
                   zeros->constant.count() == count;
  if (!fit) return OkStatus();  // inference will say so
  MULLION_ASSIGN_OR_RETURN(Tensor shifts, Tensor::Allocate(ElementType::kFloat, {count}));
  auto* const to = static_cast<float*>(shifts.mutable_data());
  const auto from = zeros->constant.span<float>();
  const auto factors = scales.span<float>();
  const auto middle = static_cast<float>(1 << (size.bits - 1));
  for (size_t i = 0; i < from.size(); ++i) to[i] = (middle - from[i]) * factors[i];
  node.SetInput(kZeros, &node.graph().AddConstant(zeros->name(), std::move(shifts)));
  return OkStatus();
}

// Inputs of com.microsoft's form behind the zero points.
constexpr int kGroups = 4;
constexpr int kGivenBias = 5;

bool IsGivenConstant(const Node& node, int i) {
  return node.input(i) == nullptr || node.input(i)->IsConstant();
}

Status CheckGroups(const Node& node, const Value* groups, const Sizes& size) {
  constexpr int64_t kMostDepth = int64_t{1} << 24;  // before anything of that size is made
  const bool fits = groups == nullptr || !groups->type.has_shape ||
                    !groups->type.shape.IsConcrete() ||
                    groups->type.shape.ElementCount() == size.depth;
  if (fits && size.depth <= kMostDepth) return OkStatus();
  return node.Error(StatusCode::kInvalidModel, "attribute K is ", size.depth,
                    ", which groups (input 4) must have as "
                    "many of, and at most ",
                    kMostDepth);
}

Result<Tensor> BlockOfEach(const Sizes& size) {
  MULLION_ASSIGN_OR_RETURN(Tensor blocks, Tensor::Allocate(ElementType::kInt32, {size.depth}));
  auto* const to = static_cast<int32_t*>(blocks.mutable_data());
  for (int64_t k = 0; k < size.depth; ++k) to[k] = static_cast<int32_t>(k / size.block);
  return blocks;
}

// Groups that say for each number along the depth which block's scale and zero point it has may say
// what is so without them.
bool AreBlocks(const Value& groups, const Tensor& blocks) {
  if (!groups.IsConstant() || groups.constant.type() != blocks.type()) return false;
  const auto given = groups.constant.span<int32_t>();
  const auto plain = blocks.span<int32_t>();
  return std::equal(given.begin(), given.end(), plain.begin(), plain.end());
}

// Weights that only come at run time, or in groups of their own: they become floats before the
// product, where all are constant once and for all.
class PlainProduct {
 public:
  PlainProduct(Node& node, const Sizes& size, Value& block_of_each)
      : node_(node), expansion_(node), size_(size), block_of_each_(block_of_each) {}

  Status Write() {
    const Value* const zeros = node_.input(kZeros);
    const bool packed = zeros != nullptr && zeros->type.element_type == ElementType::kUint8;
    if (node_.input(kNumbers)->type.element_type != ElementType::kUint8) {
      return node_.Error(StatusCode::kInvalidModel, "input 1 must be of uint8");
    }
    Value* numbers = &Spread(kNumbers, size_.row_bytes());
    numbers = &expansion_.Add("Slice", {numbers, &expansion_.Ints({0}),
                                        &expansion_.Ints({size_.depth}), &expansion_.Ints({1})});
    Value* const zero = zeros == nullptr
                            ? &expansion_.Float(static_cast<float>(1 << (size_.bits - 1)))
                        : packed ? &OfEach(Spread(kZeros, size_.zero_row_bytes()))
                                 : &OfEach(Shaped(kZeros, size_.blocks()));
    Value& shifted = expansion_.Add("Sub", {&expansion_.Cast(*numbers, ElementType::kFloat), zero});
    Value& weights = expansion_.Add("Mul", {&shifted, &OfEach(Shaped(kScales, size_.blocks()))});
    Value* const left = node_.input(kLeft);
    Value& turned = expansion_.Add("Transpose", {&expansion_.Add("CastLike", {&weights, left})});
    Value* const bias = node_.input(kGivenBias);
    if (bias == nullptr) {
      expansion_.Become("MatMul", {left, &turned});
    } else {
      expansion_.Become("Add", {&expansion_.Add("MatMul", {left, &turned}), bias});
    }
    return OkStatus();
  }

 private:
  Value& Shaped(int i, int64_t count) {
    return expansion_.Add("Reshape", {node_.input(i), &expansion_.Ints({size_.columns, count})});
  }
  // One byte for each number of input i.
  Value& Spread(int i, int64_t row_bytes) {
    Value& spread = SpreadBytes(expansion_, node_.graph(), Shaped(i, row_bytes), size_.bits);
    return expansion_.Add("Reshape",
                          {&spread, &expansion_.Ints({size_.columns, row_bytes * 8 / size_.bits})});
  }
  // What is given for blocks, for each number.
  Value& OfEach(Value& blocks) {
    Node& gather = expansion_.AddNode("Gather", {&blocks, &block_of_each_}, 1);
    gather.SetAttribute("axis", int64_t{1});
    return expansion_.Cast(*gather.output(0), ElementType::kFloat);
  }

  Node& node_;
  Expansion expansion_;
  const Sizes& size_;
  Value& block_of_each_;
};

Status UpgradeMatmulNbits(Node& node) {
  if (node.IntAttribute("weight_prepacked", 0) != 0) {
    return node.Error(StatusCode::kUnsupported,
                      "attribute 'weight_prepacked' says that the weights are in an order of CUDA "
                      "kernels, which the specification does not give; export the model without "
                      "it, with the weights as [N, blocks, bytes]");
  }
  MULLION_ASSIGN_OR_RETURN(const Sizes size, Sizes::Of(node));
  Value* groups = node.input(kGroups);
  const bool constant = IsGivenConstant(node, kNumbers) && IsGivenConstant(node, kScales) &&
                        IsGivenConstant(node, kZeros);
  if (groups != nullptr || !constant) {
    MULLION_RETURN_IF_ERROR(CheckGroups(node, groups, size));
    MULLION_ASSIGN_OR_RETURN(Tensor blocks, BlockOfEach(size));
    if (groups != nullptr && AreBlocks(*groups, blocks)) groups = nullptr;
    if (groups == nullptr && !constant) groups = &node.graph().AddConstant("blocks", blocks);
    if (groups != nullptr) return PlainProduct(node, size, *groups).Write();
  }
  node.SetInput(kBias, node.input(kGivenBias));
  node.ResizeInputs(node.input(kBias) == nullptr ? kBias : kInputs);
  MULLION_RETURN_IF_ERROR(WidenConstant(node, kScales));
  MULLION_RETURN_IF_ERROR(TurnZerosToShifts(node, size));
  node.SetOperator(kInternalDomain, "MatMulNBits", 1);
  return OkStatus();
}

// The input is constant, of `type`, and has `count` elements.
Status RequireWeights(const InferenceContext& context, int i, ElementType type, int64_t count) {
  if (!context.HasInput(i)) return OkStatus();
  const bool constant = context.node().input(i)->IsConstant();
  if (!constant || context.InputType(i) != type) {
    return context.node().Error(StatusCode::kUnsupported, context.DescribeInput(i),
                                " but must be constant and of ", ElementTypeName(type));
  }
  if (context.InputShape(i)->ElementCount() == count) return OkStatus();
  return context.Error(context.DescribeInput(i), " but must have ", count, " elements");
}

Status InferMatmulNbits(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const Sizes size, Sizes::Of(context.node()));
  MULLION_RETURN_IF_ERROR(context.RequireInput(kNumbers));
  MULLION_RETURN_IF_ERROR(context.RequireInput(kScales));
  const int64_t blocks = size.columns * size.blocks();
  MULLION_RETURN_IF_ERROR(
      RequireWeights(context, kNumbers, ElementType::kUint8, size.columns * size.row_bytes()));
  MULLION_RETURN_IF_ERROR(RequireWeights(context, kScales, ElementType::kFloat, blocks));
  if (context.HasInput(kZeros) && context.InputType(kZeros) == ElementType::kFloat) {
    MULLION_RETURN_IF_ERROR(RequireWeights(context, kZeros, ElementType::kFloat, blocks));
  } else {
    MULLION_RETURN_IF_ERROR(
        RequireWeights(context, kZeros, ElementType::kUint8, size.columns * size.zero_row_bytes()));
  }
  MULLION_RETURN_IF_ERROR(context.RequireSameType(kLeft, kBias));
  const Shape* const bias = context.InputShape(kBias);
  if (bias != nullptr && bias->IsConcrete() && bias->ElementCount() != size.columns) {
    return context.Error(context.DescribeInput(kBias), " but must have ", size.columns,
                         " elements");
  }
  const Shape* const left = context.InputShape(kLeft);
  if (left == nullptr) {
    context.SetOutput(0, context.InputType(kLeft));
    return OkStatus();
  }
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(kLeft, 1));
  if (left->Back(0) >= 0 && left->Back(0) != size.depth) {
    return context.Error(context.DescribeInput(kLeft), " but its last axis must have ", size.depth,
                         " elements, as attribute K says");
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
