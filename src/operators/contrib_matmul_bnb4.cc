// SPDX-License-Identifier: MIT
// com.microsoft's MatMulBnb4, written out: weights [N, K] are numbers of 4 bits that stand for one
// of 16 floats, times a scale for each block of them in a row over all rows. They become floats
// before the product, where they are constant once and for all.
#include <span>

#include "operators/expansion.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// What 4 bits stand for: a sign, two bits of exponent and one of mantissa ("FP4"), or places at
// which a normal distribution has equal shares ("NF4": Dettmers et al., QLoRA, 2023, appendix E).
constexpr float kFloatOfFour[16] = {
    0.0f,  0.00520833333f,  0.66666667f,  1.0f,  0.33333333f,  0.5f,  0.16666667f,  0.25f,
    -0.0f, -0.00520833333f, -0.66666667f, -1.0f, -0.33333333f, -0.5f, -0.16666667f, -0.25f};
constexpr float kNormalOfFour[16] = {-1.0f,         -0.696192801f, -0.525073051f,  -0.394917488f,
                                     -0.284441382f, -0.18477343f,  -0.0910500363f, 0.0f,
                                     0.0795802996f, 0.160930201f,  0.246112302f,   0.337915242f,
                                     0.440709829f,  0.562617004f,  0.722956836f,   1.0f};

// Of each byte the floats of its two numbers, the one in the high bits first.
Tensor PairsOf(const float (&floats)[16]) {
  float pairs[512];
  for (int i = 0; i < 512; ++i) pairs[i] = floats[i % 2 == 0 ? i / 32 : i / 2 % 16];
  return Tensor::FromSpan<float>({256, 2}, std::span<const float>(pairs));
}

bool Has(const Value& value, int64_t count) {
  const TypeInfo& type = value.type;
  return !type.has_shape || !type.shape.IsConcrete() || type.shape.ElementCount() == count;
}

// Inputs A, B (uint8 [half of N * K]), scales.
Status UpgradeMatmulBnb4(Node& node) {
  constexpr int64_t kMost = int64_t{1} << 31;
  const int64_t depth = node.IntAttribute("K", 0);
  const int64_t columns = node.IntAttribute("N", 0);
  const int64_t block = node.IntAttribute("block_size", 0);
  const int64_t kind = node.IntAttribute("quant_type", -1);
  const bool turned = node.IntAttribute("transB", 1) != 0;
  const bool sizes =
      depth >= 1 && columns >= 1 && depth < kMost && columns < kMost && block >= 1 && block < kMost;
  const int64_t count = sizes ? depth * columns : 0;
  if (!sizes || (kind != 0 && kind != 1) || !Has(*node.input(1), (count + 1) / 2) ||
      !Has(*node.input(2), (count + block - 1) / block)) {
    return node.Error(StatusCode::kInvalidModel,
                      "attributes K, N and block_size must be sizes that its inputs 1 and 2 have, "
                      "and quant_type 0 or 1");
  }
  Expansion expansion(node);
  Value& table =
      node.graph().AddConstant("pairs", PairsOf(kind == 0 ? kFloatOfFour : kNormalOfFour));
  Value& numbers =
      expansion.Add("Gather", {&table, &expansion.Cast(*node.input(1), ElementType::kInt32)});
  // The first N * K of them.
  const auto shaped = [&](Value& x) {
    Value& flat = expansion.Add("Reshape", {&x, &expansion.Ints({-1})});
    Value& part = expansion.Add("Slice", {&flat, &expansion.Ints({0}), &expansion.Ints({count})});
    return &expansion.Add("Reshape", {&part, &expansion.Ints({columns, depth})});
  };
  Value& scales = expansion.Add(
      "Unsqueeze", {&expansion.Cast(*node.input(2), ElementType::kFloat), &expansion.Ints({-1})});
  Value& each = expansion.Add("Expand", {&scales, &expansion.Ints({1, block})});
  Value* weights = &expansion.Add("Mul", {shaped(numbers), shaped(each)});
  if (turned) weights = &expansion.Add("Transpose", {weights});
  Value* const left = node.input(0);
  expansion.Become("MatMul", {left, &expansion.Add("CastLike", {weights, left})});
  return OkStatus();
}

}  // namespace

void RegisterContribMatmulBnb4(OperatorRegistry& registry) {
  registry.Add({.name = "MatMulBnb4",
                .domain = "com.microsoft",
                .inputs = {3, 3},
                .upgrade = UpgradeMatmulBnb4});
}

}  // namespace mullion::operators
